//! How sockets are opened: which HTTP, which fields, and what can't be.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use flare::Version;
use flare::prelude::*;
use flare::server::ConfigError;
use flare::websocket::client::{OpenFailure, Opener, Options, Wire};
use flare::websocket::{Origins, WsOptions};

use super::server::{WAYS, echo, echoing, running};

#[test]
fn without_sockets_on_http2_it_is_http1() {
    let mut config = ServerConfig::default();
    config.http2.extended_connect = false;
    let mut router = Router::new();
    router.ws("/", |_: &Request| echo).unwrap();
    let running = running(router, config);
    let opener = running.opener(Options::default());
    let uri = running.uri("wss", "/");
    let accepted = || running.server.handle().stats().accepted;
    assert_eq!(opener.open(&uri).unwrap().response().version, Version::Http11);
    assert_eq!(accepted(), 2);
    // That is remembered.
    assert_eq!(opener.clone().open(&uri).unwrap().response().version, Version::Http11);
    assert_eq!(accepted(), 3);
    for scheme in ["ws", "wss"] {
        let opener = running.opener(Options::default().wire(Wire::Http2));
        let error = opener.open(&running.uri(scheme, "/")).unwrap_err();
        assert!(matches!(error.failure(), OpenFailure::NoHttp2), "{error}");
        assert!(!error.is_temporary());
    }
}

#[test]
fn without_http2_it_is_http1() {
    let mut router = Router::new();
    router.ws("/", |_: &Request| echo).unwrap();
    let config = ServerConfig { http2_enabled: false, ..ServerConfig::default() };
    let running = running(router, config);
    let socket = running.opener(Options::default()).open(&running.uri("wss", "/")).unwrap();
    assert_eq!(socket.response().version, Version::Http11);
    assert_eq!(running.server.handle().stats().accepted, 1);
}

#[test]
fn fields_and_subprotocols_arrive() {
    let (sender, receiver) = channel();
    let sender = Arc::new(Mutex::new(sender));
    let mut router = Router::new();
    let options = WsOptions::default().protocol("two").protocol("one");
    router
        .ws_with("/a/:b", options, move |request: &Request| {
            let field = |name| request.headers().get_str(name).unwrap_or_default().to_owned();
            let seen = [field("authorization"), field("cookie"), request.authority().to_owned()];
            sender.lock().unwrap().send((seen, request.query().map(str::to_owned))).unwrap();
            echo
        })
        .unwrap();
    let running = running(router, ServerConfig::default());
    for (scheme, wire) in WAYS {
        let options = Options::default().protocol("one").protocol("two").wire(wire);
        let options = options.header("Authorization", "Bearer x").unwrap().header("cookie", "a=b").unwrap();
        let uri = running.uri(scheme, "/a/x?q=1");
        let socket = running.opener(options).open(&uri).unwrap();
        assert_eq!((socket.protocol(), socket.uri()), (Some("one"), uri.as_str()));
        let (seen, query) = receiver.recv().unwrap();
        let authority = uri.split('/').nth(2).unwrap();
        assert_eq!(seen, ["Bearer x", "a=b", authority]);
        assert_eq!(query.as_deref(), Some("q=1"));
    }
}

#[test]
fn servers_that_refuse_say_why_on_each_wire() {
    let mut router = Router::new();
    router.get("/plain", |_: &Request| "no socket").unwrap();
    let refuse = |_: &Request| {
        Err::<fn(&flare::websocket::WebSocket, flare::websocket::Message<'_>), _>((401, "who?"))
    };
    router.ws_with("/locked", WsOptions::default().origins(Origins::Any), refuse).unwrap();
    router
        .ws_with("/origin", WsOptions::default().origins(Origins::Only(vec![])), |_: &Request| echo)
        .unwrap();
    let running = running(router, ServerConfig::default());
    for (scheme, wire) in WAYS {
        let options = Options::default().wire(wire).header("origin", "https://evil.test").unwrap();
        let opener = running.opener(options);
        let status = |path| {
            let error = opener.open(&running.uri(scheme, path)).unwrap_err();
            let refusal = error.refusal().unwrap_or_else(|| panic!("{error}"));
            (refusal.response.status, String::from_utf8(refusal.content.clone()).unwrap())
        };
        assert_eq!(status("/locked"), (401, "who?".to_owned()));
        assert_eq!(status("/origin").0, 403);
        assert_eq!(status("/nowhere").0, 404);
    }
    // A later wire has no Upgrade that could be overlooked.
    let opener = running.opener(Options::default());
    let error = opener.open(&running.uri("ws", "/plain")).unwrap_err();
    assert_eq!(error.refusal().unwrap().content, b"no socket");
}

#[test]
fn what_is_wrong_is_told_at_once() {
    let opener = Opener::new(Options::default()).unwrap();
    for uri in ["", "http://a.test/", "ws://a b/", "ws://"] {
        let error = opener.begin(uri).unwrap_err();
        assert!(matches!(error.failure(), OpenFailure::Uri(_)), "{error}");
    }
    for uri in ["ws://-a-:1/", "ws://[a]/"] {
        let error = opener.begin(uri).unwrap_err();
        assert!(matches!(error.failure(), OpenFailure::Connect(_)), "{error}");
        assert!(!error.is_temporary());
    }
    let wrong = |options: Options, field: &str| match Opener::new(options) {
        Err(flare::Error::Config(ConfigError { field: found, .. })) => assert_eq!(found, field),
        other => panic!("{other:?}"),
    };
    wrong(Options::default().header("Sec-WebSocket-Key", "x").unwrap(), "headers");
    wrong(Options::default().header("upgrade", "x").unwrap(), "headers");
    wrong(Options::default().protocol("a b"), "protocols");
    wrong(Options::default().protocol("a").protocol("a"), "protocols");
    wrong(Options::default().protocol("a,b"), "protocols");
    wrong(Options::default().open_timeout(std::time::Duration::ZERO), "open_timeout");
}

#[test]
fn the_target_may_be_another_one() {
    let running = echoing(WsOptions::default());
    let target = running.uri("ws", "").replace("ws://", "");
    let socket = running.opener(Options::default().target(&target)).open("ws://elsewhere.test/").unwrap();
    assert_eq!(socket.close_and_wait(1000, "").unwrap().code, 1000);
}
