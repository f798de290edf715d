use super::element::take_last;
use super::*;
use crate::middleware::sample::request;
use crate::router::Router;
use crate::testing::TestClient;

/// Trusts 10.0.0.0/8 and fd00::/8; the peer is 10.0.0.1 unless a test says otherwise.
fn found_from(peer: &str, field: ForwardedField, fields: &[(&str, &str)]) -> ClientAddress {
    let middleware = Forwarded::new(field, ["10.0.0.0/8", "fd00::/8"]).unwrap();
    middleware.resolve(&request(peer, "GET", "/", fields))
}

fn found(field: ForwardedField, fields: &[(&str, &str)]) -> ClientAddress {
    found_from("10.0.0.1:1000", field, fields)
}

/// The client's address as text; empty when it is unknown.
fn standard(value: &str) -> String {
    text(&found(ForwardedField::Standard, &[("forwarded", value)]))
}

fn x_forwarded(value: &str) -> String {
    text(&found(ForwardedField::XForwarded, &[("x-forwarded-for", value)]))
}

fn text(client: &ClientAddress) -> String {
    client.ip.map(|ip| ip.to_string()).unwrap_or_default()
}

fn all(ip: &str, proto: Option<&str>, host: Option<&str>) -> ClientAddress {
    ClientAddress { ip: ip.parse().ok(), proto: proto.map(str::to_owned), host: host.map(str::to_owned) }
}

#[test]
fn nodes_of_forwarded() {
    for (value, ip) in [
        ("for=192.0.2.60", "192.0.2.60"),
        ("For=192.0.2.60", "192.0.2.60"),
        ("for=\"192.0.2.60:4711\"", "192.0.2.60"),
        ("for=\"192.0.2.60:_port\"", "192.0.2.60"),
        ("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
        ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=\"[::ffff:192.0.2.60]\"", "192.0.2.60"),
        ("for=\"192.0.2.\\60\"", "192.0.2.60"),
        ("proto=https;for=192.0.2.60;by=203.0.113.43;ext=1", "192.0.2.60"),
        ("for=192.0.2.60 ; proto=https", "192.0.2.60"),
        (", for=192.0.2.60, ,", "192.0.2.60"),
        // The client is unknown, and must not become the proxy.
        ("for=unknown", ""),
        ("for=_hidden", ""),
        ("for=\"_SEVKISEK:4711\"", ""),
        ("proto=https", ""),
        ("for=2001:db8::1", ""),
        ("for=\"2001:db8::1\"", ""),
        ("for=192.0.2.60:80", ""),
        ("for=\"192.0.2.60:\"", ""),
        ("for=\"192.0.2.60:123456\"", ""),
        ("for=\"[2001:db8::1\"", ""),
        ("for=\"[192.0.2.60]\"", ""),
        ("for=\"192.0.2.60", ""),
        ("for=192.0.2.60\"", ""),
        ("for=192.0.2.060", ""),
        ("for=192.0.2.60;", ""),
        ("for = 192.0.2.60", ""),
        ("for=192.0.2.60;for=192.0.2.61", ""),
        ("for=192.0.2.60;FOR=192.0.2.60", ""),
        ("192.0.2.60", ""),
        ("=", ""),
    ] {
        assert_eq!(standard(value), ip, "{value}");
    }
}

