//! How both ends agree on compression (RFC 7692 section 7.1).

use flare_proto::websocket::DeflateConfig;
use flare_proto::websocket::handshake::{HandshakeError, accept_deflate, agreed_deflate, offer_deflate};

fn taking_over() -> DeflateConfig {
    DeflateConfig { send_takeover: true, receive_takeover: true, ..DeflateConfig::default() }
}

fn answer(offers: &[&str], config: &DeflateConfig) -> Option<String> {
    accept_deflate(offers.iter().map(|offer| offer.as_bytes()), config).unwrap().map(|(_, answer)| answer)
}

fn agree(answers: &[&str], config: &DeflateConfig) -> Result<bool, HandshakeError> {
    agreed_deflate(answers.iter().map(|answer| answer.as_bytes()), config).map(|agreed| agreed.is_some())
}

#[test]
fn a_server_answers_an_offer() {
    for (offer, expected) in [
        ("permessage-deflate", Some("")),
        ("permessage-deflate; client_max_window_bits", Some("")),
        ("permessage-deflate; client_max_window_bits=10", Some("; client_max_window_bits=10")),
        ("permessage-deflate; client_max_window_bits=8", Some("; client_max_window_bits=8")),
        ("permessage-deflate; client_max_window_bits=\"9\"", Some("; client_max_window_bits=9")),
        ("permessage-deflate; server_max_window_bits=10", Some("; server_max_window_bits=10")),
        ("permessage-deflate; server_max_window_bits=15", Some("; server_max_window_bits=15")),
        ("permessage-deflate; server_no_context_takeover", Some("; server_no_context_takeover")),
        ("permessage-deflate; client_no_context_takeover", Some("; client_no_context_takeover")),
        // What the compressor can't do.
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", Some("")),
        // What is malformed is declined.
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=09", None),
        ("permessage-deflate; server_max_window_bits=1000", None),
        ("permessage-deflate; client_max_window_bits=x", None),
        ("permessage-deflate; client_no_context_takeover=1", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", None),
        ("permessage-deflate; unknown", None),
        (
            "permessage-deflate; unknown, x-other, permessage-deflate; server_max_window_bits=12",
            Some("; server_max_window_bits=12"),
        ),
        ("x-webkit-deflate-frame", None),
        ("", None),
    ] {
        let expected = expected.map(|parameters| format!("permessage-deflate{parameters}"));
        assert_eq!(answer(&[offer], &taking_over()), expected, "{offer}");
    }
    assert_eq!(answer(&[], &taking_over()), None);
    assert_eq!(
        answer(&["x-other", "permessage-deflate"], &taking_over()).as_deref(),
        Some("permessage-deflate")
    );
    assert_eq!(
        accept_deflate([&b"permessage-deflate;"[..]].into_iter(), &taking_over()).err(),
        Some(HandshakeError::Extensions)
    );
}

#[test]
fn a_server_asks_for_what_it_wants() {
    let offer = "permessage-deflate; server_max_window_bits=14; client_max_window_bits";
    let config = DeflateConfig { send_window_bits: 12, receive_window_bits: 11, ..DeflateConfig::default() };
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                    server_max_window_bits=12; client_max_window_bits=11";
    assert_eq!(answer(&[offer], &config).as_deref(), Some(expected));
    // A client that does not know the parameter is not asked for it.
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    assert_eq!(answer(&["permessage-deflate"], &config).as_deref(), Some(expected));
}

#[test]
fn a_client_offers_what_it_wants() {
    assert_eq!(offer_deflate(&taking_over()), "permessage-deflate; client_max_window_bits");
    let config = DeflateConfig { send_window_bits: 12, receive_window_bits: 8, ..DeflateConfig::default() };
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                    server_max_window_bits=8; client_max_window_bits=12";
    assert_eq!(offer_deflate(&config), expected);
}

#[test]
fn a_client_takes_only_what_it_offered() {
    let config = taking_over();
    for good in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
    ] {
        assert_eq!(agree(&[good], &config), Ok(true), "{good}");
    }
    assert_eq!(agree(&[], &config), Ok(false));
    assert_eq!(agree(&[""], &config), Ok(false));
    for bad in [
        "x-other",
        "permessage-deflate, x-other",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; unknown",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_no_context_takeover=1",
    ] {
        assert_eq!(agree(&[bad], &config), Err(HandshakeError::ExtensionNotOffered), "{bad}");
    }
    assert_eq!(agree(&["permessage-deflate="], &config), Err(HandshakeError::Extensions));
    // What it insisted on.
    let narrow = DeflateConfig { receive_window_bits: 10, ..taking_over() };
    assert_eq!(agree(&["permessage-deflate; server_max_window_bits=10"], &narrow), Ok(true));
    for bad in ["permessage-deflate", "permessage-deflate; server_max_window_bits=11"] {
        assert_eq!(agree(&[bad], &narrow), Err(HandshakeError::ExtensionNotOffered), "{bad}");
    }
    let anew = DeflateConfig { receive_takeover: false, ..taking_over() };
    assert_eq!(agree(&["permessage-deflate; server_no_context_takeover"], &anew), Ok(true));
    assert_eq!(agree(&["permessage-deflate"], &anew), Err(HandshakeError::ExtensionNotOffered));
}
