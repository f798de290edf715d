//! What takes a real socket: large files, and files that change while they are sent.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;

use flare::testing::TestClient;

use super::common::{Client, PATIENCE, one_worker, pattern, start};
use super::tree::{Tree, router};

fn range(client: &mut Client, path: &str, range: &str) -> super::common::Answer {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\nRange: {range}\r\n\r\n"));
    client.answer()
}

#[test]
fn files_arrive_whole_one_after_the_other() {
    let tree = Tree::new();
    let sizes = [0, 1, 16 * 1024, 16 * 1024 + 1, 3_000_000];
    for size in sizes {
        tree.write(&size.to_string(), &pattern(size));
    }
    let server = start(router(tree.files()), one_worker());
    let mut client = Client::connect(&server.addresses()[0]);
    for size in sizes {
        client.send(format!("GET /files/{size} HTTP/1.1\r\nHost: test\r\n\r\n"));
    }
    for size in sizes {
        let answer = client.answer();
        assert_eq!(answer.status, 200);
        assert!(answer.body == pattern(size), "{size}");
    }
}

#[test]
fn places_beyond_4_gib() {
    const LENGTH: u64 = 5 << 30;
    let tree = Tree::new();
    let file = File::create(tree.path("huge")).unwrap();
    file.set_len(LENGTH).unwrap();
    file.write_all_at(b"border", (4 << 30) - 3).unwrap();
    file.write_all_at(b"end", LENGTH - 3).unwrap();
    let large = pattern(100_000);
    file.write_all_at(&large, (4 << 30) + 1000).unwrap();
    let server = start(router(tree.files()), one_worker());
    let mut client = Client::connect(&server.addresses()[0]);
    for (asked, content, places) in [
        ("bytes=4294967293-4294967298", &b"border"[..], "4294967293-4294967298"),
        ("bytes=-3", b"end", "5368709117-5368709119"),
        ("bytes=5368709119-", b"d", "5368709119-5368709119"),
        ("bytes=4294968296-4295068295", &large, "4294968296-4295068295"),
    ] {
        let answer = range(&mut client, "/files/huge", asked);
        assert_eq!(answer.status, 206, "{asked}");
        assert_eq!(answer.header("content-range"), Some(format!("bytes {places}/{LENGTH}").as_str()));
        assert!(answer.body == content, "{asked}");
    }
    let several = range(&mut client, "/files/huge", "bytes=4294967293-4294967298,-3");
    assert_eq!(several.status, 206);
    let text = several.text();
    assert!(text.contains(&format!("bytes 4294967293-4294967298/{LENGTH}\r\n\r\nborder\r\n--")), "{text}");
    assert!(text.contains(&format!("bytes 5368709117-5368709119/{LENGTH}\r\n\r\nend\r\n--")), "{text}");
    let beyond = range(&mut client, "/files/huge", "bytes=5368709120-");
    assert_eq!(beyond.header("content-range"), Some("bytes */5368709120"));
    // The whole length, without the whole content.
    let head = TestClient::new(router(tree.files())).request("HEAD", "/files/huge").send();
    assert_eq!(head.header("content-length"), Some("5368709120"));
}

/// Reads until the connection ends, however it does. Says how many bytes came.
fn read_to_the_end(client: &mut Client) -> u64 {
    client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = vec![0; 1 << 16];
    let mut count = 0;
    loop {
        match client.stream.read(&mut buffer) {
            Ok(0) => return count,
            Ok(more) => count += more as u64,
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                return count;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_cuts_the_connection() {
    const LENGTH: u64 = 256 << 20;
    let tree = Tree::new();
    for asked in ["", "Range: bytes=0-9,1000-\r\n"] {
        let file = File::create(tree.path("shrinks")).unwrap();
        file.set_len(LENGTH).unwrap();
        let server = start(router(tree.files()), one_worker());
        let mut client = Client::connect(&server.addresses()[0]);
        client.send(format!("GET /files/shrinks HTTP/1.1\r\nHost: test\r\n{asked}\r\n"));
        let mut first = [0; 1];
        client.stream.read_exact(&mut first).unwrap();
        file.set_len(10).unwrap();
        let count = read_to_the_end(&mut client);
        assert!(count < LENGTH, "{count}");
        // Others go on.
        let mut other = Client::connect(&server.addresses()[0]);
        assert_eq!(other.get("/files/shrinks").body.len(), 10);
    }
}

#[test]
fn a_file_that_grows_or_goes_while_it_is_sent_is_sent_as_promised() {
    let tree = Tree::new();
    let content = pattern(40_000_000);
    tree.write("grows", &content);
    let server = start(router(tree.files()), one_worker());
    let mut client = Client::connect(&server.addresses()[0]);
    client.send("GET /files/grows HTTP/1.1\r\nHost: test\r\n\r\n");
    let mut first = [0; 1];
    client.stream.read_exact(&mut first).unwrap();
    let file = File::options().append(true).open(tree.path("grows")).unwrap();
    std::io::Write::write_all(&mut &file, b"more").unwrap();
    std::fs::remove_file(tree.path("grows")).unwrap();
    let answer = client.answer();
    assert!(answer.body == content);
    assert_eq!(client.get("/files/grows").status, 404);
}
