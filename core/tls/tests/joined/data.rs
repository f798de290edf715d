//! Data both ways, and its end.

use flare_tls::MAX_RECORD;

use crate::support::{Joined, contexts, plain};

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 + index / 251) as u8).collect()
}

#[test]
fn data_of_any_size_arrives_however_it_is_cut() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    for step in [1, 5, 1000, 16 * 1024, 64 * 1024, usize::MAX] {
        let mut joined = Joined::shaken(&server, &client);
        let sizes: &[usize] =
            if step == 1 { &[1, 300] } else { &[1, 2, MAX_RECORD, MAX_RECORD + 1, 200_000] };
        let mut expected = Vec::new();
        for size in sizes {
            let data = pattern(*size);
            joined.client.send(&data);
            joined.server.send(&data);
            expected.extend(data);
        }
        joined.run(step);
        assert!(joined.server.seen.data == expected && joined.client.seen.data == expected, "{step}");
        assert_eq!(joined.server.connection.partial(), 0);
    }
}

#[test]
fn a_record_holds_as_much_as_it_may() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    let mut joined = Joined::shaken(&server, &client);
    joined.server.send(&pattern(4 * MAX_RECORD));
    let sent = joined.server.take();
    // Header 5, type 1, tag 16 (RFC 8446, 5.2).
    assert_eq!(sent.len(), 4 * (MAX_RECORD + 22));
    joined.server.send(b"");
    assert!(joined.server.out.is_empty(), "nothing is no record");
}

#[test]
fn the_end_is_told_and_what_follows_is_dropped() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    let mut joined = Joined::shaken(&server, &client);
    joined.client.send(b"last");
    joined.client.close();
    joined.client.close();
    assert!(!joined.client.connection.may_send());
    let end = joined.client.take();
    joined.server.receive(&end);
    assert!(joined.server.seen.peer_closed && joined.server.connection.is_peer_closed());
    assert_eq!(joined.server.seen.data, b"last");
    for _ in 0..10 {
        joined.server.receive(&[0x17; 5000]);
    }
    assert_eq!((joined.server.seen.late, joined.server.connection.partial()), (0, 0));
    // The other direction goes on.
    joined.server.send(b"answer");
    joined.server.close();
    joined.run(usize::MAX);
    assert_eq!(joined.client.seen.data, b"answer");
    assert!(joined.client.seen.peer_closed);
}
