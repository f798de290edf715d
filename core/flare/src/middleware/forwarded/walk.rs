//! The way back from the peer to the client.

use super::element::{Node, host, parse, parse_bare_node, scheme, take_last};
use super::{Forwarded, ForwardedField};
use crate::message::Headers;
use crate::middleware::ClientAddress;

/// The client, as the chosen fields tell. `None`: there are none.
pub(super) fn client(settings: &Forwarded, headers: &Headers) -> Option<ClientAddress> {
    match settings.field {
        ForwardedField::Standard => standard(settings, headers),
        ForwardedField::XForwarded => x_forwarded(settings, headers),
        ForwardedField::Both => match (standard(settings, headers), x_forwarded(settings, headers)) {
            (Some(one), Some(other)) => Some(common(one, other)),
            (one, other) => one.or(other),
        },
    }
}

/// What both tell. The rest is unknown, because one of them may be the client's own.
fn common(one: ClientAddress, other: ClientAddress) -> ClientAddress {
    if one.ip != other.ip {
        return ClientAddress::default();
    }
    ClientAddress {
        ip: one.ip,
        proto: one.proto.filter(|proto| other.proto.as_ref() == Some(proto)),
        host: one.host.filter(|host| other.host.as_ref() == Some(host)),
    }
}

fn standard(settings: &Forwarded, headers: &Headers) -> Option<ClientAddress> {
    walk(settings, headers, "forwarded", true, parse)
}

fn x_forwarded(settings: &Forwarded, headers: &Headers) -> Option<ClientAddress> {
    let client = walk(settings, headers, "x-forwarded-for", false, |entry| {
        let node = parse_bare_node(entry);
        let ip = if let Node::Ip(ip) = node { Some(ip) } else { None };
        (node, ClientAddress { ip, ..ClientAddress::default() })
    })?;
    let proto = last_value(headers, "x-forwarded-proto").and_then(scheme);
    let host = last_value(headers, "x-forwarded-host").and_then(host);
    Some(ClientAddress { proto, host, ..client })
}

/// From the last element to the first, up to a node that is not trusted. When all are trusted, the first is the client.
fn walk(
    settings: &Forwarded,
    headers: &Headers,
    field: &str,
    quotes: bool,
    parse: impl Fn(&[u8]) -> (Node, ClientAddress),
) -> Option<ClientAddress> {
    let mut found = None;
    for mut list in values_from_the_last(headers, field) {
        while !list.is_empty() {
            let element = take_last(&mut list, quotes);
            // Empty elements of a list do not count (RFC 9110, 5.6.1.2).
            if element.is_empty() {
                continue;
            }
            let (node, client) = parse(element);
            match node {
                Node::Ip(ip) if settings.trusts(ip) => found = Some(client),
                _ => return Some(client),
            }
        }
    }
    found
}

fn last_value<'a>(headers: &'a Headers, field: &'a str) -> Option<&'a [u8]> {
    let mut list = values_from_the_last(headers, field).next()?;
    Some(take_last(&mut list, false))
}

fn values_from_the_last<'a>(headers: &'a Headers, field: &'a str) -> impl Iterator<Item = &'a [u8]> {
    (0..headers.len())
        .rev()
        .filter(move |&index| headers.name_at(index) == Some(field))
        .filter_map(|index| headers.value_at(index))
}
