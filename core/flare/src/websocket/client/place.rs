//! Where a socket is: WebSocket URIs (RFC 6455 section 3).

/// A `ws:` or `wss:` URI, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `wss:`.
    pub(super) is_secure: bool,
    /// For the Host field: with a port, if it is not the scheme's own.
    pub(super) authority: String,
    /// Whom to connect to: name and port.
    pub(super) target: String,
    /// Path and query.
    pub(super) resource: String,
}

impl Place {
    /// Takes a URI apart. The host is checked by whoever connects.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(uri: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = uri.split_once("://").ok_or("it has no scheme: ws:// or wss://")?;
        let is_secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("ws") => false,
            _ if scheme.eq_ignore_ascii_case("wss") => true,
            _ => return Err("its scheme is neither ws nor wss"),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has white space or signs that are not ASCII, which have to be encoded");
        }
        if rest.contains('#') {
            return Err("it has a fragment");
        }
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, resource) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err("it has a name of a user, which belongs into the field Authorization");
        }
        let (host, port) = split_port(authority)?;
        if host.is_empty() {
            return Err("it has no host");
        }
        let own: u16 = if is_secure { 443 } else { 80 };
        let number = port.unwrap_or(own);
        Ok(Self {
            is_secure,
            authority: if number == own { host.to_owned() } else { format!("{host}:{number}") },
            target: format!("{host}:{number}"),
            resource: if resource.starts_with('/') { resource.to_owned() } else { format!("/{resource}") },
        })
    }
}

/// Host and port. Colons in brackets are those of an address.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    let behind = authority.rfind(']').map_or(0, |end| end + 1);
    let Some(colon) = authority.get(behind..).and_then(|rest| rest.find(':')).map(|at| at + behind) else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at_checked(colon).unwrap_or((authority, ""));
    match port.strip_prefix(':').unwrap_or_default() {
        "" => Ok((host, None)),
        digits if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            let port = digits.parse().ok().filter(|port| *port != 0);
            Ok((host, Some(port.ok_or("its port is not within 1 to 65535")?)))
        }
        _ => Err("its port is no number"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test wants to fail here")]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (uri, is_secure, authority, target, resource) in [
            ("ws://a.test", false, "a.test", "a.test:80", "/"),
            ("WSS://a.test/", true, "a.test", "a.test:443", "/"),
            ("ws://a.test:80/chat?x=/1", false, "a.test", "a.test:80", "/chat?x=/1"),
            ("wss://a.test:80?q", true, "a.test:80", "a.test:80", "/?q"),
            ("ws://[::1]:9001/a:b", false, "[::1]:9001", "[::1]:9001", "/a:b"),
            ("ws://[::1]", false, "[::1]", "[::1]:80", "/"),
            ("ws://a.test:/", false, "a.test", "a.test:80", "/"),
            ("ws://127.0.0.1:8080/%20", false, "127.0.0.1:8080", "127.0.0.1:8080", "/%20"),
        ] {
            let place = Place::parse(uri).unwrap();
            let expected = Place {
                is_secure,
                authority: authority.to_owned(),
                target: target.to_owned(),
                resource: resource.to_owned(),
            };
            assert_eq!(place, expected, "{uri}");
        }
    }

    #[test]
    fn what_is_none() {
        for bad in [
            "",
            "a.test",
            "http://a.test",
            "ws:/a.test",
            "ws://",
            "ws://:80/",
            "ws://a.test:0",
            "ws://a.test:65536",
            "ws://a.test:x",
            "ws://a.test:+1",
            "ws://me@a.test",
            "ws://a.test/#a",
            "ws://a.test/a b",
            "ws://a.test/\r\nx: y",
            "ws://\u{e4}.test/",
        ] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }
}
