//! What is reachable and what is not, in all spellings, over a real socket.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::common::{Client, one_worker, start};
use super::tree::{Tree, client, router};

/// Files and everything else that a directory may hold.
fn tree() -> Tree {
    let tree = Tree::with("top.txt", b"top");
    tree.write("a/b/deep.txt", b"deep");
    tree.write("with space/\u{fc}.txt", b"named");
    tree.write("a%2Fb", b"literal");
    tree.write("back\\slash", b"never");
    tree.write(".hidden", b"hidden");
    tree.write(".dir/file", b"hidden");
    tree.write("a/.hidden", b"hidden");
    tree.link("top.txt", "link");
    tree.link("a", "link-to-directory");
    tree.link("../secret", "out");
    tree.link(tree.path("../secret"), "absolute");
    tree.link("..", "up");
    tree.link("/", "slash");
    tree.link("/proc/self/root", "magic");
    tree.link("nowhere", "dangling");
    tree.link("circle", "circle");
    assert!(Command::new("mkfifo").arg(tree.path("fifo")).status().unwrap().success());
    std::os::unix::net::UnixListener::bind(tree.path("socket")).unwrap();
    tree
}

#[test]
fn files_are_found_in_all_their_spellings() {
    let tree = tree();
    let client = tree.client();
    for (path, content) in [
        ("/files/top.txt", "top"),
        ("/files/a/b/deep.txt", "deep"),
        ("/files/%74op%2Etxt", "top"),
        ("/files/with%20space/%C3%BC.txt", "named"),
        ("/files/a%2Fb", "literal"),
        ("/files/a%252Fb", "literal"),
        ("/files/top.txt?query=../../secret", "top"),
    ] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text()), (200, content), "{path}");
    }
}

#[test]
fn nothing_else_is_reachable() {
    let tree = tree();
    let server = start(router(tree.files().index("index.html")), one_worker());
    let mut long = "/files/".to_owned();
    long.push_str(&"x".repeat(300));
    for path in [
        // Out, and out and in again.
        "/files/../secret",
        "/files/../../secret",
        "/files/a/../../secret",
        "/files/a/../top.txt",
        "/files/./top.txt",
        "/files/a/./b/deep.txt",
        "/files/..",
        "/files/.",
        "/files/../",
        "/files/a/..",
        "/files/.../secret",
        "/files/..;/secret",
        "/files/..%20/secret",
        "/files/%20../secret",
        // Encoded once, twice, and in ways that only some decoders know.
        "/files/%2e%2e/secret",
        "/files/%2E%2E/secret",
        "/files/.%2e/secret",
        "/files/%2e%2e%2fsecret",
        "/files/..%2fsecret",
        "/files/..%2Fsecret",
        "/files/%252e%252e/secret",
        "/files/%252e%252e%252fsecret",
        "/files/%25252e%25252e/secret",
        "/files/%c0%ae%c0%ae/secret",
        "/files/..%c0%afsecret",
        "/files/%e0%80%ae/secret",
        "/files/%u002e%u002e/secret",
        "/files/..%ef%bc%8fsecret",
        // Absolute and empty names.
        "/files//etc/passwd",
        "/files/%2fetc/passwd",
        "/files/%2Fetc%2Fpasswd",
        "/files//top.txt",
        "/files/a//b/deep.txt",
        "/files//",
        "/files/top.txt/",
        "/files/top.txt//",
        "/files/top.txt/x",
        "/files/file:///etc/passwd",
        // Backslashes and drives.
        "/files/..%5csecret",
        "/files/..%5Csecret",
        "/files/%5c..%5csecret",
        "/files/..\\secret",
        "/files/back%5Cslash",
        "/files/C:%5Ca",
        "/files/a%5cb%5cdeep.txt",
        // NUL.
        "/files/top.txt%00",
        "/files/%00",
        "/files/top.txt%00.html",
        "/files/..%00/secret",
        "/files/top%2500.txt",
        // Links, in and out.
        "/files/link",
        "/files/link-to-directory/b/deep.txt",
        "/files/out",
        "/files/absolute",
        "/files/up/secret",
        "/files/slash/etc/passwd",
        "/files/magic/etc/passwd",
        "/files/dangling",
        "/files/circle",
        "/files/circle/a",
        // What is no file: opening the FIFO for good would wait for ever.
        "/files/fifo",
        "/files/socket",
        "/files/",
        "/files/a/",
        "/files/link-to-directory/",
        "/files",
        // Hidden.
        "/files/.hidden",
        "/files/.dir/file",
        "/files/a/.hidden",
        "/files/%2ehidden",
        "/files/.dir",
        "/files/.dir/",
        &long,
    ] {
        let mut client = Client::connect(&server.addresses()[0]);
        let answer = client.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.head);
        for content in ["secret", "root:", "top", "deep", "hidden", "never"] {
            assert!(!answer.text().contains(content), "{path}: {}", answer.text());
        }
    }
    let mut client = Client::connect(&server.addresses()[0]);
    assert_eq!(client.get("/files/top.txt").status, 200);
}

