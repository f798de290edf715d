//! How a driver receives and sends datagrams: addresses, ECN, batches, turns, sockets that share a port.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::{Driver, Ecn, Event, Sent, Transmits, UdpOptions, UdpSocket};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use support::udp::{Kept, any_port, bind, keep, plain, receive};
use support::{Sort, connect, driver, event};

/// Of each family that this machine has.
fn loopback() -> impl Iterator<Item = &'static str> {
    std::iter::once("127.0.0.1").chain(has_ipv6().then_some("::1"))
}

/// A machine without IPv6 has nothing to test of it.
fn has_ipv6() -> bool {
    std::net::UdpSocket::bind("[::1]:0").is_ok()
}

/// Every way that the system may take: with and without joining, with and without segmenting.
fn ways() -> impl Iterator<Item = UdpOptions> {
    [(true, true), (true, false), (false, true), (false, false)]
        .map(|(join, segment)| UdpOptions { join, segment, ..UdpOptions::default() })
        .into_iter()
}

/// The batches of one turn, without waiting: how many datagrams each had.
fn turn(driver: &mut Driver) -> Vec<usize> {
    driver.wait(Some(Duration::ZERO)).unwrap();
    let mut batches = Vec::new();
    while let Some(event) = driver.next() {
        match event {
            Event::Datagrams { batch, .. } => batches.push(keep(driver, batch).len()),
            other => panic!("{other:?}"),
        }
    }
    batches
}

#[test]
fn a_datagram_is_received_and_answered() {
    for ip in loopback() {
        let mut driver = driver(64);
        let (socket, address) = bind(&mut driver, ip, &UdpOptions::default());
        assert_ne!(address.port(), 0);
        assert_eq!(driver.udp_address(socket), Some(address));
        let (peer, peer_address) = plain(ip);
        let mut transmits = Transmits::new();
        for text in ["hello", "", "again"] {
            peer.send_to(text.as_bytes(), address).unwrap();
            let expected = Kept { bytes: text.into(), from: peer_address, to: address, ecn: Ecn::NotEct };
            assert_eq!(receive(&mut driver, socket, 1), [expected]);
            assert!(driver.next().is_none());
            assert!(!driver.is_ready(), "would receive for nothing");

            transmits.push(text.as_bytes(), peer_address, None, Ecn::NotEct);
            assert_eq!(driver.send_datagrams(socket, &mut transmits), Sent::All);
            assert!(transmits.is_empty());
            let mut room = [0; 100];
            let (length, from) = peer.recv_from(&mut room).unwrap();
            assert_eq!((&room[..length], from), (text.as_bytes(), address));
        }
        let counters = driver.udp_counters(socket);
        assert_eq!((counters.received, counters.received_bytes, counters.receive_calls), (3, 10, 3));
        assert_eq!((counters.sent, counters.sent_bytes, counters.send_calls), (3, 10, 3));
    }
}

#[test]
fn a_run_in_one_piece_arrives_as_its_datagrams() {
    for ip in loopback() {
        let mut driver = driver(64);
        let (from, _) = bind(&mut driver, ip, &UdpOptions::default());
        let (to, address) = bind(&mut driver, ip, &UdpOptions::default());
        let mut transmits = Transmits::new();
        // The longest message that IPv6 takes, and more.
        let bytes: Vec<u8> = (0..100_000).map(support::byte_at).collect();
        transmits.space(bytes.len()).copy_from_slice(&bytes);
        transmits.commit_run(bytes.len(), 1300, address, None, Ecn::NotEct);
        assert_eq!(transmits.len(), 77);
        assert_eq!(driver.send_datagrams(from, &mut transmits), Sent::All);
        let got = receive(&mut driver, to, 77);
        assert!(got[..76].iter().all(|kept| kept.bytes.len() == 1300));
        assert_eq!(got.iter().flat_map(|kept| kept.bytes.clone()).collect::<Vec<_>>(), bytes);
        assert_eq!(driver.udp_counters(from).refused, 0);
    }
}

