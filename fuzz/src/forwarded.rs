//! Who sent a request that came through proxies: address, scheme and host are the oracle's, for each of the fields. Several fields are
//! the same as one with their values joined. The peer itself is on a Unix socket.
//!
//! Byte 0: bit 0 the peer is trusted, bits 1 to 2 which fields count. The rest: lines, see [`read`](crate::lines::read), of `f` `Forwarded`,
//! `x` `X-Forwarded-For`, `p` `X-Forwarded-Proto`, `h` `X-Forwarded-Host`. Trusted are [`TRUSTED`].

use std::net::IpAddr;
use std::sync::OnceLock;

use flare::middleware::{ClientAddress, Forwarded, ForwardedField, client_ip};
use flare::prelude::*;
use flare::testing::TestClient;

use crate::input::Input;
use crate::oracle::forwarded::{self as oracle, Client, Fields};
use crate::{PLANTED, lines};

const TRUSTED: [&str; 4] = ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::/33"];

const NAMES: [(u8, &str); 4] =
    [(b'f', "forwarded"), (b'x', "x-forwarded-for"), (b'p', "x-forwarded-proto"), (b'h', "x-forwarded-host")];

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    // Bytes that are no UTF-8 are other characters, for the oracle too.
    let text = String::from_utf8_lossy(input.rest());
    let lines = lines::read(text.as_bytes());
    let found = ask(options, &lines);
    assert_eq!(found, expected(options, &lines), "{options} {}", shown(&lines));
    let joined: Vec<(u8, Vec<u8>)> = NAMES
        .iter()
        .map(|(letter, _)| (*letter, lines::of(&lines, *letter)))
        .filter(|(_, values)| !values.is_empty())
        .map(|(letter, values)| (letter, values.join(&b", "[..])))
        .collect();
    let joined: Vec<(u8, &[u8])> = joined.iter().map(|(letter, value)| (*letter, value.as_slice())).collect();
    let found_joined = ask(options, &joined);
    assert_eq!(found_joined, expected(options, &joined), "{options} {}", shown(&joined));
    // Quotes that are open at the end of a line are closed by the next one.
    if lines::of(&lines, b'f').into_iter().all(oracle::is_list) {
        assert_eq!(found, found_joined, "{options} {}", shown(&lines));
    }
}

/// What a handler is told.
fn ask(options: u8, lines: &[(u8, &[u8])]) -> Client {
    static CLIENTS: OnceLock<Vec<TestClient>> = OnceLock::new();
    let clients = CLIENTS.get_or_init(|| (0..8).map(client).collect());
    let mut request = clients[usize::from(options & 7)].request("GET", "/");
    for (letter, value) in lines {
        if let Some((_, name)) = NAMES.iter().find(|name| name.0 == *letter) {
            let value = std::str::from_utf8(value).expect("lines are read from a text");
            request = request.header(name, &planted(value));
        }
    }
    let answer = request.send();
    assert_eq!(answer.status, 200, "{}", shown(lines));
    let mut told = answer.text().split('\n').map(|text| Some(text.to_owned()).filter(|text| text != "-"));
    let mut next = || told.next().expect("three lines");
    Client { ip: next().map(|ip| ip.parse().expect("an address")), proto: next(), host: next() }
}

fn client(options: u8) -> TestClient {
    let field = match options >> 1 {
        0 => ForwardedField::Standard,
        1 => ForwardedField::XForwarded,
        _ => ForwardedField::Both,
    };
    let middleware = Forwarded::new(field, TRUSTED).expect("networks").trust_unix_sockets(options & 1 != 0);
    let mut router = Router::new();
    router.layer(middleware);
    router.get("/", tell).expect("a route");
    TestClient::new(router)
}

/// Three lines, each `-` for what is not known, which is no host, no scheme and no address.
fn tell(request: &Request) -> String {
    let client = request.extension::<ClientAddress>().expect("the middleware has been there");
    assert_eq!(client_ip(request), client.ip);
    let ip = client.ip.map(|ip| ip.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!("{}\n{}\n{}", text(&ip), text(&client.proto), text(&client.host))
}

fn expected(options: u8, lines: &[(u8, &[u8])]) -> Client {
    let fields = Fields {
        forwarded: lines::of(lines, b'f'),
        x_for: lines::of(lines, b'x'),
        x_proto: lines::of(lines, b'p'),
        x_host: lines::of(lines, b'h'),
    };
    let told = match options & 7 {
        // Nobody is on the other side of a Unix socket that is known by an address.
        0 | 2 | 4 | 6 => None,
        1 => oracle::standard(&fields, &trusts),
        3 => oracle::x_forwarded(&fields, &trusts),
        _ => oracle::both(&fields, &trusts),
    };
    let mut told = told.unwrap_or_default();
    // A host of one dash can't be told from none.
    told.host = told.host.filter(|host| host != "-");
    told
}

/// [`TRUSTED`], by hand.
fn trusts(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets()[0] == 10 || ip.octets() == [192, 0, 2, 7],
        IpAddr::V6(ip) => {
            let [first, second, third, ..] = ip.segments();
            first >> 8 == 0xfd || ((first, second) == (0x2001, 0xdb8) && third < 0x8000)
        }
    }
}

/// PLANTED: one trusted address is taken for another that is not.
fn planted(value: &str) -> String {
    if PLANTED { value.replace("10.0.0.3", "11.0.0.3") } else { value.to_owned() }
}

fn shown(lines: &[(u8, &[u8])]) -> String {
    lines.iter().map(|(letter, value)| format!("{}{}\n", char::from(*letter), value.escape_ascii())).collect()
}
