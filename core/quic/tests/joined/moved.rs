//! How a connection goes on when the client's address changes, by its own will or by that of a NAT.

use std::time::{Duration, Instant};

use flare_quic::{QuicSettings, StreamError};

use crate::support::{SERVER, Sender, World, address, client_context, pattern, read_all, server_tls};

/// A connection, and a stream on which the client has begun, and ended if `whole`; nothing is on its way.
fn begun(whole: bool) -> (World, u64) {
    let mut world = World::joined();
    let stream = world.client().open_bidirectional().unwrap();
    world.client().write(stream, b"begin", whole).unwrap();
    world.run("the begin", |world| world.server().next_readable().is_some());
    assert_eq!(read_all(world.server(), stream, &mut Vec::new()), whole);
    world.run_out();
    (world, stream)
}

/// A NAT gives the client another port.
fn rebind(world: &mut World, port: u16) {
    world.rebound.insert(address("10.0.1.1:2000"), address(&format!("10.0.9.9:{port}")));
}

/// Whether the server sends to this port.
fn is_at(world: &mut World, port: u16) -> bool {
    world.server().path().peer.port() == port
}

/// As often as a client may.
const MOVES: u16 = 7;

/// One side sends, and the client's address changes several times in between.
fn move_while_sending(download: bool) {
    let (mut world, stream) = begun(download);
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
        let found = moves == 0 || is_at(world, 5000 + moves);
        let here = found && world.client().stats().received >= heard + 2;
        if moves < MOVES && here && got.len() > (usize::from(moves) + 1) * 150_000 {
            moves += 1;
            rebind(world, 5000 + moves);
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
    world.run("the new path", |world| is_at(world, 5000 + MOVES));
    assert_eq!(world.server().path().local, address(SERVER));
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
fn a_new_path_is_asked_about_again_when_the_answer_was_lost() {
    let (mut world, stream) = begun(true);
    // Lost on the old path. That is found out when the new one is known to be the client's.
    world.server().reset(stream, 7);
    world.send_now();
    assert!(!world.to_clients.is_empty());
    world.to_clients.clear();
    rebind(&mut world, 5001);
    world.client().write_datagram(vec![0; 1000]);
    world.run("the new path", |world| is_at(world, 5001));
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
    let (mut world, stream) = begun(false);
    rebind(&mut world, 5001);
    world.client().write_datagram(b"I am here".to_vec());
    world.run("the new path", |world| is_at(world, 5001));
    // Nothing comes or goes until the server has given up on the path.
    let begin = Instant::now();
    while is_at(&mut world, 5001) {
        assert!(begin.elapsed() < Duration::from_secs(20), "the server never gives up");
        world.send_now();
        world.to_clients.clear();
        world.to_server.clear();
        world.wait();
    }
    rebind(&mut world, 5002);
    world.client().write_datagram(b"I am here".to_vec());
    world.run("the next path", |world| is_at(world, 5002));
    let mut got = [0; 10];
    world.client().write(stream, b"more", true).unwrap();
    world.run("more", |world| world.server().next_readable().is_some());
    assert_eq!(world.server().read(stream, &mut got).unwrap().length, 4);
    world.server().write(stream, b"answer", true).unwrap();
    world.run("the answer", |world| world.client().next_readable().is_some());
    assert_eq!(world.client().read(stream, &mut got).unwrap().length, 6);
}

#[test]
fn a_client_may_only_move_where_the_server_allows_it() {
    let quic = QuicSettings { migration: false, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&client_context());
    world.settle_handshakes();
    world.run_out();
    assert!(!world.client().migrate(address("10.0.3.1:1")));
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    world.connect(&client_context());
    assert!(!world.client().migrate(address("10.0.3.1:1")), "before the handshake has ended");
}
