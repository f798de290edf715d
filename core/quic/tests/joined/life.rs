//! How connections end, move, wait, and what they tell about themselves.

use std::time::{Duration, Instant};

use flare_quic::{ClientContext, Congestion, Ecn, QuicSettings, ServerContext, StreamError};
use flare_tls::ServerTls;

use crate::support::{
    Faults, SERVER, Sender, World, address, client_context, insecure, pattern, read_all, server_tls,
};

fn world(quic: &QuicSettings) -> World {
    let mut world = World::new(&server_tls(), quic);
    world.connect(&ClientContext::new(&insecure(), quic).unwrap());
    world
}

#[test]
fn a_close_is_told_with_its_code_and_both_sides_end() {
    let mut world = World::joined();
    world.server().close(0x100, "enough");
    world.server().close(0x101, "again");
    assert!(world.server().is_closing() && !world.server().is_closed());
    let own = world.server().close_reason().unwrap();
    assert_eq!((own.by_peer, own.application, own.code), (false, true, 0x100));
    world.run("the news", |world| world.client().is_closing());
    let told = world.client().close_reason().unwrap();
    assert_eq!((told.by_peer, told.application, told.code), (true, true, 0x100));
    assert_eq!(told.reason, b"enough");
    world.run("the end", |world| world.connections() == 0 && world.client().is_closed());
    assert_eq!(world.client().deadline(), None);
    assert!(world.client().open_bidirectional().is_err());
    let known = format!("{:?}", world.workers[0].endpoint);
    assert!(known.contains("ids: 0, handshakes: 0"), "{known}");
}

#[test]
fn a_close_behind_a_full_congestion_window_leaves_with_the_next_probe() {
    let mut world = World::joined();
    world.run_out();
    let path = world.client().path();
    let server = world.server();
    let id = server.open_unidirectional().unwrap();
    server.write(id, &pattern(200_000, id), false).unwrap();
    // Nothing of it arrives, so nothing is acknowledged.
    while server.transmit(Instant::now(), &mut Vec::new()).is_some() {}
    assert!(!server.owes_close());
    server.close(0x100, "");
    assert_eq!(server.transmit(Instant::now(), &mut Vec::new()), None);
    assert!(server.owes_close());
    let mut out = Vec::new();
    let begin = Instant::now();
    let run = loop {
        let at = server.deadline().unwrap();
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        server.timeout(Instant::now());
        if let Some(run) = server.transmit(Instant::now(), &mut out) {
            break run;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "no probe");
    };
    assert!(!server.owes_close());
    for datagram in out.chunks_mut(run.segment) {
        world.client().receive(datagram, path, Ecn::NotCapable);
    }
    let told = world.client().close_reason().unwrap();
    assert_eq!((told.by_peer, told.application, told.code), (true, true, 0x100));
}

#[test]
fn a_close_before_the_handshake_has_ended_says_nothing_of_the_application() {
    let mut world = world(&QuicSettings::default());
    world.turn();
    // The server has answered, and the client's last word is on its way.
    world.turn();
    world.server().close(0x100, "secret");
    world.run("the news", |world| world.client().is_closing());
    let told = world.client().close_reason().unwrap();
    assert_eq!((told.by_peer, told.application, told.code), (true, false, 0x0c), "APPLICATION_ERROR");
    assert!(told.reason.is_empty());
}

#[test]
fn an_idle_connection_ends_silently_on_both_sides() {
    let quic = QuicSettings { idle_timeout: Duration::from_millis(300), ..QuicSettings::default() };
    let mut world = world(&quic);
    world.settle_handshakes();
    world.run_out();
    let begin = Instant::now();
    world.run("the end", |world| world.connections() == 0 && world.client().is_closed());
    assert!(begin.elapsed() >= Duration::from_millis(200), "{:?}", begin.elapsed());
    assert_eq!(world.client().close_reason(), None);
}

