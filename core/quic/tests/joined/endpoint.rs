//! Whose datagrams are whose, and what strangers get.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use flare_quic::{Connection, Path, QuicSettings, Retry, Route};

use crate::support::{Datagram, SERVER, World, address, client_context, server_tls};

fn stranger() -> Path {
    // As the server sees it.
    Path { local: address(SERVER), peer: address("10.9.9.9:999") }
}

/// The first datagram of a client, as the server sees it.
fn first_datagram(world: &mut World) -> Datagram {
    let mut out = Vec::new();
    let run = world.client().transmit(Instant::now(), &mut out).unwrap();
    out.truncate(run.segment);
    Datagram { bytes: out, path: Path { local: run.path.peer, peer: run.path.local } }
}

fn route(world: &mut World, datagram: &mut Datagram, room: bool) -> Route {
    let now = Instant::now();
    world.workers[0].endpoint.route(&mut datagram.bytes, datagram.path, false, room, &world.context, now)
}

fn replies(world: &mut World) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| world.workers[0].endpoint.next_reply()).map(|reply| reply.bytes).collect()
}

fn settings(retry: Retry) -> QuicSettings {
    QuicSettings { retry, ..QuicSettings::default() }
}

#[test]
fn with_retry_a_client_proves_its_address_before_a_connection_is_made() {
    let mut world = World::new(&server_tls(), &settings(Retry::Always));
    world.connect(&client_context());
    world.send_now();
    let mut first = world.to_server.pop_front().unwrap();
    assert!(matches!(route(&mut world, &mut first, true), Route::None));
    assert_eq!(world.connections(), 0);
    let answer = replies(&mut world);
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0][0] >> 4, 0xf, "a Retry packet");
    assert!(answer[0].len() < first.bytes.len());
    world.post(Datagram { bytes: answer[0].clone(), path: first.path });
    world.to_server.clear();
    world.settle_handshakes();
    assert_eq!(world.connections(), 1);
}

/// An Initial packet of a client with this ID, this token and a payload of zeros: as much as an endpoint looks at.
fn initial(id: &[u8], token: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xc0, 0, 0, 0, 1, u8::try_from(id.len()).unwrap()];
    packet.extend_from_slice(id);
    packet.extend_from_slice(&[1, 7, u8::try_from(token.len()).unwrap()]);
    packet.extend_from_slice(token);
    packet.resize(1200, 0);
    packet
}

#[test]
fn a_client_may_invent_an_id_of_any_length() {
    let large = QuicSettings {
        idle_timeout: Duration::from_secs(24 * 60 * 60),
        stream_window: 1 << 30,
        connection_window: 1 << 30,
        max_streams: 1 << 20,
        ..QuicSettings::default()
    };
    for quic in [QuicSettings::default(), large] {
        for length in 8..=20 {
            for retry in [Retry::Never, Retry::Always] {
                let mut world = World::new(&server_tls(), &QuicSettings { retry, ..quic.clone() });
                let first = initial(&vec![3; length], &[]);
                let mut first = Datagram { bytes: first, path: stranger() };
                let mut route = |datagram: &mut Datagram| match route(&mut world, datagram, true) {
                    Route::Begin(_) => None,
                    Route::None => Some(replies(&mut world).remove(0)),
                    other => panic!("{other:?}"),
                };
                let Some(answer) = route(&mut first) else {
                    assert_eq!(retry, Retry::Never);
                    continue;
                };
                assert_eq!((retry, answer[0] >> 4), (Retry::Always, 0xf), "a Retry packet");
                // Behind first byte, version and the client's ID of one byte (RFC 9000, 17.2.5): the new ID, the token, 16 bytes of integrity.
                let (id, rest) = answer[8..].split_at(usize::from(answer[7]));
                let second = initial(id, &rest[..rest.len() - 16]);
                let again = route(&mut Datagram { bytes: second, path: stranger() });
                assert_eq!(again, None, "{length} bytes: no connection");
            }
        }
    }
}

