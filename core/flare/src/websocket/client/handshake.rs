//! What is asked for, and whether the answer may be believed (RFC 6455, 4.1; RFC 8441, 5).

use flare_proto::websocket::handshake::{
    VERSION, accept_key, agreed_deflate, chosen_subprotocol, client_key, offer_deflate,
};
use flare_proto::websocket::{Deflate, DeflateConfig};

use super::error::OpenFailure;
use super::options::Options;
use super::place::Place;
use crate::client::{Request, RequestError, Response};
use crate::message::Headers;

/// What was offered.
#[derive(Debug)]
pub(super) struct Offer {
    /// Only on HTTP/1.1.
    key: Option<[u8; 24]>,
    protocols: Vec<String>,
    deflate: Option<DeflateConfig>,
}

/// What was agreed.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) protocol: Option<String>,
    pub(super) deflate: Option<Deflate>,
    pub(super) response: Response,
}

impl Offer {
    /// An offer, and the request that makes it. `random`: for HTTP/1.1, new for each handshake (RFC 6455, 4.1).
    pub(super) fn new(
        place: &Place,
        options: &Options,
        deflate: Option<&DeflateConfig>,
        random: Option<[u8; 16]>,
    ) -> Result<(Self, Request), OpenFailure> {
        let key = random.map(client_key);
        let mut headers = options.headers.clone();
        let mut set = |name: &str, value: &[u8]| {
            let invalid = |_| OpenFailure::Request(RequestError::Invalid(flare_proto::SendError::Upgrade));
            headers.set(name, value).map_err(invalid)
        };
        set("sec-websocket-version", VERSION.as_bytes())?;
        if let Some(key) = &key {
            set("sec-websocket-key", key)?;
        }
        if !options.protocols.is_empty() {
            set("sec-websocket-protocol", options.protocols.join(", ").as_bytes())?;
        }
        if let Some(config) = deflate {
            set("sec-websocket-extensions", offer_deflate(config).as_bytes())?;
        }
        let scheme = if place.is_secure { "https" } else { "http" };
        let request = Request {
            scheme: scheme.to_owned(),
            headers,
            protocol: Some("websocket".to_owned()),
            ..Request::new("GET", &place.authority, &place.resource)
        };
        Ok((Self { key, protocols: options.protocols.clone(), deflate: deflate.cloned() }, request))
    }

    /// Looks at the answer that accepts.
    pub(super) fn check(&self, response: Response) -> Result<Agreed, OpenFailure> {
        let headers = &response.headers;
        if let Some(key) = &self.key {
            check_switch(headers, key)?;
        }
        let extensions = || headers.get_all("sec-websocket-extensions");
        let deflate = match &self.deflate {
            Some(config) => agreed_deflate(extensions(), config).map_err(OpenFailure::Handshake)?,
            None if extensions().any(|value| !value.trim_ascii().is_empty()) => {
                return Err(OpenFailure::Answer("agrees to an extension, and none was offered"));
            }
            None => None,
        };
        let chosen = chosen_subprotocol(headers.get_all("sec-websocket-protocol"), &self.protocols)
            .map_err(OpenFailure::Handshake)?;
        Ok(Agreed { protocol: chosen.map(str::to_owned), deflate, response })
    }
}