#[test]
fn a_handshake_that_takes_too_long_is_given_up_on_both_sides() {
    let tls = ServerTls { handshake_timeout: Duration::from_millis(200), ..server_tls() };
    let mut world = World::new(&tls, &QuicSettings::default());
    world.connect(&client_context());
    world.turn();
    // The client falls silent.
    world.clients.clear();
    world.run("the end", |world| world.connections() == 0 || world.server().close_reason().is_some());
    let reason = world.server().close_reason().unwrap();
    assert_eq!((reason.by_peer, reason.application, reason.code), (false, false, 0));
    world.run("its place", |world| world.workers[0].endpoint.handshakes() == 0);
    world.run("the end", |world| world.connections() == 0);

    let tls = flare_tls::ClientTls { handshake_timeout: Duration::from_millis(200), ..insecure() };
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    world.faults.lost = 100;
    world.connect(&ClientContext::new(&tls, &QuicSettings::default()).unwrap());
    world.run("the end", |world| world.client().is_closed());
}

/// As often as a client may.
const MOVES: u16 = 7;

/// One side sends, and the client's address changes several times in between.
fn move_while_sending(download: bool) {
    let mut world = World::joined();
    let stream = world.client().open_bidirectional().unwrap();
    world.client().write(stream, b"begin", download).unwrap();
    world.run("the begin", |world| world.server().next_readable().is_some());
    let mut buffer = [0; 10];
    world.server().read(stream, &mut buffer).unwrap();
    let mut sender = Sender::new(stream, pattern(4_000_000, stream));
    let mut got = Vec::new();
    let mut moves = 0;
    let mut heard = 0;
    world.run("the content", |world| {
        if download {
            sender.go(world.server())
        } else {
            sender.go(world.client())
        }
        let reader = if download { world.client() } else { world.server() };
        let whole = reader.next_readable().is_some_and(|stream| read_all(reader, stream, &mut got));
        // The server has found the client, and what it asked has come: no NAT forgets again sooner.
        let found = moves == 0 || world.server().path().peer.port() == 5000 + moves;
        let here = found && world.client().stats().received >= heard + 2;
        if moves < MOVES && here && got.len() > (usize::from(moves) + 1) * 150_000 {
            moves += 1;
            world.rebound.insert(address("10.0.1.1:2000"), address(&format!("10.0.9.9:{}", 5000 + moves)));
            // What is on its way to the old address is lost.
            world.to_clients.clear();
            heard = world.client().stats().received;
            // A NAT forgets about who is silent; the client says something again.
            world.client().write_datagram(b"I am here".to_vec());
        }
        whole
    });
    assert_eq!(moves, MOVES);
    assert!(got == sender.content);
    world.run("the new path", |world| world.server().path().peer.port() == 5000 + MOVES);
    assert_eq!(world.server().path().local, address(SERVER));
}

#[test]
fn a_new_path_is_asked_about_again_when_the_answer_was_lost() {
    let mut world = World::joined();
    let stream = world.client().open_bidirectional().unwrap();
    world.client().write(stream, b"begin", true).unwrap();
    world.run("the begin", |world| world.server().next_readable().is_some());
    assert!(read_all(world.server(), stream, &mut Vec::new()));
    world.run_out();
    // Lost on the old path. That is found out when the new one is known to be the client's.
    world.server().reset(stream, 7);
    world.send_now();
    assert!(!world.to_clients.is_empty());
    world.to_clients.clear();
    world.rebound.insert(address("10.0.1.1:2000"), address("10.0.9.9:5001"));
    world.client().write_datagram(vec![0; 1000]);
    world.run("the new path", |world| world.server().path().peer.port() == 5001);
    // The question comes, and the answer does not.
    world.turn();
    world.send_now();
    assert!(!world.to_server.is_empty());
    world.to_server.clear();
    // An acknowledgement of this is one of the question too: no timer is left that would ask again.
    world.server().write_datagram(b"more".to_vec());
    world.run("the reset", |world| {
        let readable = world.client().next_readable();
        readable
            .is_some_and(|stream| matches!(world.client().read(stream, &mut [0]), Err(StreamError::Reset(7))))
    });
}

