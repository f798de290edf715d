//! What a connection and its streams take while they are idle.

use flare_proto::http2::{Limits, ServerConnection};

use crate::feeding::serving;
use crate::wire::get;

/// The structure itself; what it allocates is counted by `make bench-memory`.
#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<ServerConnection>() <= 1280, "{}", size_of::<ServerConnection>());
}

#[test]
fn slots_are_used_again() {
    let (mut server, _) = serving(Limits::default(), &[]);
    for round in 0..1000 {
        let id = 2 * round + 1;
        crate::feeding::fed(&mut server, &[get(id)]);
        let key = flare_proto::http2::StreamKey::from_number(u64::from(id) << 32);
        crate::answers::answer(&mut server, key, &mut Vec::new());
    }
    assert_eq!(server.streams(), 0);
}