/// What only HTTP/1.1 has: that it switches, and that it has read the key.
fn check_switch(headers: &Headers, key: &[u8]) -> Result<(), OpenFailure> {
    let mut upgrades = headers.get_all("upgrade");
    if !upgrades.next().is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
        || upgrades.next().is_some()
    {
        return Err(OpenFailure::Answer("switches to another protocol"));
    }
    let mut options = headers.get_all("connection").flat_map(|value| value.split(|byte| *byte == b','));
    if !options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade")) {
        return Err(OpenFailure::Answer("has no \"Connection: Upgrade\""));
    }
    let mut accepts = headers.get_all("sec-websocket-accept");
    let expected = accept_key(key);
    let is_right = accepts.next().zip(expected).is_some_and(|(accept, expected)| *accept == expected);
    if !is_right || accepts.next().is_some() {
        return Err(OpenFailure::Answer("has a wrong Sec-WebSocket-Accept"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test wants to fail here")]
mod tests {
    use super::*;
    use crate::message::Version;

    const ACCEPT: (&str, &str) = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

    fn offer(options: &Options, http2: bool) -> (Offer, Request) {
        let place = Place::parse("wss://a.test:9/chat?x").unwrap();
        let random = (!http2).then_some(*b"the sample nonce");
        let deflate = options.deflate.then(DeflateConfig::default);
        Offer::new(&place, options, deflate.as_ref(), random).unwrap()
    }

    fn checked(options: &Options, http2: bool, fields: &[(&str, &str)]) -> Result<Agreed, String> {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.append(name, value).unwrap();
        }
        let version = if http2 { Version::Http2 } else { Version::Http11 };
        let response = Response { status: if http2 { 200 } else { 101 }, version, headers };
        offer(options, http2).0.check(response).map_err(|failure| match failure {
            OpenFailure::Answer(problem) => problem.to_owned(),
            OpenFailure::Handshake(error) => error.to_string(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn requests() {
        let options = Options::default().protocol("b").protocol("a").deflate(false);
        let options = options.header("Authorization", "Bearer x").unwrap();
        let (_, request) = offer(&options, false);
        assert_eq!(
            (&*request.authority, &*request.target, &*request.scheme),
            ("a.test:9", "/chat?x", "https")
        );
        let mut fields: Vec<_> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        fields.sort();
        assert_eq!(
            fields,
            [
                "authorization",
                "sec-websocket-extensions",
                "sec-websocket-key",
                "sec-websocket-protocol",
                "sec-websocket-version"
            ]
        );
        assert_eq!(request.headers.get_str("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
        assert_eq!(request.headers.get_str("sec-websocket-protocol"), Some("b, a"));
        let (_, request) = offer(&Options::default(), true);
        assert_eq!(request.headers.len(), 1);
    }

    #[test]
    fn answers_that_are_right() {
        let base = [("Upgrade", "WebSocket"), ("Connection", "keep-alive, UPGRADE"), ACCEPT];
        let options = Options::default().protocol("a").deflate(false);
        let agreed = checked(&options, false, &base).unwrap();
        assert!(agreed.protocol.is_none() && agreed.deflate.is_none());
        let fields = [
            &base[..],
            &[
                ("sec-websocket-protocol", "a"),
                ("sec-websocket-extensions", "permessage-deflate; server_no_context_takeover"),
            ],
        ];
        let agreed = checked(&options, false, &fields.concat()).unwrap();
        assert_eq!(agreed.protocol.as_deref(), Some("a"));
        assert!(agreed.deflate.is_some());
        assert!(checked(&Options::default(), true, &[]).is_ok());
    }

    #[test]
    fn answers_that_are_wrong() {
        let upgrade = ("upgrade", "websocket");
        let connection = ("connection", "upgrade");
        let switch = "switches to another protocol";
        let accept = "has a wrong Sec-WebSocket-Accept";
        let extension = "agrees to an extension, and none was offered";
        let protocol = "subprotocol that was not offered";
        for (fields, problem) in [
            (&[connection, ACCEPT][..], switch),
            (&[("upgrade", "h2c"), connection, ACCEPT], switch),
            (&[upgrade, upgrade, connection, ACCEPT], switch),
            (&[upgrade, ACCEPT], "has no \"Connection: Upgrade\""),
            (&[upgrade, ("connection", "upgrades"), ACCEPT], "has no \"Connection: Upgrade\""),
            (&[upgrade, connection], accept),
            (&[upgrade, connection, ACCEPT, ACCEPT], accept),
            (&[upgrade, connection, ("sec-websocket-accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")], accept),
            (&[upgrade, connection, ACCEPT, ("sec-websocket-protocol", "b")], protocol),
            (&[upgrade, connection, ACCEPT, ("sec-websocket-extensions", "permessage-deflate")], extension),
        ] {
            assert_eq!(checked(&Options::default(), false, fields).unwrap_err(), problem, "{fields:?}");
        }
        let options = Options::default().deflate(false).protocol("a");
        for (name, value, problem) in [
            ("sec-websocket-extensions", "x-other", "extension, or parameter, that was not offered"),
            (
                "sec-websocket-extensions",
                "permessage-deflate",
                "extension, or parameter, that was not offered",
            ),
            ("sec-websocket-extensions", ";", "malformed Sec-WebSocket-Extensions"),
            ("sec-websocket-protocol", "A", protocol),
            ("sec-websocket-protocol", "a, a", protocol),
        ] {
            for http2 in [false, true] {
                let mut fields = vec![(name, value)];
                if !http2 {
                    fields.extend([upgrade, connection, ACCEPT]);
                }
                assert_eq!(checked(&options, http2, &fields).unwrap_err(), problem, "{value}");
            }
        }
    }
}
