//! A request as one string, which JavaScript takes apart when it is asked for a piece.
//!
//! One string costs one call, whatever is in it, and needs no finaliser: so a request stays valid as long as JavaScript holds it,
//! whatever became of its exchange. One character stands for each byte. `lib/packed.cjs` reads this:
//!
//! | characters | what |
//! |---|---|
//! | 0 | the version of HTTP: `0` is 1.0, `1` is 1.1, `2` is 2, `3` is 3 |
//! | 1 | the peer: `4`, `6`, or `u` for a Unix socket |
//! | 2, 3 | its port, high byte first |
//! | 4 | 1 if there is a question mark in the target |
//! | 5 | the number of parameters |
//! | 6 | bits: 1 if stock middleware left something, 2 if the connection is TLS |
//! | 4 or 16 (none for `u`) | its address |
//! | | each with a NUL behind it: method, path, query, authority; request id, identity, client address if stock middleware left something; version, ALPN, suite, server name, certificate of the peer (hexadecimal) if it is TLS; name and value of each parameter; name and value of each field |

use flare::message::Peer;
use flare::middleware::{client_ip, identity, request_id};
use flare::{Request, Version};

/// Appends the request. `extras`: stock middleware is around its route.
pub(crate) fn pack(request: &Request, extras: bool, into: &mut Vec<u8>) {
    let head = request.head();
    let params = request.params();
    into.push(match head.version() {
        Version::Http10 => b'0',
        Version::Http11 => b'1',
        Version::Http3 => b'3',
        _ => b'2',
    });
    let peer = request.peer();
    let (kind, port) = match peer {
        Peer::Ip(address) => (if address.is_ipv4() { b'4' } else { b'6' }, address.port()),
        Peer::Unix => (b'u', 0),
    };
    into.push(kind);
    into.extend_from_slice(&port.to_be_bytes());
    into.push(head.query().is_some().into());
    // A pattern has fewer segments than that.
    into.push(u8::try_from(params.len()).unwrap_or(u8::MAX));
    let tls = request.tls();
    into.push(u8::from(extras) | u8::from(tls.is_some()) << 1);
    match peer {
        Peer::Ip(std::net::SocketAddr::V4(address)) => into.extend_from_slice(&address.ip().octets()),
        Peer::Ip(std::net::SocketAddr::V6(address)) => into.extend_from_slice(&address.ip().octets()),
        Peer::Unix => {}
    }
    for text in [head.method_bytes(), head.path_bytes(), head.query().unwrap_or_default().as_bytes()] {
        push(into, text);
    }
    push(into, head.authority().as_bytes());
    if extras {
        push(into, request_id(request).map_or(String::new(), |id| id.as_str().to_owned()).as_bytes());
        push(into, identity(request).map_or(String::new(), |who| who.name().to_owned()).as_bytes());
        push(into, client_ip(request).map_or(String::new(), |ip| ip.to_string()).as_bytes());
    }
    if let Some(tls) = tls {
        push(into, tls.version().name().as_bytes());
        push(into, tls.alpn().unwrap_or_default());
        push(into, tls.suite().as_bytes());
        push(into, tls.server_name().unwrap_or_default().as_bytes());
        push_hex(into, tls.peer_certificate().unwrap_or_default());
    }
    for index in 0..params.len().min(usize::from(u8::MAX)) {
        into.extend_from_slice(params.name_with_nul_at(index).unwrap_or(b"\0"));
        into.extend_from_slice(params.value_with_nul_at(index).unwrap_or(b"\0"));
    }
    pack_fields(head.headers(), into);
}

/// Appends name and value of each field, each with a NUL behind it.
pub(crate) fn pack_fields(fields: &flare::Headers, into: &mut Vec<u8>) {
    for index in 0..fields.len() {
        into.extend_from_slice(fields.name_with_nul_at(index).unwrap_or(b"\0"));
        into.extend_from_slice(fields.value_with_nul_at(index).unwrap_or(b"\0"));
    }
}

fn push(into: &mut Vec<u8>, text: &[u8]) {
    into.extend_from_slice(text);
    into.push(0);
}

/// DER has NULs, so it goes as digits.
fn push_hex(into: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    into.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    into.push(0);
}