#[test]
fn a_token_is_of_no_use_from_another_address() {
    let mut world = World::new(&server_tls(), &settings(Retry::Always));
    world.connect(&client_context());
    world.turn();
    world.turn();
    world.send_now();
    let mut second = world.to_server.pop_front().unwrap();
    let good = second.bytes.clone();
    second.path.peer = stranger().peer;
    assert!(matches!(route(&mut world, &mut second, true), Route::None));
    // CONNECTION_CLOSE, and the client would read it: INVALID_TOKEN.
    assert_eq!(replies(&mut world).len(), 1);
    let mut second =
        Datagram { bytes: good, path: Path { local: second.path.local, peer: world.client().path().local } };
    assert!(matches!(route(&mut world, &mut second, true), Route::Begin(_)));
}

#[test]
fn under_load_new_clients_prove_their_address_and_over_the_cap_they_are_refused() {
    let quic = QuicSettings { max_handshakes: 4, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    let context = client_context();
    // Clients that say hello and nothing more.
    let mut silent = Vec::new();
    for number in 0..2 {
        world.clients.clear();
        world.connect(&context);
        let mut first = first_datagram(&mut world);
        first.path.peer.set_port(100 + number);
        let Route::Begin(mut connection) = route(&mut world, &mut first, true) else { panic!("{number}") };
        world.workers[0].endpoint.insert(u64::from(number), &mut connection);
        silent.push(connection);
    }
    assert_eq!(world.workers[0].endpoint.handshakes(), 2);
    world.clients.clear();
    world.connect(&context);
    let mut first = first_datagram(&mut world);
    assert!(matches!(route(&mut world, &mut first, true), Route::None));
    assert_eq!(replies(&mut world)[0][0] >> 4, 0xf, "half of the cap: a Retry packet");

    // Handshakes that are over make room again.
    for connection in &mut silent {
        world.workers[0].endpoint.remove(connection);
    }
    assert_eq!(world.workers[0].endpoint.handshakes(), 0);

    let quic = QuicSettings { max_handshakes: 1, retry: Retry::Never, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&context);
    let mut first = first_datagram(&mut world);
    let Route::Begin(mut connection) = route(&mut world, &mut first, true) else { panic!("the first") };
    world.workers[0].endpoint.insert(0, &mut connection);
    world.clients.clear();
    world.next_name = 1;
    world.connect(&context);
    world.run("the refusal", |world| world.client().is_closing());
    assert_refused(world.client());
}

fn assert_refused(client: &Connection) {
    let reason = client.close_reason().unwrap();
    assert_eq!((reason.by_peer, reason.application, reason.code), (true, false, 2), "CONNECTION_REFUSED");
}

#[test]
fn without_room_a_client_is_refused_at_once() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    world.room = false;
    world.connect(&client_context());
    world.run("the refusal", |world| world.client().is_closing());
    assert_refused(world.client());
    assert_eq!(world.connections(), 0);
}

#[test]
fn small_first_packets_and_nonsense_get_nothing() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    world.connect(&client_context());
    let first = first_datagram(&mut world);
    for cut in [0, 1, 5, 20, 100, 1199] {
        let mut small = Datagram { bytes: first.bytes[..cut].to_vec(), path: first.path };
        assert!(matches!(route(&mut world, &mut small, true), Route::None), "{cut}");
    }
    assert_eq!(replies(&mut world).len(), 0);
    // Handshake packets of nobody.
    let mut handshake = Datagram { bytes: first.bytes.clone(), path: first.path };
    handshake.bytes[0] = 0xe0 | (handshake.bytes[0] & 0xf);
    assert!(matches!(route(&mut world, &mut handshake, true), Route::None));
    assert_eq!(replies(&mut world).len(), 0);
    // A begin that is whole, but not decryptable: a connection that comes to nothing.
    let mut broken = Datagram { bytes: first.bytes.clone(), path: first.path };
    broken.bytes[600] ^= 1;
    let Route::Begin(mut connection) = route(&mut world, &mut broken, true) else { panic!("no begin") };
    world.workers[0].endpoint.insert(7, &mut connection);
    connection.receive(&mut broken.bytes, broken.path, flare_quic::Ecn::NotCapable);
    world.workers[0].endpoint.settle(7, &mut connection);
    assert!(connection.is_closed());
    assert_eq!(world.workers[0].endpoint.handshakes(), 0);
    world.workers[0].endpoint.remove(&mut connection);
}

