//! A server that may have so much memory and no more (RLIMIT_DATA). Its limits hold it below that whatever hostile clients ask for; and a handler that takes all there is
//! ends the process at once. The server runs in a child of this test.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use flare::Body;
use flare::message::{Pull, Source};
use flare::prelude::*;

use crate::common::{Client, one_worker, start, wait_until};

/// Tells this program that it is the child.
const CHILD: &str = "FLARE_TEST_MEMORY_CHILD";

/// The limits of the server, in bytes, and how many may come.
const CONNECTIONS: usize = 64;
const STREAMS: u32 = 8;
const BODY: usize = 64 << 10;
const HEAD: u32 = 16 << 10;
const OUTPUT: usize = 128 << 10;
/// What is not in a setting: 256 KiB of a stream of content each way (docs/operations.md).
const CONTENT: usize = 256 << 10;

/// What a connection may take by these limits, as docs/operations.md counts: the larger of the two wires, which is HTTP/2.
const fn most_of_a_connection() -> usize {
    let http1 = HEAD as usize + BODY + OUTPUT + 2 * CONTENT;
    let http2 = (1 << 20) + 2 * OUTPUT + STREAMS as usize * BODY;
    if http1 > http2 { http1 } else { http2 }
}

/// What the program takes by itself: its stacks, tables, and what the allocator keeps for the next one.
const ITSELF: usize = 32 << 20;

/// An answer without end.
struct Endless;

impl Source for Endless {
    fn pull(&mut self, _: &Request) -> Pull {
        Pull::Data(vec![b'x'; 16_384].into())
    }
}

fn config() -> ServerConfig {
    let mut config = one_worker();
    config.max_connections = CONNECTIONS;
    config.body_limit = BODY as u64;
    config.output_limit = OUTPUT;
    config.http1.head_bytes = HEAD;
    config.http2.head_bytes = HEAD;
    config.http2.streams = STREAMS;
    config
}

#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let hoard: Mutex<Vec<Vec<u8>>> = Mutex::default();
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/endless", |_: &Request| Response::new(200).with_body(Body::from_source(Endless))).unwrap();
    router.post("/collected", |request: &Request| request.body().len().to_string()).unwrap();
    router
        .get("/hoard", move |_: &Request| {
            loop {
                // Written, so that it is there.
                hoard.lock().unwrap().push(vec![1; 1 << 20]);
            }
            #[allow(unreachable_code)]
            ()
        })
        .unwrap();
    let running = start(router, config());
    eprintln!("address {}", running.addresses()[0]);
    // Ends with its standard input.
    let _ = std::io::read_to_string(std::io::stdin());
    drop(running);
}

struct Limited {
    process: Child,
    address: flare::Address,
    said: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Limited {
    fn start(bytes: usize) -> Limited {
        let mut process = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "ulimit -c 0; ulimit -d {}; exec \"$0\" --exact memory::child --nocapture --test-threads=1",
                bytes >> 10
            ))
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = said
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("address ").map(str::to_owned))
            .unwrap();
        Limited { process, address: flare_net::resolve(&address).unwrap()[0].clone(), said }
    }

    /// A line of its status (proc(5)), in bytes.
    fn status(&self, name: &str) -> usize {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Preface, SETTINGS with the largest window for answers, and the same for the connection.
fn http2() -> Vec<u8> {
    let settings = frame(4, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
    let credit = frame(8, 0, 0, &0x7fff_0000u32.to_be_bytes());
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &credit].concat()
}

/// A field section without Huffman code: http, the authority `a`, and a field of so many bytes.
fn section(method: u8, path: &str, filling: usize) -> Vec<u8> {
    let mut out = [&[method, 0x86, 4, path.len() as u8][..], path.as_bytes(), b"\x01\x01a"].concat();
    out.extend_from_slice(b"\0\x01x\x7f");
    let mut left = filling - 127;
    while left >= 128 {
        out.push(left as u8 | 128);
        left >>= 7;
    }
    out.push(left as u8);
    out.resize(out.len() + filling, b'x');
    out
}

/// What hostile clients send, each of them for as long as the server takes it.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let filling = HEAD as usize - 1_000;
    let half_a_head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(filling)).into_bytes();
    let half_a_body = format!(
        "POST /collected HTTP/1.1\r\nHost: a\r\nX: {}\r\nContent-Length: {BODY}\r\n\r\n{}",
        "x".repeat(filling),
        "b".repeat(BODY - 1)
    );
    let endless = "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000).into_bytes();
    let small = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000).into_bytes();
    let streams = |path, method, content: usize| {
        let mut out = http2();
        for stream in (0..STREAMS).map(|number| 1 + 2 * number) {
            let ends = u8::from(content == 0);
            out.extend(frame(1, 4 | ends, stream, &section(method, path, filling)));
            for at in (0..content).step_by(16_000) {
                out.extend(frame(0, 0, stream, &vec![b'b'; (content - at).min(16_000)]));
            }
        }
        out
    };
    vec![
        ("a head without its end", half_a_head),
        ("content without its last byte", half_a_body.into_bytes()),
        ("answers without end that nobody reads", endless),
        ("many answers that nobody reads", small),
        ("content on all streams of HTTP/2", streams("/collected", 0x83, BODY - 1)),
        ("answers on all streams of HTTP/2 that nobody reads", streams("/endless", 0x82, 0)),
    ]
}

#[test]
fn limits_hold_a_server_below_its_memory_whatever_clients_do() {
    let most = ITSELF + CONNECTIONS * most_of_a_connection();
    let mut server = Limited::start(most);
    let mut good = Client::connect(&server.address);
    assert_eq!(good.get("/").text(), "home");
    let idle = server.descriptors();
    for (what, bytes) in hostile() {
        let clients: Vec<Client> = (1..CONNECTIONS)
            .map(|_| {
                let mut client = Client::connect(&server.address);
                client.send_until_full(&bytes, Duration::from_millis(20));
                client
            })
            .collect();
        wait_until("all are there", || server.descriptors() == idle + CONNECTIONS - 1);
        assert_eq!(good.get("/").text(), "home", "{what}");
        println!(
            "{what}: {} KiB of data, {} KiB resident",
            server.status("VmData") >> 10,
            server.status("VmRSS") >> 10
        );
        drop(clients);
        wait_until("all are gone", || server.descriptors() == idle);
        assert_eq!(good.get("/").text(), "home", "{what}");
    }
    println!("at most {} KiB resident, {} KiB are allowed", server.status("VmHWM") >> 10, most >> 10);
    drop(server.process.stdin.take());
    assert!(server.process.wait().unwrap().success());
}

#[test]
fn without_memory_the_process_ends_and_says_why() {
    let mut server = Limited::start(ITSELF + (32 << 20));
    let mut client = Client::connect(&server.address);
    assert_eq!(client.get("/").text(), "home");
    client.stream.write_all(b"GET /hoard HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    // No answer, and no hanging: the connection ends with the process.
    assert!(client.try_answer().is_none());
    let status = server.process.wait().unwrap();
    assert_eq!(status.signal(), Some(6), "SIGABRT, not {status}");
    let said: Vec<String> = server.said.map_while(Result::ok).collect();
    assert!(said.iter().any(|line| line.contains("memory allocation of 1048576 bytes failed")), "{said:?}");
}
