//! What is not QUIC, or was changed on its way: by a seed, so that what is found can be found again.

use std::net::SocketAddr;
use std::time::Instant;

use flare_quic::{Ecn, Path, QuicSettings, Retry, Route};

use crate::support::{Datagram, Random, SERVER, World, address, client_context, read_all, server_tls};

/// Datagrams of whole connections, in both directions.
fn recorded(retry: Retry) -> Vec<Vec<u8>> {
    let mut world = World::new(&server_tls(), &QuicSettings { retry, ..QuicSettings::default() });
    let mut all = Vec::new();
    world.connect(&client_context());
    for turn in 0..30 {
        world.send_now();
        all.extend(world.to_server.iter().chain(&world.to_clients).map(|datagram| datagram.bytes.clone()));
        world.turn();
        if turn == 20 {
            let stream = world.client().open_bidirectional().unwrap();
            world.client().write(stream, &[7; 3000], true).unwrap();
            world.client().write_datagram(b"datagram".to_vec());
        }
    }
    assert!(all.len() > 8, "{}", all.len());
    all
}

fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len().max(1) as u64) as usize;
        match random.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.below(256) as u8,
            2 => bytes.truncate(at),
            // The header is where lengths and versions are.
            3 if bytes.len() > 30 => bytes[random.below(30) as usize] = random.below(256) as u8,
            4 => bytes.extend_from_slice(&others[random.below(others.len() as u64) as usize]),
            5 => bytes.resize(1200 + random.below(200) as usize, 0),
            _ => bytes.insert(at, random.below(256) as u8),
        }
    }
    bytes.truncate(65_000);
}

#[test]
fn noise_ends_no_server_and_no_connection_of_others() {
    for (retry, seed) in [(Retry::Never, 1), (Retry::UnderLoad, 2), (Retry::Always, 3)] {
        let recorded = recorded(retry);
        let mut random = Random::new(seed);
        let quic = QuicSettings { retry, max_handshakes: 50, ..QuicSettings::default() };
        let mut world = World::with_workers(&server_tls(), &quic, 2);
        let honest = world.connect(&client_context());
        world.run("the honest client", |world| world.clients[honest].handshake().is_some());
        let mut bytes_in = 0;
        for number in 0..3000_u32 {
            let mut bytes = recorded[random.below(recorded.len() as u64) as usize].clone();
            change(&mut bytes, &recorded, &mut random);
            bytes_in += bytes.len();
            let peer = SocketAddr::new("10.6.6.6".parse().unwrap(), 1 + (number % 200) as u16);
            world.to_server.push_back(Datagram { bytes, path: Path { local: address(SERVER), peer } });
            if number % 16 == 0 {
                world.turn();
            }
        }
        world.turn();
        let to_strangers: usize =
            world.sent.iter().filter(|(to_server, _)| !to_server).map(|(_, size)| size).sum();
        assert!(to_strangers < 3 * bytes_in, "{to_strangers} for {bytes_in}");
        for worker in &world.workers {
            assert!(worker.endpoint.handshakes() <= 50);
        }
        let stream = world.clients[honest].open_bidirectional().unwrap();
        assert_eq!(world.clients[honest].write(stream, b"still here", true), Ok(10));
        let mut got = Vec::new();
        world.run("what the honest client says", |world| {
            let all = world.workers.iter_mut().flat_map(|worker| worker.connections.values_mut());
            for connection in all.filter(|connection| connection.is_ready()) {
                while let Some(stream) = connection.next_readable() {
                    read_all(connection, stream, &mut got);
                }
            }
            got == b"still here"
        });
    }
}

#[test]
fn a_connection_bears_what_comes_under_its_own_name() {
    for seed in 1..=20 {
        let mut random = Random::new(seed);
        let mut world = World::joined();
        world.run_out();
        let stream = world.client().open_bidirectional().unwrap();
        world.client().write(stream, &[1; 2000], false).unwrap();
        world.send_now();
        let real: Vec<Datagram> = world.to_server.drain(..).collect();
        for _ in 0..100 {
            let original = &real[random.below(real.len() as u64) as usize];
            let mut bytes = original.bytes.clone();
            // The ID stays as it is; one change at least lies behind it.
            let at = 17 + random.below(bytes.len() as u64 - 17) as usize;
            bytes[at] ^= 1 + random.below(255) as u8;
            let (path, now) = (original.path, Instant::now());
            let world = &mut world;
            let route = world.workers[0].endpoint.route(&mut bytes, path, false, true, &world.context, now);
            let Route::Connection(name) = route else { panic!("{route:?}") };
            let connection = world.workers[0].connections.get_mut(&name).unwrap();
            connection.receive(&mut bytes, path, Ecn::NotCapable);
            assert!(!connection.is_closing(), "{:?}", connection.close_reason());
            assert_eq!(connection.next_readable(), None);
        }
        // What was not changed is taken.
        for datagram in real {
            world.to_server.push_back(datagram);
        }
        world.run("the content", |world| world.server().next_readable() == Some(stream));
    }
}
