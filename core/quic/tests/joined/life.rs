//! How connections end, wait, and what they tell about themselves.

use std::time::{Duration, Instant};

use flare_quic::{ClientContext, Congestion, Ecn, QuicSettings, ServerContext};
use flare_tls::ServerTls;

use crate::support::{Faults, Sender, World, client_context, insecure, pattern, read_all, server_tls};

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
