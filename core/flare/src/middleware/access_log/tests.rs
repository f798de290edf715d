use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::text::{push_json, push_plain, push_rfc3339, push_word};
use super::*;
use crate::message::Request;
use crate::middleware::sample::request;
use crate::middleware::{BearerAuth, Forwarded, ForwardedField, Identity, RequestId};
use crate::router::Router;
use crate::testing::TestClient;

/// 1994-11-06 08:49:37.123.
fn then() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_123)
}

fn line(format: AccessFormat, request: &Request, status: u16, body_bytes: u64) -> String {
    let record =
        AccessRecord { request, status, body_bytes, whole: status != 0, duration: Duration::from_millis(12) };
    let mut text = String::new();
    Line::new(&record, then()).write(format, &mut text);
    text
}

/// A log that is read by the test.
fn log(format: AccessFormat) -> (AccessLog, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&lines);
    let log = AccessLog::new(format, move |line| own.lock().unwrap().push(line.to_owned()));
    (AccessLog { clock: then, ..log }, lines)
}

#[test]
fn common_and_combined() {
    let fields = [("referer", "http://a.test/"), ("user-agent", "curl/8")];
    let request = request("192.0.2.1:4711", "GET", "/a?b=c", &fields);
    let common = r#"192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] "GET /a?b=c HTTP/1.1" 200 13"#;
    assert_eq!(line(AccessFormat::Common, &request, 200, 13), common);
    let combined = format!("{common} \"http://a.test/\" \"curl/8\"");
    assert_eq!(line(AccessFormat::Combined, &request, 200, 13), combined);
}

#[test]
fn what_is_unknown_is_a_dash() {
    let request = request("unix", "OPTIONS", "*", &[]);
    let text = line(AccessFormat::Combined, &request, 0, 0);
    assert_eq!(text, r#"- - - [06/Nov/1994:08:49:37 +0000] "OPTIONS * HTTP/1.1" - - "-" "-""#);
}

#[test]
fn json() {
    let bare = line(AccessFormat::Json, &request("unix", "GET", "/", &[]), 0, 0);
    assert_eq!(
        bare,
        r#"{"time":"1994-11-06T08:49:37.123Z","id":null,"client":null,"user":null,"method":"GET","target":"/","version":"HTTP/1.1","host":"host.test","status":0,"bytes":0,"ms":12,"whole":false,"referer":null,"user_agent":null}"#
    );
    let fields = [("referer", "a\"b\\"), ("user-agent", "x\ty")];
    let full = request("[2001:db8::1]:80", "GET", "/a?b", &fields);
    full.set_extension(Identity::new("ann\n"));
    assert_eq!(
        line(AccessFormat::Json, &full, 200, 5),
        r#"{"time":"1994-11-06T08:49:37.123Z","id":null,"client":"2001:db8::1","user":"ann\u000a","method":"GET","target":"/a?b","version":"HTTP/1.1","host":"host.test","status":200,"bytes":5,"ms":12,"whole":true,"referer":"a\"b\\","user_agent":"x\u0009y"}"#
    );
}

#[test]
fn nothing_that_clients_send_ends_a_field_or_a_line() {
    // Everything that a field value, or an identity, may hold, and more.
    let mut all: Vec<u8> = (0..=255).collect();
    all.extend("\u{85}\u{2028}\u{9b}é😀".bytes());
    let mut plain = String::new();
    push_plain(&mut plain, &all);
    assert!(plain.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"'), "{plain}");
    assert!(
        plain.starts_with("\\x00\\x01") && plain.contains("!\\x22#") && plain.contains("[\\x5c]"),
        "{plain}"
    );
    let mut json = String::new();
    push_json(&mut json, &all);
    let inner = &json[1..json.len() - 1];
    assert!(inner.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{json}");
    assert!(!inner.replace("\\\\", "").replace("\\\"", "").contains('"'), "{json}");
    assert!(inner.ends_with("\\u0085\\u2028\\u009b\\u00e9\\ud83d\\ude00"), "{json}");
    let mut word = String::new();
    push_word(&mut word, "a b  \"c\" \n");
    assert_eq!(word, "a\\x20b\\x20\\x20\\x22c\\x22\\x20\\x0a");
}

#[test]
fn fields_of_a_real_request_are_escaped() {
    let fields = [("user-agent", "\" 200 1 \"forged\u{e9}"), ("referer", "a\\")];
    let request = request("192.0.2.1:1", "GET", "/", &fields);
    request.set_extension(Identity::new("ann [x] \"y\""));
    assert_eq!(
        line(AccessFormat::Combined, &request, 200, 1),
        r#"192.0.2.1 - ann\x20[x]\x20\x22y\x22 [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1 "a\x5c" "\x22 200 1 \x22forged\xc3\xa9""#
    );
}

#[test]
fn times_out_of_the_range_of_dates_do_no_harm() {
    let rfc3339 = |time| {
        let mut text = String::new();
        push_rfc3339(&mut text, time);
        text
    };
    assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(5)), "1970-01-01T00:00:00.000Z");
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
    assert_eq!(rfc3339(far), "9999-12-31T23:59:59.000Z");
    let leap = SystemTime::UNIX_EPOCH + Duration::from_millis(1_709_164_800_007);
    assert_eq!(rfc3339(leap), "2024-02-29T00:00:00.007Z");
}

#[test]
fn it_sees_what_the_others_found_and_refused() {
    let (log, lines) = log(AccessFormat::Common);
    let none: [&str; 0] = [];
    let mut router = Router::new();
    router.layer(log);
    router.layer(RequestId::new().trust_incoming(true));
    router.layer(Forwarded::new(ForwardedField::XForwarded, none).unwrap().trust_unix_sockets(true));
    router.layer(BearerAuth::tokens("r", [("t", "ann")]).unwrap());
    router.get("/", |_: &Request| "hello").unwrap();
    let client = TestClient::new(router);
    let send = |path, token| {
        let request =
            client.request("GET", path).header("x-forwarded-for", "192.0.2.9").header("x-request-id", "id-1");
        request.header("authorization", token).send().status
    };
    assert_eq!([send("/", "Bearer t"), send("/", "Bearer u"), send("/no", "Bearer t")], [200, 401, 404]);
    assert_eq!(
        *lines.lock().unwrap(),
        [
            r#"192.0.2.9 - ann [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 5 "id-1""#,
            r#"192.0.2.9 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 401 12 "id-1""#,
            r#"192.0.2.9 - ann [06/Nov/1994:08:49:37 +0000] "GET /no HTTP/1.1" 404 9 "id-1""#,
        ]
    );
}

#[test]
fn a_long_line_is_whole_and_its_memory_goes() {
    let (log, lines) = log(AccessFormat::Json);
    let path = format!("/{}", "x".repeat(100_000));
    let request = request("unix", "GET", &path, &[]);
    let record =
        AccessRecord { request: &request, status: 404, body_bytes: 0, whole: true, duration: Duration::ZERO };
    log.on_end(&record);
    assert!(lines.lock().unwrap()[0].contains(&path));
    assert!(MEMORY.take().capacity() <= 4096);
}
