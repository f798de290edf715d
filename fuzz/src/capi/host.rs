//! The target's own server, made with the same API. It has one worker and one route; the handler goes on with the program.

use std::ffi::{CString, c_char, c_void};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use flare_capi::*;
use flare_proto::http1::{BodyEvent, ClientConnection, ContentLength, Limits, RequestParts};
use flare_proto::{Headers, ResponseHead};

use super::pool::{Kind, Pool, State, pointer};
use super::{Run, datagram, exchange, in_handler, own};

/// A request, and everything the API says of it.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: Option<&'static str>,
    pub(super) param: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: &'static str,
    pub(super) trailers: &'static [(&'static str, &'static str)],
    text: &'static str,
}

static VARIANTS: [Variant; 6] = [
    Variant {
        method: "GET",
        path: "/run/one",
        query: Some("q=1"),
        param: "one",
        headers: &[("host", "fuzz"), ("x-a", "1")],
        body: "",
        trailers: &[],
        text: "GET /run/one?q=1 HTTP/1.1\r\nHost: fuzz\r\nX-A: 1\r\n\r\n",
    },
    Variant {
        method: "POST",
        path: "/run/a%2Fb",
        query: None,
        param: "a/b",
        headers: &[("host", "fuzz"), ("content-length", "5")],
        body: "hello",
        trailers: &[],
        text: "POST /run/a%2Fb HTTP/1.1\r\nHost: fuzz\r\nContent-Length: 5\r\n\r\nhello",
    },
    Variant {
        method: "PUT",
        path: "/run/3",
        query: Some(""),
        param: "3",
        headers: &[("host", "fuzz"), ("transfer-encoding", "chunked")],
        body: "abc",
        trailers: &[("x-end", "yes")],
        text: "PUT /run/3? HTTP/1.1\r\nHost: fuzz\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-End: yes\r\n\r\n",
    },
    Variant {
        method: "HEAD",
        path: "/run/4",
        query: None,
        param: "4",
        headers: &[("host", "fuzz")],
        body: "",
        trailers: &[],
        text: "HEAD /run/4 HTTP/1.1\r\nHost: fuzz\r\n\r\n",
    },
    // Its route is a streaming one: the content is not there when the handler is called.
    Variant {
        method: "POST",
        path: "/stream/5",
        query: None,
        param: "5",
        headers: &[("host", "fuzz"), ("content-length", "5")],
        body: "",
        trailers: &[],
        text: "POST /stream/5 HTTP/1.1\r\nHost: fuzz\r\nContent-Length: 5\r\n\r\nhello",
    },
    // It may become a stream of datagrams.
    Variant {
        method: "GET",
        path: "/run/6",
        query: None,
        param: "6",
        headers: &[("host", "fuzz"), ("connection", "upgrade"), ("upgrade", "connect-udp, other")],
        body: "",
        trailers: &[],
        text: "GET /run/6 HTTP/1.1\r\nHost: fuzz\r\nConnection: upgrade\r\nUpgrade: connect-udp, other\r\n\r\n",
    },
];

/// What is in the file of [`file`].
pub(super) const FILE_CONTENT: &[u8] = b"a small file\n";

/// No answer takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