#[test]
fn other_versions_are_answered_with_ours_but_only_large_packets() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let mut packet = vec![0xc0, 0x0a, 0x0a, 0x0a, 0x0a, 3, 1, 2, 3, 2, 8, 9];
    packet.resize(1199, 0);
    let mut small = Datagram { bytes: packet.clone(), path: stranger() };
    assert!(matches!(route(&mut world, &mut small, true), Route::None));
    assert_eq!(replies(&mut world).len(), 0);
    packet.push(0);
    let mut large = Datagram { bytes: packet.clone(), path: stranger() };
    assert!(matches!(route(&mut world, &mut large, true), Route::None));
    let answers = replies(&mut world);
    assert_eq!(answers.len(), 1);
    let answer = &answers[0];
    // Version 0, the IDs the other way round, and what we speak (RFC 9000, 17.2.1).
    assert_eq!(answer[0] & 0x80, 0x80);
    assert_eq!(answer[1..12], [0, 0, 0, 0, 2, 8, 9, 3, 1, 2, 3]);
    assert!(answer[12..].chunks(4).any(|version| version == [0, 0, 0, 1]), "{answer:?}");
    // Never in answer to version negotiation.
    packet[1..5].fill(0);
    let mut negotiation = Datagram { bytes: packet, path: stranger() };
    assert!(matches!(route(&mut world, &mut negotiation, true), Route::None));
    assert_eq!(replies(&mut world).len(), 0);
}

#[test]
fn a_connection_that_is_not_known_any_more_is_reset() {
    let mut world = World::joined();
    world.run_out();
    // The server forgets, as after a restart of one worker.
    world.workers[0].connections.values_mut().for_each(|connection| {
        let mut forgotten = Vec::new();
        connection.transmit(Instant::now(), &mut forgotten);
    });
    let mut connection = world.workers[0].connections.pop_first().unwrap().1;
    world.workers[0].endpoint.remove(&mut connection);
    let stream = world.client().open_bidirectional().unwrap();
    world.client().write(stream, &[1; 500], true).unwrap();
    world.run("the reset", |world| world.client().is_closed());
    let resets: Vec<usize> =
        world.sent.iter().filter(|(to_server, _)| !to_server).map(|(_, size)| *size).rev().take(1).collect();
    assert!(resets[0] < 500, "smaller than what it answers");
    assert!(resets[0] >= 21);
    assert_eq!(world.client().close_reason(), None);
}

#[test]
fn resets_are_smaller_than_what_they_answer_and_end() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let mut packet = vec![0x41; 100];
    let mut sizes = Vec::new();
    loop {
        let mut datagram = Datagram { bytes: packet.clone(), path: stranger() };
        assert!(matches!(route(&mut world, &mut datagram, true), Route::None));
        let Some(reset) = replies(&mut world).pop() else { break };
        assert!(reset.len() < packet.len());
        assert_eq!(reset[0] & 0xc0, 0x40);
        sizes.push(reset.len());
        packet = reset;
    }
    assert_eq!((sizes.first(), sizes.last()), (Some(&43), Some(&21)));
}

#[test]
fn replies_are_bounded_in_number_and_rate() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    for _ in 0..1000 {
        let mut datagram = Datagram { bytes: vec![0x41; 100], path: stranger() };
        route(&mut world, &mut datagram, true);
    }
    assert_eq!(replies(&mut world).len(), 64, "what waits is bounded");
    let begin = Instant::now();
    let mut sent = 0;
    for _ in 0..100_000 {
        let mut datagram = Datagram { bytes: vec![0x41; 100], path: stranger() };
        route(&mut world, &mut datagram, true);
        sent += replies(&mut world).len();
    }
    let most = 1000.0 * (1.0 + begin.elapsed().as_secs_f64());
    assert!(sent as f64 <= most && sent > 500, "{sent} of at most {most}");
}

