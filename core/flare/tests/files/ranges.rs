//! Ranges (RFC 9110, 14): a table, and random ones against slices.

use flare::testing::TestResponse;

use super::common::{Random, pattern};
use super::tree::{Tree, send};

fn ask(client: &flare::testing::TestClient, range: &str) -> TestResponse {
    send(client, "GET", "/files/a", &[("range", Some(range))])
}

#[test]
fn single_ranges() {
    let tree = Tree::with("a", b"0123456789");
    let client = tree.client();
    let largest = "18446744073709551615";
    for (range, content, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=0-4", "01234", "bytes 0-4/10"),
        ("bytes=5-", "56789", "bytes 5-9/10"),
        ("bytes=9-9", "9", "bytes 9-9/10"),
        ("bytes=0-", "0123456789", "bytes 0-9/10"),
        ("bytes=0-9", "0123456789", "bytes 0-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
        ("bytes=-1", "9", "bytes 9-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-10", "0123456789", "bytes 0-9/10"),
        ("bytes=-100", "0123456789", "bytes 0-9/10"),
        ("Bytes=1-2", "12", "bytes 1-2/10"),
        ("bytes= 1-2 ", "12", "bytes 1-2/10"),
        ("bytes=,,1-2,", "12", "bytes 1-2/10"),
        ("bytes=000000000000000000000001-0000000000000000000000002", "12", "bytes 1-2/10"),
        (&format!("bytes=8-{largest}"), "89", "bytes 8-9/10"),
        (&format!("bytes=8-{largest}0"), "89", "bytes 8-9/10"),
        (&format!("bytes=-{largest}0"), "0123456789", "bytes 0-9/10"),
        // Several that become one, or of which one is in the file.
        ("bytes=0-1,2-3", "0123", "bytes 0-3/10"),
        ("bytes=2-3,0-1", "0123", "bytes 0-3/10"),
        ("bytes=0-5,3-7", "01234567", "bytes 0-7/10"),
        ("bytes=0-1,100-", "01", "bytes 0-1/10"),
        ("bytes=1-1,-0", "1", "bytes 1-1/10"),
    ] {
        let answer = ask(&client, range);
        assert_eq!((answer.status, answer.text()), (206, content), "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range), "{range}");
        assert_eq!(answer.header("content-length"), Some(content.len().to_string().as_str()), "{range}");
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert_eq!(answer.header("etag"), client.get("/files/a").header("etag"));
    }
}

#[test]
fn ranges_that_are_ignored() {
    let tree = Tree::with("a", b"0123456789");
    let client = tree.client();
    let many = format!("bytes={}", vec!["0-0"; 65].join(","));
    for range in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=2-1",
        "bytes=1-2-3",
        "bytes=1-2x",
        "bytes=+1-2",
        "bytes=1 -2",
        "bytes=--1",
        "bytes=0x1-2",
        "bytes=0-1,2-1",
        "bytes=0-1,x",
        "bytes 0-1",
        "bytes =0-1",
        "bytes:0-1",
        "items=0-1",
        "byte=0-1",
        "bytes=0-1;2-3",
        "bytes=\u{ff11}-",
        &many,
    ] {
        let answer = ask(&client, range);
        assert_eq!((answer.status, answer.text()), (200, "0123456789"), "{range}");
        assert_eq!(answer.header("content-range"), None, "{range}");
    }
    let twice = [("range", Some("bytes=0-1")), ("range", Some("bytes=2-3"))];
    assert_eq!(send(&client, "GET", "/files/a", &twice).status, 200);
    let as_many = format!("bytes={}", vec!["0-0"; 64].join(","));
    assert_eq!(ask(&client, &as_many).status, 206);
}

#[test]
fn ranges_outside() {
    let tree = Tree::with("a", b"0123456789");
    let client = tree.client();
    for range in [
        "bytes=10-",
        "bytes=10-20",
        "bytes=100-200",
        "bytes=-0",
        "bytes=10-,-0,11-12",
        "bytes=18446744073709551615-",
        "bytes=99999999999999999999-",
        "bytes=99999999999999999999-99999999999999999999",
    ] {
        let answer = ask(&client, range);
        assert_eq!((answer.status, answer.header("content-range")), (416, Some("bytes */10")), "{range}");
    }
}

#[test]
fn ranges_of_an_empty_file() {
    let tree = Tree::with("a", b"");
    let client = tree.client();
    for range in ["bytes=0-", "bytes=0-0", "bytes=-0", "bytes=5-"] {
        let answer = ask(&client, range);
        assert_eq!((answer.status, answer.header("content-range")), (416, Some("bytes */0")), "{range}");
    }
    assert_eq!(ask(&client, "bytes=-5").status, 200);
}

/// The first and last place of a part, and its content.
type Piece = (usize, usize, Vec<u8>);

/// Takes `multipart/byteranges` apart, strictly.
fn parts(answer: &TestResponse, length: usize, kind: &str) -> Vec<Piece> {
    let boundary =
        answer.header("content-type").unwrap().strip_prefix("multipart/byteranges; boundary=").unwrap();
    assert_eq!(answer.header("content-range"), None);
    let mut rest = answer.body.as_slice();
    let mut parts = Vec::new();
    let mut delimiter = format!("--{boundary}");
    loop {
        rest = rest.strip_prefix(delimiter.as_bytes()).unwrap();
        delimiter = format!("\r\n--{boundary}");
        if rest == b"--\r\n" {
            return parts;
        }
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        let head = head.strip_prefix(&format!("\r\ncontent-type: {kind}\r\ncontent-range: bytes ")).unwrap();
        let (places, total) = head.split_once('/').unwrap();
        assert_eq!(total, length.to_string());
        let (first, last) = places.split_once('-').unwrap();
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        let content = &rest[end + 4..][..last + 1 - first];
        parts.push((first, last, content.to_vec()));
        rest = &rest[end + 4 + content.len()..];
    }
}

#[test]
fn several_ranges() {
    let content = pattern(1000);
    let tree = Tree::with("a.html", &content);
    let client = tree.client();
    for (range, wanted) in [
        ("bytes=0-0,-1", &[(0, 0), (999, 999)][..]),
        ("bytes=500-600,0-9", &[(500, 600), (0, 9)]),
        ("bytes=0-9,100-109,200-209", &[(0, 9), (100, 109), (200, 209)]),
        // Joined in the place of the first of them; a gap of 80 bytes is not worth a part, one of 81 is.
        ("bytes=0-9,900-,5-19", &[(0, 19), (900, 999)]),
        ("bytes=0-9,90-99,500-501", &[(0, 99), (500, 501)]),
        ("bytes=0-9,91-99", &[(0, 9), (91, 99)]),
        ("bytes=0-9,300-309,5-305,900-", &[(0, 309), (900, 999)]),
        ("bytes=0-9,200-209,400-409,600-,205-215", &[(0, 9), (200, 215), (400, 409), (600, 999)]),
        ("bytes=0-0,2000-,500-500,-0", &[(0, 0), (500, 500)]),
    ] {
        let answer = send(&client, "GET", "/files/a.html", &[("range", Some(range))]);
        assert_eq!(answer.status, 206, "{range}");
        let found = parts(&answer, 1000, "text/html; charset=utf-8");
        let wanted: Vec<Piece> =
            wanted.iter().map(|&(first, last)| (first, last, content[first..=last].to_vec())).collect();
        assert_eq!(found, wanted, "{range}");
    }
    let one = send(&client, "GET", "/files/a.html", &[("range", Some("bytes=0-0,-1"))]);
    let other = send(&client, "GET", "/files/a.html", &[("range", Some("bytes=0-0,-1"))]);
    assert_ne!(one.header("content-type"), other.header("content-type"), "a boundary was used twice");
}

#[test]
fn any_range_is_the_slice() {
    let mut random = Random::new(1);
    let (mut single, mut several) = (0, 0);
    // On both sides of what is read at once, and sent by reference.
    for length in [1, 2, 81, 1000, 16 * 1024, 16 * 1024 + 1, 100_000] {
        let content = pattern(length);
        let tree = Tree::with("a", &content);
        let client = tree.client();
        for _ in 0..150 {
            let mut asked = vec![false; length];
            let mut members = Vec::new();
            for _ in 0..=random.below(6) {
                // Half of the ranges are short, so that they do not all become one.
                let reach = if random.below(2) == 0 { length.min(10) } else { length + 50 };
                let (first, last) = (random.below(length), random.below(reach));
                let (member, first, last) = match random.below(8) {
                    0..=5 => (format!("{first}-{}", first + last), first, (first + last).min(length - 1)),
                    6 => (format!("{first}-"), first, length - 1),
                    _ => (format!("-{}", last + 1), length.saturating_sub(last + 1), length - 1),
                };
                asked[first..=last].fill(true);
                members.push(member);
            }
            let range = format!("bytes={}", members.join(", "));
            let answer = ask(&client, &range);
            assert_eq!(answer.status, 206, "{range}");
            let pieces = match answer.header("content-range") {
                Some(places) => {
                    single += 1;
                    let places =
                        places.strip_prefix("bytes ").unwrap().strip_suffix(&format!("/{length}")).unwrap();
                    let (first, last) = places.split_once('-').unwrap();
                    vec![(first.parse().unwrap(), last.parse().unwrap(), answer.body.clone())]
                }
                None => {
                    several += 1;
                    parts(&answer, length, "application/octet-stream")
                }
            };
            let mut sent = vec![false; length];
            for (first, last, piece) in pieces {
                assert!(piece == content[first..=last], "{range}: {first} to {last}");
                assert!(sent[first..=last].iter().all(|sent| !sent), "{range}: sent twice");
                sent[first..=last].fill(true);
            }
            assert!(asked.iter().zip(&sent).all(|(asked, sent)| sent >= asked), "{range}: not sent");
        }
    }
    assert!(single > 100 && several > 100, "{single} {several}");
}