struct Host {
    server: usize,
    path: String,
    address: String,
    file: String,
    /// What the worker has done.
    done: Mutex<Receiver<Done>>,
    /// For the worker.
    tell: Mutex<Sender<Done>>,
    /// How many tasks were posted.
    tasks: AtomicUsize,
    /// The run that is between here and the handler.
    run: Mutex<Option<(Run, &'static Variant)>>,
    /// Connections that wait for their next request.
    idle: Mutex<Vec<UnixStream>>,
}

/// Something that the worker tells.
#[derive(Debug, PartialEq)]
enum Done {
    /// A handler is about to return.
    Handler,
    /// The task with this number has run.
    Task(usize),
}

/// One run at a time may use the server.
static HOST: OnceLock<Host> = OnceLock::new();

/// A request whose answer was not read yet.
pub(super) struct Sent {
    stream: UnixStream,
    /// The place of its exchange.
    exchange: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn host() -> &'static Host {
    HOST.get_or_init(|| {
        let path = format!("{}/flare-fuzz-{}.sock", std::env::temp_dir().display(), std::process::id());
        let address = CString::new(format!("unix:{path}")).expect("a path without NUL");
        let config = flare_config_new();
        let router = flare_router_new();
        // SAFETY: the texts live until the calls return; there is no user data.
        let server = unsafe {
            assert_eq!(flare_config_set_number(config, c"workers".as_ptr(), 1), FLARE_OK);
            let added = flare_router_add(
                router,
                c"*".as_ptr(),
                c"/run/:p".as_ptr(),
                Some(handler),
                ptr::null_mut(),
                None,
            );
            assert_eq!(added, FLARE_OK);
            let options = flare_route_options_new();
            assert_eq!(flare_route_options_set_number(options, c"streaming".as_ptr(), 1), FLARE_OK);
            let (method, pattern) = (c"*".as_ptr(), c"/stream/:p".as_ptr());
            let added =
                flare_router_add_with(router, method, pattern, options, Some(handler), ptr::null_mut(), None);
            assert_eq!(added, FLARE_OK);
            assert_eq!(flare_route_options_free(options), FLARE_OK);
            let (method, pattern) = (c"GET".as_ptr(), c"/own".as_ptr());
            let added = flare_router_add(router, method, pattern, Some(own::handler), ptr::null_mut(), None);
            assert_eq!(added, FLARE_OK);
            let server = flare_server_new(router, config);
            assert_eq!(
                flare_server_set_log(server, FLARE_LOG_ERROR, Some(no_log), ptr::null_mut(), None),
                FLARE_OK
            );
            assert_eq!(flare_server_listen(server, address.as_ptr()), FLARE_OK);
            server
        };
        assert_eq!(flare_config_free(config), FLARE_OK);
        assert_eq!(flare_router_free(router), FLARE_OK);
        assert_eq!(flare_server_start(server), FLARE_OK);
        let file = format!("{path}.txt");
        std::fs::write(&file, FILE_CONTENT).expect("the folder for temporary files can be written to");
        let (tell, done) = channel();
        Host {
            server: server.addr(),
            address: format!("unix:{path}"),
            path,
            file,
            done: Mutex::new(done),
            tell: Mutex::new(tell),
            run: Mutex::new(None),
            tasks: AtomicUsize::new(1),
            idle: Mutex::new(Vec::new()),
        }
    })
}

/// Where the server listens.
pub(super) fn address() -> &'static str {
    &host().address
}

/// The path of a file that can be sent.
pub(super) fn file() -> &'static str {
    &host().file
}

/// Whether a handle is the server's, or could become it.
pub(super) fn owns(handle: usize) -> bool {
    HOST.get().is_some_and(|host| host.server == handle)
}

/// Answers that can't be sent are expected, and told of.
unsafe extern "C" fn no_log(_level: i32, _message: *const c_char, _user: *mut c_void) {}

/// Goes on with the program.
unsafe extern "C" fn handler(
    request: *mut flare_request,
    response: *mut flare_response,
    _user: *mut c_void,
) -> i32 {
    let host = host();
    let Some((mut run, variant)) = lock(&host.run).take() else { return FLARE_ERROR_INVALID_STATE };
    let handles = vec![(request.addr(), Kind::Request), (response.addr(), Kind::Response)];
    let state = exchange::State {
        request: variant,
        answer: None,
        is_odd: false,
        is_touched: false,
        is_cut: false,
        attributes: Vec::new(),
        datagrams: None,
    };
    let index = run.pool.add(handles, State::Exchange(state)).expect("a handler gets handles");
    let code = in_handler(&mut run);
    // What the caller of this function does next.
    let exchange = run.pool.exchange(index);
    if code != 0 && exchange.answer.is_none() {
        exchange.answer = Some((500, b"Internal Server Error".to_vec()));
        exchange.is_odd = false;
    }
    if run.pool.objects[index].references > 0 {
        run.pool.release(index);
    }
    *lock(&host.run) = Some((run, variant));
    // Err: the target has given up.
    let _ = lock(&host.tell).send(Done::Handler);
    code
}

unsafe extern "C" fn tell_done(_worker: u32, user: *mut c_void) {
    // Err: the target has given up.
    let _ = lock(&host().tell).send(Done::Task(user.addr()));
}

/// Waits for the next thing that the worker does, which has to be this.
fn expect_done(host: &Host, expected: Done) {
    let done = lock(&host.done).recv_timeout(PATIENCE).expect("the worker works");
    assert_eq!(done, expected);
}

/// Waits until the worker has done all that it was told before.
pub(super) fn settle() {
    if let Some(host) = HOST.get() {
        let task = host.tasks.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the user data is a number.
        let posted =
            unsafe { flare_server_post(pointer(host.server), 0, 0, Some(tell_done), pointer(task), None) };
        assert_eq!(posted, FLARE_OK);
        expect_done(host, Done::Task(task));
    }
}