#[test]
fn nodes_of_x_forwarded_for() {
    for (value, ip) in [
        ("192.0.2.60", "192.0.2.60"),
        ("192.0.2.60:4711", "192.0.2.60"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.60", "192.0.2.60"),
        ("unknown", ""),
        ("\"192.0.2.60\"", ""),
        ("192.0.2.60 192.0.2.61", ""),
        ("for=192.0.2.60", ""),
    ] {
        assert_eq!(x_forwarded(value), ip, "{value}");
    }
}

#[test]
fn the_walk_ends_at_the_first_that_is_not_trusted() {
    for (hops, ip) in [
        (&["198.51.100.1"][..], "198.51.100.1"),
        (&["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        (&["6.6.6.6", "198.51.100.1", "10.0.0.9"], "198.51.100.1"),
        (&["10.0.0.5", "198.51.100.1", "10.0.0.9", "10.1.1.1"], "198.51.100.1"),
        (&["6.6.6.6", "fd00::9"], "6.6.6.6"),
        // Behind a hidden node nobody knows who wrote the rest.
        (&["6.6.6.6", "unknown"], ""),
        (&["6.6.6.6", "unknown", "10.0.0.9"], ""),
        (&["6.6.6.6", "garbage!", "10.0.0.9"], ""),
        // Only proxies: the first of them asked for itself.
        (&["10.0.0.7", "10.0.0.8"], "10.0.0.7"),
    ] {
        let list = hops.join(", ");
        assert_eq!(x_forwarded(&list), ip, "{list}");
        let elements: Vec<_> = hops
            .iter()
            .map(|hop| if hop.contains(':') { format!("for=\"[{hop}]\"") } else { format!("for={hop}") })
            .collect();
        assert_eq!(standard(&elements.join(",")), ip, "{elements:?}");
        let lines: Vec<_> = elements.iter().map(|element| ("forwarded", element.as_str())).collect();
        assert_eq!(text(&found(ForwardedField::Standard, &lines)), ip, "{lines:?}");
    }
}

#[test]
fn what_the_client_wrote_can_not_hide_what_the_proxy_wrote() {
    for forged in [
        "for=\"6.6.6.6",
        "for=\"6.6.6.6\\",
        "\"",
        "\\\"",
        "\"\\\"",
        "for=\"a\\\"",
        ";;;",
        "for=6.6.6.6;x=\"",
        ",",
    ] {
        for own in ["for=198.51.100.1", "for=\"198.51.100.1:80\"", "host=\"a\\\"\\\\,b\";for=198.51.100.1"] {
            let line = format!("{forged}, {own}");
            assert_eq!(standard(&line), "198.51.100.1", "{line}");
        }
    }
}

#[test]
fn elements_are_taken_from_the_end() {
    let mut list: &[u8] = b"a, for=\"x, \\\"y\" , ,b";
    let mut elements = Vec::new();
    while !list.is_empty() {
        elements.push(String::from_utf8(take_last(&mut list, true).to_vec()).unwrap());
    }
    assert_eq!(elements, ["b", "", "for=\"x, \\\"y\"", "a"]);
}

#[test]
fn a_peer_that_is_no_proxy_is_the_client_whatever_it_sends() {
    let forged = [
        ("forwarded", "for=6.6.6.6;host=evil"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
    ];
    for field in [ForwardedField::Standard, ForwardedField::XForwarded, ForwardedField::Both] {
        assert_eq!(found_from("198.51.100.1:5", field, &forged), all("198.51.100.1", None, None));
        assert_eq!(found_from("unix", field, &forged), ClientAddress::default());
        assert_eq!(found_from("10.0.0.1:5", field, &[]), all("10.0.0.1", None, None), "no field");
    }
    let trusting =
        Forwarded::new(ForwardedField::XForwarded, ["10.0.0.0/8"]).unwrap().trust_unix_sockets(true);
    let client = trusting.resolve(&request("unix", "GET", "/", &forged));
    assert_eq!(client, all("6.6.6.6", Some("https"), None));
}

#[test]
fn the_field_that_was_not_chosen_does_not_count() {
    let fields = [("forwarded", "for=6.6.6.6;proto=ftp"), ("x-forwarded-for", "7.7.7.7")];
    assert_eq!(found(ForwardedField::Standard, &fields), all("6.6.6.6", Some("ftp"), None));
    assert_eq!(found(ForwardedField::XForwarded, &fields), all("7.7.7.7", None, None));
    assert_eq!(found(ForwardedField::Both, &fields), ClientAddress::default(), "they contradict each other");
}

#[test]
fn of_both_fields_only_what_they_agree_on_counts() {
    let one = ("forwarded", "for=7.7.7.7;proto=https;host=evil");
    let other =
        [("x-forwarded-for", "7.7.7.7"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "good")];
    let both = [one, other[0], other[1], other[2]];
    assert_eq!(found(ForwardedField::Both, &both), all("7.7.7.7", Some("https"), None));
    assert_eq!(found(ForwardedField::Both, &[one]), all("7.7.7.7", Some("https"), Some("evil")));
    assert_eq!(found(ForwardedField::Both, &other), all("7.7.7.7", Some("https"), Some("good")));
}

#[test]
fn proto_and_host_come_from_the_element_of_the_client() {
    let list = "for=6.6.6.6;proto=gopher;host=evil, for=198.51.100.1;proto=HTTPS;host=\"shop.test:8443\", for=10.0.0.9;proto=http";
    let client = found(ForwardedField::Standard, &[("forwarded", list)]);
    assert_eq!(client, all("198.51.100.1", Some("https"), Some("shop.test:8443")));
    // What can't be a scheme or a host is left out, and does not hide the address.
    let client = found(ForwardedField::Standard, &[("forwarded", "for=198.51.100.1;proto=1a;host=\"a b\"")]);
    assert_eq!(client, all("198.51.100.1", None, None));
    let fields =
        [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "gopher, https"), ("x-forwarded-host", "a/b")];
    assert_eq!(found(ForwardedField::XForwarded, &fields), all("6.6.6.6", Some("https"), None));
}

#[test]
fn networks() {
    let trusts = |network: &str, ip: &str| {
        Forwarded::new(ForwardedField::Standard, [network]).unwrap().trusts(ip.parse().unwrap())
    };
    assert!(trusts("192.0.2.7", "192.0.2.7") && !trusts("192.0.2.7", "192.0.2.8"));
    assert!(trusts("192.0.2.0/25", "192.0.2.127") && !trusts("192.0.2.0/25", "192.0.2.128"));
    assert!(trusts("2001:db8::/33", "2001:db8:7fff::1") && !trusts("2001:db8::/33", "2001:db8:8000::1"));
    assert!(trusts("0.0.0.0/0", "8.8.8.8") && !trusts("0.0.0.0/0", "::1"));
    for wrong in ["", "example.org", "192.0.2.0/33", "192.0.2/24", "2001:db8::/129", "192.0.2.0/24 "] {
        let error = Forwarded::new(ForwardedField::Standard, [wrong]).unwrap_err();
        assert_eq!(error.field, "trusted", "{wrong}");
        assert!(error.problem.contains(&format!("{wrong:?}")), "{error}");
    }
}

#[test]
fn the_peer_is_the_client_without_the_middleware() {
    let ip = |peer| client_ip(&request(peer, "GET", "/", &[("x-forwarded-for", "6.6.6.6")]));
    assert_eq!(ip("[::ffff:192.0.2.7]:80").unwrap().to_string(), "192.0.2.7");
    assert_eq!(ip("[2001:db8::1]:80").unwrap().to_string(), "2001:db8::1");
    assert_eq!(ip("unix"), None);
}

#[test]
fn handlers_see_the_client() {
    let mut router = Router::new();
    router
        .layer(Forwarded::new(ForwardedField::XForwarded, ["10.0.0.0/8"]).unwrap().trust_unix_sockets(true));
    router.get("/", |request: &Request| format!("{:?}", client_ip(request))).unwrap();
    let client = TestClient::new(router);
    let answer =
        client.request("GET", "/").header("x-forwarded-for", "6.6.6.6, 198.51.100.1, 10.0.0.2").send();
    assert_eq!(answer.text(), "Some(198.51.100.1)");
}
