//! Datagrams of requests (RFC 9297).

use flare_proto::SendError;
use flare_proto::http3::Limits;

use crate::feeding::{End, server};
use crate::wire::{POST, headers};

fn with_datagrams() -> End<flare_proto::http3::Server> {
    server(Limits { datagrams: true, ..Limits::default() }).with_settings(&[(0x33, 1)])
}

#[test]
fn they_belong_to_open_requests() {
    let mut end = with_datagrams();
    end.feed(0, &headers(&POST), false).unwrap();
    end.feed(4, &headers(&POST), false).unwrap();
    end.feed(8, &headers(&POST)[..4], false).unwrap();
    end.connection.reset(0);
    end.told();
    for (datagram, expected) in [
        (&b"\x01hello"[..], Some("datagram 4 hello")),
        (b"\x40\x01", Some("datagram 4 ")),
        (b"\x00over", None),
        (b"\x02its head is not whole", None),
        (b"\x03not there yet", None),
    ] {
        if let Some(event) = end.connection.receive_datagram(datagram).unwrap() {
            end.note(&event, &flare_proto::RequestHead::new(), &flare_proto::Headers::new());
        }
        assert_eq!(end.told(), expected.into_iter().map(str::to_owned).collect::<Vec<_>>());
    }
    let mut out = Vec::new();
    end.connection.begin_datagram(4, &mut out).unwrap();
    assert_eq!((out, end.connection.datagram_overhead(4)), (vec![1], Ok(1)));
    let mut out = Vec::new();
    assert_eq!(end.connection.begin_datagram(0, &mut out), Err(SendError::Closed));
    assert_eq!(end.connection.begin_datagram(8, &mut out), Err(SendError::Closed));
}

#[test]
fn those_that_can_not_be_end_the_connection() {
    for datagram in
        [&b""[..], b"\x40", b"\xd0\x00\x00\x00\x00\x00\x00\x00", b"\xff\xff\xff\xff\xff\xff\xff\xff"]
    {
        let error = with_datagrams().connection.receive_datagram(datagram).unwrap_err();
        assert_eq!(error.code.to_string(), "H3_DATAGRAM_ERROR", "{datagram:x?}");
    }
    let error = server(Limits::default()).connection.receive_datagram(b"\x00").unwrap_err();
    assert_eq!(error.to_string(), "H3_DATAGRAM_ERROR: a datagram that was not asked for");
}

#[test]
fn both_sides_have_to_offer_them() {
    for (own, peer) in [(true, 0), (false, 1)] {
        let mut end = server(Limits { datagrams: own, ..Limits::default() }).with_settings(&[(0x33, peer)]);
        end.feed(0, &headers(&POST), false).unwrap();
        assert_eq!(end.connection.begin_datagram(0, &mut Vec::new()), Err(SendError::Upgrade));
    }
}