#[test]
fn hidden_files_and_links_by_option() {
    let tree = tree();
    let all = client(tree.files().hidden().links_inside().unwrap());
    for (path, content) in [
        ("/files/.hidden", "hidden"),
        ("/files/.dir/file", "hidden"),
        ("/files/link", "top"),
        ("/files/link-to-directory/b/deep.txt", "deep"),
    ] {
        assert_eq!(all.get(path).text(), content, "{path}");
    }
    for path in [
        "/files/../secret",
        "/files/out",
        "/files/absolute",
        "/files/up/secret",
        "/files/magic/etc/passwd",
        "/files/dangling",
    ] {
        assert_eq!(all.get(path).status, 404, "{path}");
    }
}

#[test]
fn directories_have_an_index_by_option() {
    let tree = tree();
    tree.write("index.html", b"home");
    tree.write("d r/index.html", b"below");
    tree.write("a:b/index.html", b"colon");
    let client = client(tree.files().index("index.html"));
    for (path, content) in [("/files/", "home"), ("/files/d%20r/", "below"), ("/files/a:b/", "colon")] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text()), (200, content), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    }
    for (path, location) in [
        ("/files/d%20r", "./d%20r/"),
        ("/files/a/b?x=1&y=//", "./b/?x=1&y=//"),
        // Never a scheme, and never a host.
        ("/files/a:b", "./a:b/"),
    ] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("location")), (301, Some(location)), "{path}");
    }
    for path in ["/files/a/", "/files//host/", "/files//host", "/files/link-to-directory"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    assert_eq!(tree.client().get("/files/").status, 404);
    assert_eq!(tree.client().get("/files/a").status, 404);
}

#[test]
fn a_directory_that_turns_into_a_link_leads_nowhere() {
    let tree = tree();
    tree.write("../outside/deep.txt", b"secret");
    tree.write("swap/deep.txt", b"mine");
    tree.link("../outside", "other");
    let done = AtomicBool::new(false);
    let strict = tree.client();
    let lenient = client(tree.files().links_inside().unwrap());
    let mut found = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::fs::rename(tree.path("swap"), tree.path("kept")).unwrap();
                std::fs::rename(tree.path("other"), tree.path("swap")).unwrap();
                std::fs::rename(tree.path("swap"), tree.path("other")).unwrap();
                std::fs::rename(tree.path("kept"), tree.path("swap")).unwrap();
            }
        });
        for _ in 0..2000 {
            for client in [&strict, &lenient] {
                let answer = client.get("/files/swap/deep.txt");
                match answer.status {
                    200 => {
                        assert_eq!(answer.text(), "mine");
                        found += 1;
                    }
                    // 503: the tree changed too often for the system to be sure.
                    status => assert!(matches!(status, 404 | 503), "{status}"),
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(found > 0);
}