#[test]
fn bytes_may_be_changed_in_place() {
    let mut driver = driver(64);
    let (socket, address) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
    let (peer, _) = plain("127.0.0.1");
    peer.send_to(b"abc", address).unwrap();
    match event(&mut driver) {
        Event::Datagrams { socket: of, mut batch } => {
            assert_eq!(of, socket);
            let datagram = batch.next().unwrap();
            datagram.bytes.make_ascii_uppercase();
            assert_eq!(datagram.bytes, b"ABC");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn runs_arrive_as_the_datagrams_they_were() {
    // Several runs: one that is long, one whose last is shorter, singles, an empty one, more than a message holds.
    let sizes: Vec<usize> = std::iter::repeat_n(1200, 150)
        .chain([700, 1200, 1200, 30, 0, 5, 6, 6, 7, 0, 0, 1452])
        .chain(std::iter::repeat_n(1, 70))
        .collect();
    for ip in loopback() {
        for sending in ways() {
            for receiving in ways() {
                let mut driver = driver(64);
                let (from, from_address) = bind(&mut driver, ip, &sending);
                let (to, to_address) = bind(&mut driver, ip, &receiving);
                let mut transmits = Transmits::new();
                let ecn = |place: usize| if place < 100 { Ecn::Ect0 } else { Ecn::Ce };
                for (place, size) in sizes.iter().enumerate() {
                    let space = transmits.space(1500);
                    space[..*size].fill(place as u8);
                    transmits.commit(*size, to_address, None, ecn(place));
                }
                assert_eq!(transmits.len(), sizes.len());
                assert_eq!(transmits.size(), sizes.iter().sum());
                assert_eq!(driver.send_datagrams(from, &mut transmits), Sent::All);
                let got = receive(&mut driver, to, sizes.len());
                for (place, (kept, size)) in got.iter().zip(&sizes).enumerate() {
                    assert_eq!(kept.bytes, vec![place as u8; *size], "{place}");
                    assert_eq!((kept.from, kept.to), (from_address, to_address));
                    assert_eq!(kept.ecn, if cfg!(target_os = "linux") { ecn(place) } else { Ecn::NotEct });
                }
                let counters = driver.udp_counters(from);
                assert_eq!(counters.sent, sizes.len() as u64);
                assert_eq!((counters.refused, counters.overflowed), (0, 0));
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_run_takes_few_calls() {
    let mut driver = driver(64);
    let (from, _) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
    let (to, address) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
    let mut transmits = Transmits::new();
    for _ in 0..500 {
        transmits.push(&[7; 1200], address, None, Ecn::NotEct);
    }
    driver.send_datagrams(from, &mut transmits);
    receive(&mut driver, to, 500);
    let (sent, received) = (driver.udp_counters(from), driver.udp_counters(to));
    assert_eq!((sent.sent, sent.sent_bytes, sent.send_calls), (500, 600_000, 1));
    assert_eq!((received.received, received.received_bytes, received.receive_calls), (500, 600_000, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_for_all_addresses_knows_which_was_meant() {
    for (any, addresses) in [("0.0.0.0", ["127.0.0.2", "127.0.0.3"]), ("::", ["::1", "::1"])] {
        if any == "::" && !has_ipv6() {
            continue;
        }
        let mut driver = driver(64);
        let (socket, bound) = bind(&mut driver, any, &UdpOptions::default());
        for ip in addresses {
            let address = SocketAddr::new(ip.parse().unwrap(), bound.port());
            let (peer, peer_address) = plain(ip);
            peer.send_to(b"to you", address).unwrap();
            let kept = receive(&mut driver, socket, 1).remove(0);
            assert_eq!((kept.from, kept.to), (peer_address, address));
            // The answer comes from where the question went.
            let mut transmits = Transmits::new();
            transmits.push(b"from me", kept.from, Some(kept.to), Ecn::Ect0);
            transmits.push(b"from me", kept.from, Some(kept.to), Ecn::Ect0);
            driver.send_datagrams(socket, &mut transmits);
            for _ in 0..2 {
                let mut room = [0; 100];
                let (length, from) = peer.recv_from(&mut room).unwrap();
                assert_eq!((&room[..length], from), (&b"from me"[..], address));
            }
        }
        assert_eq!(driver.udp_counters(socket).refused, 0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_for_both_families_speaks_mapped_addresses() {
    if !has_ipv6() {
        return;
    }
    let mut driver = driver(64);
    let options = UdpOptions { v6_only: false, ..UdpOptions::default() };
    let (socket, bound) = bind(&mut driver, "::", &options);
    let (client, client_address) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
    let mapped =
        |ip: [u8; 4], port| SocketAddr::new(std::net::Ipv4Addr::from(ip).to_ipv6_mapped().into(), port);
    let mut transmits = Transmits::new();
    for _ in 0..3 {
        transmits.push(b"over four", ([127, 0, 0, 9], bound.port()).into(), None, Ecn::Ce);
    }
    driver.send_datagrams(client, &mut transmits);
    let kept = receive(&mut driver, socket, 3);
    let expected = Kept {
        bytes: b"over four".into(),
        from: mapped([127, 0, 0, 1], client_address.port()),
        to: mapped([127, 0, 0, 9], bound.port()),
        ecn: Ecn::Ce,
    };
    assert_eq!(kept, [expected.clone(), expected.clone(), expected.clone()]);
    for _ in 0..3 {
        transmits.push(b"back", expected.from, Some(expected.to), Ecn::Ect1);
    }
    driver.send_datagrams(socket, &mut transmits);
    for kept in receive(&mut driver, client, 3) {
        assert_eq!((kept.bytes, kept.ecn), (b"back".to_vec(), Ecn::Ect1));
        assert_eq!(kept.from, ([127, 0, 0, 9], bound.port()).into());
    }
}

#[test]
fn an_ipv6_socket_does_not_take_ipv4_unless_it_shall() {
    if !has_ipv6() {
        return;
    }
    let mut driver = driver(64);
    let (_, bound) = bind(&mut driver, "::", &UdpOptions::default());
    let same_port: SocketAddr = ([0, 0, 0, 0], bound.port()).into();
    let four = UdpSocket::bind(&same_port, &UdpOptions::default()).unwrap();
    assert_eq!(four.local_address(), same_port);
}

#[test]
fn sockets_with_much_to_receive_take_turns() {
    let mut driver = driver(64);
    let single = UdpOptions { join: false, ..UdpOptions::default() };
    let (_, one) = bind(&mut driver, "127.0.0.1", &single);
    let (_, two) = bind(&mut driver, "127.0.0.1", &single);
    let (peer, _) = plain("127.0.0.1");
    for _ in 0..70 {
        peer.send_to(b"x", one).unwrap();
    }
    for _ in 0..40 {
        peer.send_to(b"x", two).unwrap();
    }
    assert_eq!(turn(&mut driver), [32, 32]);
    assert!(driver.is_ready());
    assert_eq!(turn(&mut driver), [32, 8]);
    assert_eq!(turn(&mut driver), [6]);
    assert!(!driver.is_ready());
    // A batch that was just full can't know that nothing is left: the next one finds nothing, and says nothing.
    for _ in 0..32 {
        peer.send_to(b"x", one).unwrap();
    }
    assert_eq!(turn(&mut driver), [32]);
    assert!(driver.is_ready());
    assert_eq!(turn(&mut driver), [] as [usize; 0]);
    assert!(!driver.is_ready());
}

#[test]
fn a_flood_of_datagrams_does_not_hold_up_a_connection() {
    let mut driver = driver(64);
    let (socket, address) =
        bind(&mut driver, "127.0.0.1", &UdpOptions { join: false, ..UdpOptions::default() });
    let (key, mut client) = connect(&mut driver, Sort::Tcp);
    let (peer, _) = plain("127.0.0.1");
    for _ in 0..200 {
        peer.send_to(b"x", address).unwrap();
    }
    client.write_all(b"me too").unwrap();
    let (mut datagrams, mut before) = (0, None);
    while datagrams < 200 {
        match event(&mut driver) {
            Event::Datagrams { socket: of, batch } if of == socket => {
                datagrams += keep(&mut driver, batch).len();
            }
            Event::Received { key: of, lease } if of == key => {
                assert_eq!(&*lease, b"me too");
                before = Some(datagrams);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(before.is_some_and(|before| before <= 32), "{before:?}");
}

#[test]
fn sockets_that_share_a_port_share_the_senders() {
    let options = UdpOptions { reuse_port: true, ..UdpOptions::default() };
    let first = UdpSocket::bind(&any_port("127.0.0.1"), &options).unwrap();
    let address = first.local_address();
    let second = UdpSocket::bind(&address, &options).unwrap();
    assert!(UdpSocket::bind(&address, &UdpOptions::default()).is_err());
    let (mut one, mut two) = (driver(64), driver(64));
    one.bind_udp(first).unwrap();
    two.bind_udp(second).unwrap();
    let peers: Vec<_> = (0..64).map(|_| plain("127.0.0.1")).collect();
    let round = |one: &mut Driver, two: &mut Driver| -> Vec<Vec<u16>> {
        peers.iter().for_each(|(peer, _)| assert_eq!(peer.send_to(b"x", address).unwrap(), 1));
        [one, two]
            .map(|driver| {
                let mut ports = Vec::new();
                driver.wait(Some(Duration::ZERO)).unwrap();
                while driver.is_ready() {
                    while let Some(event) = driver.next() {
                        let Event::Datagrams { batch, .. } = event else { panic!("{event:?}") };
                        ports.extend(keep(driver, batch).iter().map(|kept| kept.from.port()));
                    }
                    driver.wait(Some(Duration::ZERO)).unwrap();
                }
                ports
            })
            .into()
    };
    let shares = round(&mut one, &mut two);
    assert_eq!(shares[0].len() + shares[1].len(), peers.len());
    if cfg!(target_os = "linux") {
        assert!(shares.iter().all(|share| !share.is_empty()));
        assert_eq!(round(&mut one, &mut two), shares, "a sender stays with its socket");
    }
}

#[test]
fn what_the_system_refuses_is_lost_and_counted() {
    for segment in [true, false] {
        let mut driver = driver(64);
        let options = UdpOptions { segment, ..UdpOptions::default() };
        let (socket, _) = bind(&mut driver, "127.0.0.1", &options);
        let (to, address) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
        let mut transmits = Transmits::new();
        transmits.push(b"before", address, None, Ecn::NotEct);
        // Longer than a datagram can be; another family; a port that does not exist.
        transmits.push(&[0; 65_508], address, None, Ecn::NotEct);
        transmits.push(b"lost", "[::1]:9".parse().unwrap(), None, Ecn::NotEct);
        for _ in 0..3 {
            transmits.push(b"lost", ([127, 0, 0, 1], 0).into(), None, Ecn::NotEct);
        }
        transmits.push(&[1; 65_507], address, None, Ecn::NotEct);
        for _ in 0..3 {
            transmits.push(b"behind", address, None, Ecn::NotEct);
        }
        assert_eq!(driver.send_datagrams(socket, &mut transmits), Sent::All);
        let lengths: Vec<_> = receive(&mut driver, to, 5).iter().map(|kept| kept.bytes.len()).collect();
        assert_eq!(lengths, [6, 65_507, 6, 6, 6]);
        let counters = driver.udp_counters(socket);
        assert_eq!((counters.sent, counters.refused), (5, 5));
        // A port where nobody is may be reported later; it harms nobody.
        let (gone, gone_address) = plain("127.0.0.1");
        drop(gone);
        for _ in 0..3 {
            transmits.push(b"anybody?", gone_address, None, Ecn::NotEct);
            driver.send_datagrams(socket, &mut transmits);
        }
        transmits.push(b"alive", address, None, Ecn::NotEct);
        driver.send_datagrams(socket, &mut transmits);
        assert_eq!(receive(&mut driver, to, 1)[0].bytes, b"alive");
    }
}

#[test]
fn a_closed_socket_is_silent_and_its_key_is_stale() {
    let mut driver = driver(64);
    let (socket, address) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
    let (peer, peer_address) = plain("127.0.0.1");
    peer.send_to(b"late", address).unwrap();
    driver.wait(None).unwrap();
    driver.close_udp(socket);
    let (other, other_address) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
    assert_eq!(other.index(), socket.index());
    assert_ne!(other, socket);
    assert!(driver.next().is_none());
    let mut transmits = Transmits::new();
    transmits.push(b"x", peer_address, None, Ecn::NotEct);
    assert_eq!(driver.send_datagrams(socket, &mut transmits), Sent::All);
    assert!(transmits.is_empty());
    driver.close_udp(socket);
    assert_eq!((driver.udp_address(socket), driver.unsent_datagrams(socket)), (None, 0));
    assert_eq!(driver.udp_counters(socket), flare_net::UdpCounters::default());
    peer.send_to(b"to the other", other_address).unwrap();
    assert_eq!(receive(&mut driver, other, 1)[0].bytes, b"to the other");
    // The port of the closed one is free.
    UdpSocket::bind(&address, &UdpOptions::default()).unwrap();
}

#[test]
fn buffers_are_as_large_as_the_system_gives() {
    let small = UdpOptions { receive_buffer: 100_000, send_buffer: 50_000, ..UdpOptions::default() };
    let socket = UdpSocket::bind(&any_port("127.0.0.1"), &small).unwrap();
    assert_eq!((socket.receive_buffer(), socket.send_buffer()), (100_000, 50_000));
    let large = UdpOptions { receive_buffer: 1 << 40, send_buffer: 1 << 40, ..UdpOptions::default() };
    let socket = UdpSocket::bind(&any_port("127.0.0.1"), &large).unwrap();
    assert!(socket.receive_buffer() >= 100_000 && socket.send_buffer() >= 50_000);
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let socket = UdpSocket::bind(&any_port("127.0.0.1"), &UdpOptions::default()).unwrap();
    let error = UdpSocket::bind(&socket.local_address(), &UdpOptions::default()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
