//! No descriptor is left for what a request needs: a file, an upstream. The server runs in a child of this test, with few of them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use flare::files::Files;
use flare::prelude::*;
use flare::{Exchange, Upstream};

use crate::common::{Client, one_worker, start};

/// Tells this program that it is the child, and where its files are.
const CHILD: &str = "FLARE_TEST_FAULTS_CHILD";

#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let hoard: Mutex<Vec<std::fs::File>> = Mutex::default();
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/files/*path", Files::new(folder).unwrap()).unwrap();
    // Nobody listens there, but to find out takes a socket.
    let upstream = "unix:/nonexistent/flare";
    router
        .get(
            "/relay",
            flare::later(move |exchange: Exchange| exchange.relay(Upstream::to(upstream).unwrap()).unwrap()),
        )
        .unwrap();
    router
        .get("/hoard/:what", move |request: &Request| {
            let mut hoard = hoard.lock().unwrap();
            if request.param("what") == Some("free") {
                hoard.clear();
            }
            while request.param("what") == Some("all")
                && let Ok(file) = std::fs::File::open("/dev/null")
            {
                hoard.push(file);
            }
            hoard.len().to_string()
        })
        .unwrap();
    let running = start(router, one_worker());
    eprintln!("address {}", running.addresses()[0]);
    // Ends with its standard input.
    let _ = std::io::read_to_string(std::io::stdin());
    drop(running);
}

#[test]
fn what_needs_a_descriptor_fails_alone_and_works_again() {
    let folder = std::env::temp_dir().join(format!("flare-faults-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a"), vec![b'a'; 100_000]).unwrap();
    let mut process = Command::new("sh")
        .arg("-c")
        .arg("ulimit -n 40; exec \"$0\" --exact descriptors::child --nocapture --test-threads=1")
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("address ").map(str::to_owned))
        .unwrap();
    let mut client = Client::connect(&flare_net::resolve(&address).unwrap()[0]);
    assert_eq!(client.get("/files/a").body.len(), 100_000);
    assert_eq!(client.get("/relay").status, 502);
    assert!(client.get("/hoard/all").text().parse::<u32>().unwrap() > 10);
    for _ in 0..50 {
        let answer = client.get("/files/a");
        assert!((500..600).contains(&answer.status), "{answer:?}");
        let answer = client.get("/relay");
        assert!((500..600).contains(&answer.status), "{answer:?}");
        assert_eq!(client.get("/").text(), "home");
    }
    assert_eq!(client.get("/hoard/free").text(), "0");
    assert_eq!(client.get("/files/a").body.len(), 100_000);
    assert_eq!(client.get("/").text(), "home");
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
    std::fs::remove_dir_all(folder).unwrap();
}