#[test]
fn a_client_without_proof_gets_at_most_three_times_what_it_sent() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    world.connect(&client_context());
    world.send_now();
    let first: Vec<Datagram> = world.to_server.drain(..).collect();
    let received: usize = first.iter().map(|datagram| datagram.bytes.len()).sum();
    let mut connection = None;
    for mut datagram in first {
        match route(&mut world, &mut datagram, true) {
            Route::Begin(mut begun) => {
                world.workers[0].endpoint.insert(0, &mut begun);
                begun.receive(&mut datagram.bytes, datagram.path, flare_quic::Ecn::NotCapable);
                connection = Some(begun);
            }
            Route::Connection(0) => {
                let connection = connection.as_mut().unwrap();
                connection.receive(&mut datagram.bytes, datagram.path, flare_quic::Ecn::NotCapable);
            }
            route => panic!("{route:?}"),
        }
    }
    let mut connection = connection.unwrap();
    // The client says nothing more, and the server repeats itself.
    let (begin, mut sent) = (Instant::now(), 0);
    while begin.elapsed() < Duration::from_secs(2) {
        let now = Instant::now();
        connection.timeout(now);
        let mut out = Vec::new();
        while connection.transmit(now, &mut out).is_some() {}
        sent += out.len();
        let next =
            connection.deadline().map_or(Duration::from_secs(3), |next| next.saturating_duration_since(now));
        std::thread::sleep(next.min(Duration::from_millis(300)));
    }
    assert!(sent > received && sent <= 3 * received, "{sent} for {received}");
}

#[test]
fn packets_find_the_worker_that_owns_their_connection() {
    let mut world = World::with_workers(&server_tls(), &QuicSettings::default(), 3);
    let context = client_context();
    for _ in 0..6 {
        world.connect(&context);
    }
    world.settle_handshakes();
    world.run_out();
    let per_worker: Vec<usize> = world.workers.iter().map(|worker| worker.connections.len()).collect();
    assert_eq!(per_worker, [2, 2, 2]);
    assert_eq!(world.workers.iter().map(|worker| worker.forwarded).sum::<usize>(), 0);
    // Their addresses change, so that packets come to other workers.
    for index in 0..6_u16 {
        world.rebound.insert(
            world.clients[usize::from(index)].path().local,
            address(&format!("10.0.2.1:{}", 3001 + index)),
        );
        let stream = world.clients[usize::from(index)].open_bidirectional().unwrap();
        world.clients[usize::from(index)].write(stream, b"hello", true).unwrap();
    }
    let mut arrived = BTreeSet::new();
    world.run("what they say", |world| {
        for worker in &mut world.workers {
            for (name, connection) in &mut worker.connections {
                if connection.next_readable().is_some() {
                    arrived.insert(*name);
                }
            }
        }
        arrived.len() == 6
    });
    assert_eq!(world.connections(), 6, "nobody began again");
    assert!(world.workers.iter().all(|worker| worker.forwarded >= 2));
}

#[test]
fn a_retry_leads_to_the_worker_that_sent_it() {
    let mut world = World::with_workers(&server_tls(), &settings(Retry::Always), 4);
    let context = client_context();
    for _ in 0..8 {
        world.connect(&context);
    }
    world.settle_handshakes();
    assert_eq!(world.connections(), 8);
}

#[test]
fn a_peer_gets_ids_to_change_to_and_those_it_gives_back_are_forgotten() {
    let mut world = World::joined();
    world.run_out();
    for move_to in 1..=2 {
        let local = address(&format!("10.0.3.1:{move_to}"));
        world.run("an ID to move with", |world| world.client().migrate(local));
        let stream = world.client().open_bidirectional().unwrap();
        world.client().write(stream, b"hello", true).unwrap();
        world.run("the move", |world| {
            while world.server().next_readable().is_some() {}
            world.server().path().peer == local
        });
    }
    world.run_out();
    let known = format!("{:?}", world.workers[0].endpoint);
    assert!(known.contains("ids: 8,"), "{known}");
}