#[test]
fn a_client_that_moves_on_before_it_was_found_is_found() {
    let mut world = World::joined();
    let stream = world.client().open_bidirectional().unwrap();
    world.client().write(stream, b"begin", false).unwrap();
    world.run("the begin", |world| world.server().next_readable().is_some());
    world.server().read(stream, &mut [0; 10]).unwrap();
    world.run_out();
    let mut got = [0; 10];
    for port in [5001, 5002] {
        world.rebound.insert(address("10.0.1.1:2000"), address(&format!("10.0.9.9:{port}")));
        world.client().write_datagram(b"I am here".to_vec());
        world.run("the new path", |world| world.server().path().peer.port() == port);
        // Nothing comes or goes for a while, and the server gives up on the path.
        let begin = Instant::now();
        while port == 5001 && begin.elapsed() < Duration::from_secs(2) {
            world.send_now();
            world.to_clients.clear();
            world.to_server.clear();
            world.wait();
        }
    }
    world.client().write(stream, b"more", true).unwrap();
    world.run("more", |world| world.server().next_readable().is_some());
    assert_eq!(world.server().read(stream, &mut got).unwrap().length, 4);
    world.server().write(stream, b"answer", true).unwrap();
    world.run("the answer", |world| world.client().next_readable().is_some());
    assert_eq!(world.client().read(stream, &mut got).unwrap().length, 6);
}

#[test]
fn a_client_behind_a_nat_that_forgets_goes_on_sending() {
    move_while_sending(false);
}

#[test]
fn a_client_behind_a_nat_that_forgets_goes_on_receiving() {
    move_while_sending(true);
}

#[test]
fn a_client_may_only_move_where_the_server_allows_it() {
    let mut world = world(&QuicSettings { migration: false, ..QuicSettings::default() });
    world.settle_handshakes();
    world.run_out();
    assert!(!world.client().migrate(address("10.0.3.1:1")));
    let mut world = self::world(&QuicSettings::default());
    assert!(!world.client().migrate(address("10.0.3.1:1")), "before the handshake has ended");
}

#[test]
fn packets_are_as_large_as_the_path_lets_them_be() {
    for (largest, least, most) in [(0, 1452, 1452), (1300, 1250, 1300)] {
        let mut world = world(&QuicSettings::default());
        world.faults = Faults { largest, ..Faults::default() };
        world.settle_handshakes();
        let mut round = 0;
        world.run("the path's limit", |world| {
            // Something to send keeps the discovery going.
            if let Ok(stream) = world.server().open_unidirectional() {
                round += 1;
                world.server().write(stream, &[1; 3000], true).unwrap();
            }
            while let Some(stream) = world.client().next_readable() {
                read_all(world.client(), stream, &mut Vec::new());
            }
            let size = world.server().stats().packet_size;
            size >= least && size <= most
        });
        assert!(round >= 1);
    }
    let mut world = world(&QuicSettings { path_mtu_discovery: false, ..QuicSettings::default() });
    world.settle_handshakes();
    world.run_out();
    assert!(world.sent.iter().all(|(_, size)| *size <= 1200));
}

/// Carries all content to the server, looking at the world after each turn. At whatever rate: see [`Congestion::Bbr2`]. As a round trip takes
/// no time here, that may get stuck at some kilobytes per second, and has less to carry.
fn carry(world: &mut World, mut sender: Sender, what: Congestion, mut look: impl FnMut(&mut World)) {
    const PART: usize = 50_000;
    let mut got = Vec::new();
    let mut ended = false;
    sender.go(world.client());
    while !ended {
        let next = got.len() + PART;
        world.run(&format!("{what:?}, up to byte {next}"), |world| {
            while world.client().next_writable().is_some() {
                sender.go(world.client());
            }
            look(world);
            let readable = world.server().next_readable();
            ended = readable.is_some_and(|stream| read_all(world.server(), stream, &mut got));
            ended || got.len() >= next
        });
    }
    assert!(got == sender.content, "{what:?}");
}

