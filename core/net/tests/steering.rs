//! A program chooses among sockets that share a port.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use flare_net::{BpfInstruction, Driver, Event, UdpKey, UdpOptions, UdpSocket};
use std::net::SocketAddr;
use support::udp::{any_port, keep, plain};
use support::{driver, event};

const SOCKETS: u8 = 4;

/// A driver with sockets that share a port, in the order in which they were bound, and their address.
fn group(program: &[BpfInstruction]) -> (Driver, Vec<UdpKey>, SocketAddr) {
    let options = UdpOptions { reuse_port: true, ..UdpOptions::default() };
    let first = UdpSocket::bind(&any_port("127.0.0.1"), &options).unwrap();
    let address = first.local_address();
    let mut sockets = vec![first];
    sockets.extend((1..SOCKETS).map(|_| UdpSocket::bind(&address, &options).unwrap()));
    sockets[0].steer(program).unwrap();
    let mut driver = driver(64);
    let keys = sockets.into_iter().map(|socket| driver.bind_udp(socket).unwrap()).collect();
    (driver, keys, address)
}

/// The first byte, from 1, is the place; nothing else is looked at.
fn by_the_first_byte() -> Vec<BpfInstruction> {
    [(0x30, 0), (0x14, 1), (0x16, 0)]
        .map(|(code, operand)| BpfInstruction { code, if_true: 0, if_false: 0, operand })
        .to_vec()
}

/// The place of the socket to which the next datagram came, and its bytes.
fn next(driver: &mut Driver, keys: &[UdpKey]) -> (usize, Vec<u8>) {
    match event(driver) {
        Event::Datagrams { socket, batch } => {
            let place = keys.iter().position(|key| *key == socket).unwrap();
            (place, keep(driver, batch).remove(0).bytes)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_datagram_comes_to_the_socket_that_the_program_names() {
    let (mut driver, keys, address) = group(&by_the_first_byte());
    for _ in 0..10 {
        for place in 0..SOCKETS {
            let (peer, _) = plain("127.0.0.1");
            peer.send_to(&[place + 1, 7, 7], address).unwrap();
            assert_eq!(next(&mut driver, &keys), (usize::from(place), vec![place + 1, 7, 7]));
        }
    }
}

#[test]
fn where_the_program_names_no_socket_the_addresses_choose() {
    let (mut driver, keys, address) = group(&by_the_first_byte());
    // 0 is one less than the first: the largest number there is.
    for first in [0, SOCKETS + 1, 255] {
        let mut hits = [0; SOCKETS as usize];
        for _ in 0..64 {
            let (peer, _) = plain("127.0.0.1");
            peer.send_to(&[first], address).unwrap();
            let (place, _) = next(&mut driver, &keys);
            hits[place] += 1;
            // The same sender comes to the same socket.
            peer.send_to(&[first], address).unwrap();
            assert_eq!(next(&mut driver, &keys).0, place);
        }
        // That one of four has none of 64 has a chance of 1 in 25 million.
        assert!(hits.iter().all(|hits| *hits > 0), "{first}: {hits:?}");
    }
}

#[test]
fn reading_beyond_the_end_names_the_first_socket() {
    let (mut driver, keys, address) = group(&by_the_first_byte());
    for _ in 0..32 {
        let (peer, _) = plain("127.0.0.1");
        peer.send_to(b"", address).unwrap();
        assert_eq!(next(&mut driver, &keys).0, 0);
    }
}

#[test]
fn a_program_that_can_not_be_is_refused() {
    let options = UdpOptions { reuse_port: true, ..UdpOptions::default() };
    let socket = UdpSocket::bind(&any_port("127.0.0.1"), &options).unwrap();
    assert!(socket.steer(&[]).is_err(), "no instruction");
    let no_end = BpfInstruction { code: 0x30, if_true: 0, if_false: 0, operand: 0 };
    assert!(socket.steer(&[no_end]).is_err(), "it does not return");
    let alone = UdpSocket::bind(&any_port("127.0.0.1"), &UdpOptions::default()).unwrap();
    assert!(alone.steer(&by_the_first_byte()).is_err(), "it shares its port with nobody");
}
