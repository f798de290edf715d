//! quiche's own client, without anything of ours around it.

use std::time::{Duration, Instant};

use flare_quic::{Path, QuicSettings, Retry};
use quiche::{ConnectionId, RecvInfo};

use crate::support::{Datagram, SERVER, World, address, read_all, server_tls};

/// Moves datagrams between the client and the world until `done`.
fn run(
    world: &mut World,
    client: &mut quiche::Connection,
    mut done: impl FnMut(&mut World, &mut quiche::Connection) -> bool,
) {
    let (begin, own) = (Instant::now(), address("10.0.7.7:7"));
    while !done(world, client) {
        assert!(begin.elapsed() < Duration::from_secs(20), "it takes too long");
        let mut buffer = [0; 1500];
        while let Ok((length, info)) = client.send(&mut buffer) {
            let path = Path { local: info.from, peer: info.to };
            world.post(Datagram { bytes: buffer[..length].to_vec(), path });
        }
        world.send_now();
        let for_client: Vec<Datagram> = world.to_clients.drain(..).collect();
        let moved = !for_client.is_empty() || !world.to_server.is_empty();
        for mut datagram in for_client {
            let info = RecvInfo { from: datagram.path.peer, to: own };
            client.recv(&mut datagram.bytes, info).unwrap();
        }
        world.turn();
        if !moved {
            std::thread::sleep(Duration::from_millis(1));
            client.on_timeout();
        }
    }
}

fn client(versions: u32) -> (quiche::Config, quiche::Connection) {
    let mut config = quiche::Config::new(versions).unwrap();
    config.set_application_protos(&[b"h3"]).unwrap();
    config.verify_peer(false);
    config.set_initial_max_data(1 << 20);
    config.set_initial_max_stream_data_bidi_local(1 << 18);
    config.set_initial_max_stream_data_uni(1 << 18);
    config.set_initial_max_streams_bidi(10);
    config.set_initial_max_streams_uni(10);
    config.set_active_connection_id_limit(3);
    let id = ConnectionId::from_ref(&[5; 8]);
    let made =
        quiche::connect(Some("localhost"), &id, address("10.0.7.7:7"), address(SERVER), &mut config).unwrap();
    (config, made)
}

fn exchange(world: &mut World, client: &mut quiche::Connection) {
    run(world, client, |_, client| client.is_established());
    assert_eq!(client.application_proto(), b"h3");
    client.stream_send(0, b"ask", true).unwrap();
    let mut asked = Vec::new();
    run(world, client, |world, _| {
        let connection = world.server();
        connection.next_readable().is_some_and(|stream| read_all(connection, stream, &mut asked))
    });
    assert_eq!(asked, b"ask");
    assert_eq!(world.server().write(0, b"answer", true), Ok(6));
    let mut buffer = [0; 100];
    run(world, client, |_, client| client.stream_readable(0));
    assert_eq!(client.stream_recv(0, &mut buffer), Ok((6, true)));
    assert_eq!(&buffer[..6], b"answer");
}

#[test]
fn it_asks_and_is_answered() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let (_, mut client) = client(quiche::PROTOCOL_VERSION);
    exchange(&mut world, &mut client);
    // Two more IDs than the first: as many as it takes.
    run(&mut world, &mut client, |_, client| client.available_dcids() == 2);
}

#[test]
fn it_asks_after_a_retry_packet() {
    let quic = QuicSettings { retry: Retry::Always, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    let (_, mut client) = client(quiche::PROTOCOL_VERSION);
    exchange(&mut world, &mut client);
}

#[test]
fn it_asks_in_another_version_and_goes_on_in_ours() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let (_, mut client) = client(0xbaba_baba);
    exchange(&mut world, &mut client);
}

#[test]
fn one_without_our_protocol_is_refused() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let mut config = quiche::Config::new(quiche::PROTOCOL_VERSION).unwrap();
    config.set_application_protos(&[b"h2"]).unwrap();
    config.verify_peer(false);
    let id = ConnectionId::from_ref(&[5; 8]);
    let mut client =
        quiche::connect(Some("localhost"), &id, address("10.0.7.7:7"), address(SERVER), &mut config).unwrap();
    run(&mut world, &mut client, |_, client| client.peer_error().is_some());
    // no_application_protocol (RFC 9001, 8.1).
    assert_eq!(client.peer_error().unwrap().error_code, 0x100 + 120);
}

#[test]
fn what_is_against_the_rules_ends_only_its_connection() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let (_, mut client) = client(quiche::PROTOCOL_VERSION);
    exchange(&mut world, &mut client);
    let second = world.connect(&crate::support::client_context());
    world.run("the other", |world| world.clients[second].handshake().is_some());
    // A datagram of random bytes to the ID of the first changes nothing.
    let known = client.destination_id().to_vec();
    let mut noise = vec![0x40];
    noise.extend_from_slice(&known);
    noise.extend_from_slice(&[0x5a; 200]);
    let path = Path { local: address("10.0.7.7:7"), peer: address(SERVER) };
    world.post(Datagram { bytes: noise, path });
    world.turn();
    client.stream_send(4, b"still", true).unwrap();
    run(&mut world, &mut client, |world, _| {
        let mut all = world.workers[0].connections.values_mut();
        all.any(|connection| connection.next_readable() == Some(4))
    });
}