/// The exchange became a stream of datagrams after its handler had returned, or else its client is told when it has.
pub(super) fn switched(run: &mut Run, exchange: usize) {
    if let Some(sent) = run.requests.iter_mut().find(|sent| sent.exchange == exchange) {
        datagram::client_sends(&mut sent.stream);
        if !run.in_handler {
            settle();
        }
    }
}

/// Sends a request, which the next byte chooses, and waits until its handler has returned.
pub(super) fn request(mut run: Run) -> Run {
    let host = host();
    let variant = &VARIANTS[usize::from(run.byte()) % VARIANTS.len()];
    let idle = lock(&host.idle).pop();
    let mut stream = idle.unwrap_or_else(|| UnixStream::connect(&host.path).expect("the server listens"));
    stream.set_read_timeout(Some(PATIENCE)).expect("a time that can be set");
    let exchange = run.pool.objects.len();
    *lock(&host.run) = Some((run, variant));
    stream.write_all(variant.text.as_bytes()).expect("the server reads");
    expect_done(host, Done::Handler);
    settle();
    let (mut run, _) = lock(&host.run).take().expect("the handler gives it back");
    if let Some(panic) = run.panic.take() {
        std::panic::resume_unwind(panic);
    }
    assert!(matches!(run.pool.objects.get(exchange).map(|object| &object.state), Some(State::Exchange(_))));
    if run.pool.exchange(exchange).datagrams.is_some() {
        datagram::client_sends(&mut stream);
        settle();
    }
    run.requests.push(Sent { stream, exchange });
    run
}

/// Reads the answer to a request: the one that was given, or 500.
pub(super) fn receive(sent: Sent, pool: &Pool) {
    let State::Exchange(exchange) = &pool.objects[sent.exchange].state else { panic!("no exchange") };
    let Sent { mut stream, .. } = sent;
    if let Some(datagrams) = &exchange.datagrams {
        datagram::client_gets(stream, datagrams, exchange);
        return;
    }
    let method = exchange.request.method;
    let answer = read(&mut stream, method);
    if exchange.is_touched {
        return;
    }
    let no_content = |status: u16| method == "HEAD" || matches!(status, 204 | 205 | 304);
    let none = (500, b"Internal Server Error".to_vec());
    let (status, body) = exchange.answer.as_ref().unwrap_or(&none);
    let body = if no_content(*status) { &[] } else { &body[..] };
    match answer {
        Some((found, content, keeps_alive)) => {
            // An answer that can't be sent is a 500.
            assert!(found == *status || (exchange.is_odd && found == 500), "{found}, not {status}");
            assert!(content == body || exchange.is_odd, "{:?}", content.escape_ascii().to_string());
            if keeps_alive {
                lock(&host().idle).push(stream);
            }
        }
        None => assert!(exchange.is_odd, "the answer is cut"),
    }
}

/// Status, content, and whether the connection goes on. `None`: the connection ended within the answer.
fn read(stream: &mut UnixStream, method: &str) -> Option<(u16, Vec<u8>, bool)> {
    let limits = Limits { head_bytes: 1 << 20, trailer_bytes: 1 << 20, ..Limits::default() };
    let mut wire = ClientConnection::new();
    let headers = Headers::new();
    let parts =
        RequestParts { method, target: "/", authority: "fuzz", headers: &headers, body: ContentLength::None };
    wire.send_head(&mut Vec::new(), &parts).expect("a request");
    let (mut head, mut trailers) = (ResponseHead::new(), Headers::new());
    let (mut pending, mut content, mut has_head) = (Vec::new(), Vec::new(), false);
    while !wire.response_complete() {
        let used = if has_head {
            match wire.receive_body(&limits, &pending, &mut trailers).expect("well-formed content") {
                (used, BodyEvent::Data(data)) => {
                    content.extend_from_slice(data);
                    used
                }
                (used, _) => used,
            }
        } else {
            match wire.receive_head(&limits, &pending, &mut head).expect("a well-formed answer") {
                Some((used, info)) => {
                    has_head = !info.informational;
                    used
                }
                None => 0,
            }
        };
        pending.drain(..used);
        if used == 0 && !wire.response_complete() {
            let mut buffer = [0; 65_536];
            let len = match stream.read(&mut buffer) {
                // The fuzzer's own timer.
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.expect("an answer comes"),
            };
            if len == 0 {
                return wire.receive_eof().ok().map(|()| (head.status(), content, false));
            }
            pending.extend_from_slice(&buffer[..len]);
        }
    }
    assert!(pending.is_empty(), "bytes behind the answer");
    Some((head.status(), content, wire.keeps_alive()))
}
