//! Requests for the tests of middleware, from any peer.

use std::net::SocketAddr;
use std::sync::Arc;

use flare_net::{Address, Key, Peer};

use crate::exchange::{Block, Ends, ExchangeKey, Home, SharedBlock};
use crate::message::{Request, Version};

struct Nobody;

impl Home for Nobody {
    fn wake(&self, _: ExchangeKey) {}
}

/// A request without a connection. `peer`: an address with a port, or `unix`.
pub(super) fn request(peer: &str, method: &str, target: &str, fields: &[(&str, &str)]) -> Request {
    let peer = match peer {
        "unix" => Peer::Unix,
        address => Peer::Ip(address.parse::<SocketAddr>().unwrap()),
    };
    let key = ExchangeKey { connection: Key::from_u64(0), stream: 0 };
    let ends = Ends { peer, local: Arc::new(Address::Unix(None)), tls: None };
    let mut block = Block::new(Arc::new(Nobody), key, ends);
    block.head.build(method, None, "host.test", target, Version::Http11).unwrap();
    for (name, value) in fields {
        block.head.append(name, value).unwrap();
    }
    Request { block: SharedBlock::new(block) }
}
