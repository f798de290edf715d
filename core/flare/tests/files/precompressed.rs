//! Compressed files beside the originals.

use super::tree::{TIME, Tree, client, send};

fn tree() -> Tree {
    let tree = Tree::with("a.css", b"original");
    tree.write("a.css.br", b"brotli");
    tree.write("a.css.gz", b"gzip");
    tree.write("alone.txt", b"alone");
    tree
}

#[test]
fn clients_get_what_they_take() {
    let tree = tree();
    let client = client(tree.files().precompressed());
    for (accept, content, coding) in [
        (None, "original", None),
        (Some("gzip, br"), "brotli", Some("br")),
        (Some("gzip"), "gzip", Some("gzip")),
        (Some("gzip, br;q=0.1"), "gzip", Some("gzip")),
        (Some("zstd"), "original", None),
        (Some("zstd, gzip;q=0.1"), "gzip", Some("gzip")),
        (Some("*"), "brotli", Some("br")),
        (Some("br;q=0, gzip;q=0"), "original", None),
        (Some("identity;q=0"), "original", None),
    ] {
        let answer = send(&client, "GET", "/files/a.css", &[("accept-encoding", accept)]);
        assert_eq!((answer.status, answer.text()), (200, content), "{accept:?}");
        assert_eq!(answer.header("content-encoding"), coding, "{accept:?}");
        assert_eq!(answer.header("content-type"), Some("text/css; charset=utf-8"));
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        let tag = answer.header("etag").unwrap();
        let again = send(
            &client,
            "GET",
            "/files/a.css",
            &[("accept-encoding", accept), ("if-none-match", Some(tag))],
        );
        assert_eq!((again.status, again.header("vary")), (304, Some("accept-encoding")));
        let range = [("accept-encoding", accept), ("range", Some("bytes=1-2")), ("if-range", Some(tag))];
        let part = send(&client, "GET", "/files/a.css", &range);
        assert_eq!((part.status, part.text()), (206, &content[1..3]));
        assert_eq!(part.header("content-encoding"), coding);
        // A range of one coding is no range of another.
        let other = [("range", Some("bytes=1-2")), ("if-range", Some(tag))];
        let other = send(&client, "GET", "/files/a.css", &other);
        assert_eq!(other.status, if coding.is_some() { 200 } else { 206 });
    }
    let alone = send(&client, "GET", "/files/alone.txt", &[("accept-encoding", Some("br"))]);
    assert_eq!((alone.text(), alone.header("vary")), ("alone", Some("accept-encoding")));
}

#[test]
fn one_resource_never_has_one_tag_for_two_codings() {
    let tree = Tree::with("a", b"same");
    for name in ["a.br", "a.zst", "a.gz"] {
        tree.write(name, b"size");
    }
    let client = client(tree.files().precompressed());
    let mut tags: Vec<_> = [None, Some("br"), Some("zstd"), Some("gzip")]
        .map(|accept| {
            let answer = send(&client, "GET", "/files/a", &[("accept-encoding", accept)]);
            assert_eq!(answer.header("content-encoding"), accept);
            answer.header("etag").unwrap().to_owned()
        })
        .into();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "{tags:?}");
}

#[test]
fn what_is_older_than_the_original_is_not_of_it() {
    let tree = tree();
    tree.write_at("a.css.br", b"brotli", TIME - 1);
    let client = client(tree.files().precompressed());
    let answer = send(&client, "GET", "/files/a.css", &[("accept-encoding", Some("br, gzip"))]);
    assert_eq!(answer.text(), "gzip");
}

#[test]
fn only_on_demand_and_only_beside_an_original() {
    let tree = tree();
    let plain = tree.client();
    let answer = send(&plain, "GET", "/files/a.css", &[("accept-encoding", Some("br"))]);
    assert_eq!((answer.text(), answer.header("vary")), ("original", None));
    tree.write("orphan.br", b"orphan");
    let client = client(tree.files().precompressed());
    let answer = send(&client, "GET", "/files/orphan", &[("accept-encoding", Some("br"))]);
    assert_eq!(answer.status, 404);
    // Asked for by its own name it is just a file.
    let answer = send(&client, "GET", "/files/a.css.gz", &[("accept-encoding", Some("gzip"))]);
    assert_eq!((answer.text(), answer.header("content-encoding")), ("gzip", None));
    assert_eq!(answer.header("content-type"), Some("application/gzip"));
}
