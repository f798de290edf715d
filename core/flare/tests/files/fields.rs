//! The fields of an answer, methods, and options.

use std::time::{Duration, SystemTime};

use super::tree::{DATE, Tree, client, fields, send, touch};

#[test]
fn a_file_has_all_its_fields() {
    let tree = Tree::with("a.txt", b"hello");
    let client = client(tree.files().cache_control("public, max-age=60").unwrap());
    let answer = client.get("/files/a.txt");
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", "5"),
        ("x-content-type-options", "nosniff"),
        ("accept-ranges", "bytes"),
        ("last-modified", DATE),
        ("etag", "\"5-3b9aca00-0\""),
        ("cache-control", "public, max-age=60"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    for absent in ["content-encoding", "vary", "content-range"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
}

#[test]
fn head_has_the_fields_of_get() {
    let tree = Tree::with("small", b"hello");
    tree.write("large", &vec![b'x'; 100_000]);
    tree.write("empty", b"");
    let client = tree.client();
    for path in ["/files/small", "/files/large", "/files/empty", "/files/none"] {
        let (get, head) = (client.get(path), client.request("HEAD", path).send());
        assert_eq!(head.status, get.status);
        assert_eq!(fields(&head), fields(&get));
        assert!(head.body.is_empty());
    }
    // Ranges are for GET.
    let head = send(&client, "HEAD", "/files/small", &[("range", Some("bytes=0-1"))]);
    assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
}

#[test]
fn an_answer_without_content_says_nothing_of_it() {
    let tree = Tree::with("a.txt", b"hello");
    let client = client(tree.files().cache_control("no-cache").unwrap().precompressed());
    let answer = send(&client, "GET", "/files/a.txt", &[("if-none-match", Some("*"))]);
    assert_eq!(answer.status, 304);
    assert_eq!(
        fields(&answer),
        ["etag: \"5-3b9aca00-0\"", "cache-control: no-cache", "vary: accept-encoding"]
    );
}

#[test]
fn other_methods_are_refused() {
    let tree = Tree::with("a.txt", b"hello");
    let client = tree.client();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        let answer = client.request(method, "/files/a.txt").send();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn an_empty_file_is_a_file() {
    let tree = Tree::with("empty", b"");
    let answer = tree.client().get("/files/empty");
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")));
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("etag"), Some("\"0-3b9aca00-0\""));
}

#[test]
fn a_file_that_just_changed_has_a_weak_tag() {
    let tree = Tree::with("a", b"hello");
    touch(&tree.path("a"), SystemTime::now());
    let client = tree.client();
    let answer = client.get("/files/a");
    let tag = answer.header("etag").unwrap();
    assert!(tag.starts_with("W/\""), "{tag}");
    // It serves caches, but nothing that needs the same bytes.
    assert_eq!(send(&client, "GET", "/files/a", &[("if-none-match", Some(tag))]).status, 304);
    assert_eq!(send(&client, "GET", "/files/a", &[("if-match", Some(tag))]).status, 412);
    let range = ("range", Some("bytes=0-1"));
    for validator in [tag, answer.header("last-modified").unwrap()] {
        assert_eq!(send(&client, "GET", "/files/a", &[range, ("if-range", Some(validator))]).status, 200);
    }
}

#[test]
fn the_tag_follows_every_change() {
    let tree = Tree::with("a", b"hello");
    let client = tree.client();
    let tag = || client.get("/files/a").header("etag").unwrap().to_owned();
    let mut tags = vec![tag()];
    tree.write("a", b"hello!");
    tags.push(tag());
    let nanosecond = SystemTime::UNIX_EPOCH + Duration::new(super::tree::TIME, 1);
    touch(&tree.path("a"), nanosecond);
    tags.push(tag());
    tree.write("a", b"hello");
    assert_eq!(tag(), tags[0]);
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3, "{tags:?}");
}

#[test]
fn a_file_without_a_time_has_no_validators() {
    let tree = Tree::new();
    tree.write_at("a", b"hello", 1);
    let client = tree.client();
    let answer = client.get("/files/a");
    assert_eq!((answer.header("etag"), answer.header("last-modified")), (None, None));
    for (name, value, status) in [
        ("if-match", "\"5-1-0\"", 412),
        ("if-match", "*", 200),
        ("if-none-match", "\"5-1-0\"", 200),
        ("if-none-match", "*", 304),
        ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("if-modified-since", DATE, 200),
        ("if-range", "\"5-1-0\"", 200),
    ] {
        let answer = send(
            &client,
            "GET",
            "/files/a",
            &[(name, Some(value)), ("range", Some("bytes=9-")), ("if-range", Some("\"x\""))],
        );
        assert_eq!(answer.status, status, "{name}: {value}");
    }
    assert_eq!(send(&client, "GET", "/files/a", &[("range", Some("bytes=0-1"))]).status, 206);
}

#[test]
fn wrong_options_and_directories_are_errors() {
    let tree = Tree::with("a", b"");
    assert!(tree.files().cache_control("a\r\nb: c").is_err());
    assert!(flare::files::Files::new(tree.path("a")).is_err());
    let error = flare::files::Files::new(tree.path("none")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().contains("none"), "{error}");
}
