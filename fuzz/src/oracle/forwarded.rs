//! Who sent a request that came through proxies (RFC 7239, and `X-Forwarded-*`), on whole texts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{cut, is_token, trim};

/// What is known of the client.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Client {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) proto: Option<String>,
    pub(crate) host: Option<String>,
}

/// All lines of the fields, in their order.
pub(crate) struct Fields<'a> {
    pub(crate) forwarded: Vec<&'a [u8]>,
    pub(crate) x_for: Vec<&'a [u8]>,
    pub(crate) x_proto: Vec<&'a [u8]>,
    pub(crate) x_host: Vec<&'a [u8]>,
}

/// Of an element that is well-formed: its `for`, if that is an address, and what else it says.
type Element = (Option<IpAddr>, Client);

/// What `Forwarded` tells. `None`: there is nothing in it.
pub(crate) fn standard(fields: &Fields<'_>, trusts: &dyn Fn(IpAddr) -> bool) -> Option<Client> {
    let hops =
        fields.forwarded.iter().rev().flat_map(|line| elements(line)).filter_map(|found| match found {
            Found::Blank => None,
            Found::Element(element) => Some(element),
            Found::Broken => Some((None, Client::default())),
        });
    walk(hops, trusts)
}

/// What `X-Forwarded-*` tells.
pub(crate) fn x_forwarded(fields: &Fields<'_>, trusts: &dyn Fn(IpAddr) -> bool) -> Option<Client> {
    let list = fields.x_for.join(&b',');
    let entries =
        list.rsplit(|byte| *byte == b',').map(trim).filter(|entry| !entry.is_empty()).map(|entry| {
            let bare = String::from_utf8_lossy(entry).parse::<Ipv6Addr>().ok().map(IpAddr::V6);
            let ip = bare.or_else(|| node(entry)).map(|ip| ip.to_canonical());
            (ip, Client { ip, ..Client::default() })
        });
    let client = walk(entries, trusts)?;
    let last = |lines: &[&[u8]]| {
        let last = lines.last()?.rsplit(|byte| *byte == b',').next()?;
        Some(trim(last).to_vec())
    };
    Some(Client {
        proto: last(&fields.x_proto).and_then(|text| scheme(&text)),
        host: last(&fields.x_host).and_then(|text| host(&text)),
        ..client
    })
}

/// Of both, if both tell something, what they agree on.
pub(crate) fn both(fields: &Fields<'_>, trusts: &dyn Fn(IpAddr) -> bool) -> Option<Client> {
    match (standard(fields, trusts), x_forwarded(fields, trusts)) {
        (Some(one), Some(other)) if one.ip != other.ip => Some(Client::default()),
        (Some(one), Some(other)) => Some(Client {
            ip: one.ip,
            proto: if one.proto == other.proto { one.proto } else { None },
            host: if one.host == other.host { one.host } else { None },
        }),
        (one, None) => one,
        (None, other) => other,
    }
}

/// From the peer on: the first that is not trusted, or the last of all.
fn walk(hops: impl Iterator<Item = Element>, trusts: &dyn Fn(IpAddr) -> bool) -> Option<Client> {
    let hops: Vec<Element> = hops.collect();
    let first = hops.iter().find(|hop| !hop.0.is_some_and(trusts));
    first.or(hops.last()).map(|hop| hop.1.clone())
}

/// Whether a line is a list of elements, up to its begin.
pub(crate) fn is_list(line: &[u8]) -> bool {
    !elements(line).iter().any(|found| matches!(found, Found::Broken))
}

enum Found {
    Blank,
    Element(Element),
    /// What is before it can't be told from it.
    Broken,
}