#[test]
fn every_congestion_control_carries_content_over_a_bad_wire() {
    for (congestion, length) in
        [(Congestion::Cubic, 1_000_000), (Congestion::Bbr2, 300_000), (Congestion::Reno, 1_000_000)]
    {
        let quic = QuicSettings { congestion, ..QuicSettings::default() };
        let mut world = world(&quic);
        world.faults = Faults { lost: 5, reordered: 5, repeated: 1, largest: 0 };
        world.settle_handshakes();
        let stream = world.client().open_bidirectional().unwrap();
        carry(&mut world, Sender::new(stream, pattern(length, stream)), congestion, |_| {});
        let stats = world.client().stats();
        let packets = length as u64 / stats.packet_size;
        assert!(stats.lost > 0 && stats.sent > packets && stats.bytes_sent > length as u64, "{stats:?}");
        assert!(stats.round_trip > Duration::ZERO && stats.congestion_window > 2000, "{stats:?}");
        assert!(world.server().stats().bytes_received > length as u64);
    }
}

#[test]
fn deadlines_are_ahead_or_bring_something_so_that_nobody_spins() {
    for (congestion, length) in [(Congestion::Cubic, 500_000), (Congestion::Bbr2, 100_000)] {
        let quic = QuicSettings { congestion, ..QuicSettings::default() };
        let mut world = world(&quic);
        world.faults.lost = 3;
        world.settle_handshakes();
        let stream = world.client().open_bidirectional().unwrap();
        let mut turns = 0;
        carry(&mut world, Sender::new(stream, pattern(length, stream)), congestion, |world| {
            turns += 1;
            // After a turn at which all was sent, the next deadline lies ahead.
            let now = Instant::now();
            world.client().timeout(now);
            let mut out = Vec::new();
            while let Some(run) = world.client().transmit(now, &mut out) {
                let path = run.path;
                let pieces: Vec<Vec<u8>> = out.chunks(run.segment).map(<[u8]>::to_vec).collect();
                for bytes in pieces {
                    world.post(crate::support::Datagram { bytes, path });
                }
                out.clear();
            }
            let deadline = world.client().deadline();
            assert!(
                deadline.is_none_or(|deadline| deadline > now),
                "{congestion:?}: {:?}",
                deadline.map(|d| now - d)
            );
        });
        assert!(turns < 20_000, "{turns} turns");
    }
}

#[test]
fn what_happens_is_written_where_the_settings_say() {
    let folder = std::env::temp_dir().join(format!("flare-quic-qlog-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let quic = QuicSettings { qlog: Some(folder.clone()), ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&client_context());
    world.settle_handshakes();
    world.client().close(0, "done");
    world.run("the end", |world| world.connections() == 0);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "one for each connection of the server");
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(
        text.contains("packet_received") && text.contains("packet_sent"),
        "{}",
        &text[..200.min(text.len())]
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_connection_keeps_the_context_it_began_with() {
    let mut world = World::joined();
    let before = world.client().handshake().unwrap().session.clone();
    world.context = ServerContext::new(&server_tls(), &QuicSettings::default()).unwrap();
    let stream = world.client().open_bidirectional().unwrap();
    world.client().write(stream, b"hello", true).unwrap();
    world.run("the rest", |world| world.server().next_readable().is_some());
    world.clients.clear();
    world.workers[0].connections.clear();
    world.connect(&client_context());
    world.settle_handshakes();
    let after = world.client().handshake().unwrap().session.clone();
    assert_ne!(before.peer_certificate(), after.peer_certificate());
}
