//! Datagrams of requests (RFC 9297) in capsules: the same handler as on the other wires, several on one connection.

use flare::prelude::*;
use flare::testing::TestClient;
use flare::{Event, Flow};
use flare_proto::capsule::write_datagram;

use super::client::Client;

fn echoing() -> TestClient {
    let mut router = Router::new();
    let echo = flare::later(|exchange: Exchange| {
        exchange.switch_to_datagrams("echo").unwrap();
        exchange.drive(|exchange, event| {
            match event {
                Event::Datagram(datagram) => exchange.send_datagram(datagram).unwrap(),
                Event::End => exchange.finish().unwrap(),
                _ => {}
            }
            Flow::Continue
        });
    });
    router.add("CONNECT", "/echo", echo).unwrap();
    TestClient::new(router)
}

fn capsules(datagrams: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    datagrams.iter().for_each(|datagram| write_datagram(&mut out, datagram));
    out
}

#[test]
fn two_streams_of_datagrams_on_one_connection() {
    let mut client = Client::new(&echoing());
    let (one, two) = (client.offer("/echo", "echo"), client.offer("/echo", "echo"));
    let answer = client.answer(one);
    assert_eq!((answer.status, answer.header("capsule-protocol")), (200, Some("?1")));
    client.write(one, &capsules(&[b"a", &[b'x'; 3000]]), false);
    client.write(two, b"\x00", false);
    client.write(two, b"\x02bc", true);
    while client.connection.try_step() {}
    client.talk();
    assert_eq!(client.answer(one).body, capsules(&[b"a", &[b'x'; 3000]]));
    assert!(!client.answer(one).ended);
    let answer = client.answer(two);
    assert!(answer.ended);
    assert_eq!(answer.body, capsules(&[b"bc"]));
}

#[test]
fn a_stream_that_ends_within_a_capsule_is_reset() {
    let mut client = Client::new(&echoing());
    let (cut, whole) = (client.offer("/echo", "echo"), client.offer("/echo", "echo"));
    client.write(cut, b"\x00\x05half", true);
    assert!(client.answer(cut).reset.is_some());
    client.write(whole, b"\x00\x01x", true);
    while client.connection.try_step() {}
    client.talk();
    assert_eq!(client.answer(whole).body, b"\x00\x01x", "the connection goes on");
}