/// The elements of a line, from the last one on. The last element is what stands behind some comma, or all, and is well-formed: of any
/// text at most one such end is.
fn elements(line: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let commas = (0..text.len()).rev().filter(|at| text[*at] == b',');
        let starts = commas.map(|at| (Some(&text[..at]), &text[at + 1..])).chain([(None, text)]);
        let mut last = starts.filter_map(|(before, end)| Some((before, one(trim(end))?)));
        match last.next() {
            Some((before, element)) => {
                found.push(element);
                rest = before;
            }
            None => {
                found.push(Found::Broken);
                rest = None;
            }
        }
    }
    found
}

/// `[ forwarded-pair ] *( ";" [ forwarded-pair ] )`, but with all its pairs there. `None`: it is malformed, which a pair is too that is there twice,
/// if it is one of the RFC's.
fn one(text: &[u8]) -> Option<Found> {
    if text.is_empty() {
        return Some(Found::Blank);
    }
    let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
    let mut rest = text;
    loop {
        let (name, behind) = cut(rest, b'=')?;
        let (value, behind) = match behind {
            [b'"', quoted @ ..] => quoted_string(quoted)?,
            _ => {
                let end = behind.iter().position(|byte| b"; \t".contains(byte)).unwrap_or(behind.len());
                (behind[..end].to_vec(), &behind[end..])
            }
        };
        // An empty value is one in quotes, a token is not.
        let is_quoted = rest[name.len() + 1..].first() == Some(&b'"');
        if !is_token(name) || !(is_quoted || is_token(&value)) {
            return None;
        }
        pairs.push((String::from_utf8_lossy(name).to_ascii_lowercase(), value));
        match trim(behind) {
            [] => break,
            [b';', behind @ ..] => rest = trim(behind),
            _ => return None,
        }
    }
    let value = |wanted: &str| {
        let mut values = pairs.iter().filter(|pair| pair.0 == wanted).map(|pair| &pair.1);
        (values.next(), values.next().is_some())
    };
    Some(if ["for", "by", "proto", "host"].iter().any(|name| value(name).1) {
        // It is understood where it begins, and says nothing.
        Found::Element((None, Client::default()))
    } else {
        let ip = value("for").0.and_then(|text| node(text)).map(|ip| ip.to_canonical());
        let proto = value("proto").0.and_then(|text| scheme(text));
        let host = value("host").0.and_then(|text| host(text));
        Found::Element((ip, Client { ip, proto, host }))
    })
}

/// Without its first quote; and what is behind the last one.
fn quoted_string(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut value, mut at) = (Vec::new(), 0);
    while *text.get(at)? != b'"' {
        at += usize::from(text[at] == b'\\');
        value.push(*text.get(at)?);
        at += 1;
    }
    Some((value, &text[at + 1..]))
}

/// Section 6: an address with or without a port.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = String::from_utf8_lossy(text).into_owned();
    let (ip, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            (IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?), port.to_owned())
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            (IpAddr::V4(text[..end].parse::<Ipv4Addr>().ok()?), text[end..].to_owned())
        }
    };
    let is_digits =
        |port: &str| (1..=5).contains(&port.len()) && port.chars().all(|sign| sign.is_ascii_digit());
    let is_obfuscated = |port: &str| {
        port.len() > 1
            && port.starts_with('_')
            && port.chars().all(|sign| sign.is_ascii_alphanumeric() || "._-".contains(sign))
    };
    let is_good =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| is_digits(port) || is_obfuscated(port));
    is_good.then_some(ip)
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986 section 3.1).
fn scheme(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase();
    let is_scheme = text.starts_with(|sign: char| sign.is_ascii_lowercase())
        && text.chars().all(|sign| sign.is_ascii_alphanumeric() || "+-.".contains(sign));
    is_scheme.then_some(text)
}

/// What the characters of a host and a port are (RFC 3986 section 3.2), up to 300 of them.
fn host(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let unreserved = |sign: char| sign.is_ascii_alphanumeric() || "-._~".contains(sign);
    let is_host = (1..=300).contains(&text.len())
        && text.chars().all(|sign| unreserved(sign) || "%:[]".contains(sign) || "!$&'()*+,;=".contains(sign));
    is_host.then(|| text.to_owned())
}
