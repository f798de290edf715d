//! The calls of a program, by their number; and those on configurations, routers and the library.

use std::ffi::CStr;

use flare_capi::*;

use super::pool::{Kind, State, Verdict, pointer};
use super::text::Text;
use super::{Run, datagram, exchange, own, queue, server, stream, user};

/// A call, and what has to come out.
type Call = fn(&mut Run);

/// The numbers are those of `fuzz/make_seeds`: new calls go to the end.
const CALLS: [Call; 101] = [
    config_new,
    config_free,
    config_set_number,
    config_set_text,
    router_new,
    router_free,
    router_add,
    router_add_with,
    router_mount,
    server::new,
    server::free,
    server::listen,
    server::set_log,
    server::set_access_log,
    server::on_worker_start,
    server::on_worker_stop,
    server::start,
    server::wait,
    server::run,
    server::serve,
    server::drain,
    server::drain_on_signals,
    server::address,
    server::stat,
    server::workers,
    server::post,
    exchange::retain_request,
    exchange::release_request,
    exchange::method,
    exchange::path,
    exchange::query,
    exchange::authority,
    exchange::version,
    exchange::peer,
    exchange::header,
    exchange::header_count,
    exchange::header_name_at,
    exchange::header_value_at,
    exchange::trailer,
    exchange::param,
    exchange::body,
    exchange::cancelled,
    exchange::retain_response,
    exchange::release_response,
    exchange::add_header,
    exchange::set_header,
    exchange::add_trailer,
    exchange::send,
    exchange::send_text,
    exchange::send_json,
    exchange::send_borrowed,
    last_error,
    names,
    features,
    stream::start,
    stream::write,
    stream::write_blocking,
    stream::finish,
    stream::flush,
    stream::reset,
    stream::proceed,
    stream::inform,
    stream::send_file,
    stream::send_source,
    stream::read,
    stream::on_event,
    stream::resume,
    stream::set_attribute,
    stream::attribute,
    queue::new,
    queue::free,
    queue::close,
    queue::next,
    queue::watch,
    queue::options_new,
    queue::options_free,
    queue::options_set_number,
    queue::router_add_queue,
    queue::router_add_files,
    queue::router_add_layer,
    exchange::trailer_count,
    exchange::trailer_name_at,
    exchange::trailer_value_at,
    server::host_start,
    server::fd,
    server::poll,
    server::drained,
    stream::relay,
    queue::router_add_prepared,
    datagram::switch,
    datagram::send,
    datagram::max_size,
    datagram::read,
    own::new,
    own::release,
    own::offer,
    own::open,
    own::send,
    own::max_size,
    own::next,
    own::finish,
];

/// Whether the number is that of a request to the target's own server.
pub(super) fn is_request(call: u8) -> bool {
    call >= 0xe8
}

/// Whether the number ends a handler.
pub(super) fn is_return(call: u8) -> bool {
    is_request(call)
}

/// Makes a call.
pub(super) fn make(run: &mut Run, call: u8) {
    CALLS[usize::from(call) % CALLS.len()](run);
}

/// Checks that the code is the one for this handle, or else one of these. Of several faults any may be told.
#[track_caller]
pub(super) fn expect(code: i32, verdict: &Verdict, arguments_are_good: bool, others: &[i32]) {
    let name = name_of(code);
    match verdict {
        Verdict::Bad(bad) => {
            let may_be_bad = !arguments_are_good || others.contains(&FLARE_ERROR_INVALID_ARGUMENT);
            let of_an_argument = may_be_bad && code == FLARE_ERROR_INVALID_ARGUMENT;
            assert!(code == *bad || of_an_argument, "{name}, not {}", name_of(*bad));
        }
        Verdict::Good(_) if !arguments_are_good => {
            let of_the_object = code != FLARE_OK && others.contains(&code);
            assert!(code == FLARE_ERROR_INVALID_ARGUMENT || of_the_object, "{name}");
        }
        Verdict::Good(_) => assert!(others.contains(&code), "{name}, not one of {others:?}"),
    }
    if code < FLARE_OK {
        assert!(message_length() > 0, "{name} without a message");
    }
}

fn name_of(code: i32) -> String {
    // SAFETY: static text for every number.
    unsafe { CStr::from_ptr(flare_status_name(code)) }.to_string_lossy().into_owned()
}

fn message_length() -> usize {
    // SAFETY: NULL is allowed.
    unsafe { flare_last_error(std::ptr::null_mut(), 0) }
}

const NUMBERS: [&str; 22] = [
    "workers",
    "shared_listener",
    "io_uring",
    "pin_workers",
    "backlog",
    "max_connections",
    "head_bytes",
    "target_bytes",
    "header_count",
    "trailer_bytes",
    "chunk_line_bytes",
    "body_limit",
    "discard_limit",
    "output_limit",
    "head_timeout_ms",
    "body_timeout_ms",
    "idle_timeout_ms",
    "handler_timeout_ms",
    "write_timeout_ms",
    "linger_timeout_ms",
    "drain_timeout_ms",
    "server_name",
];

fn config_new(run: &mut Run) {
    let handle = flare_config_new().addr();
    assert_ne!(handle, 0);
    run.pool.add(vec![(handle, Kind::Config)], State::Plain);
}

fn config_free(run: &mut Run) {
    free(run, Kind::Config);
}

/// Gives a handle up, by the function of its kind.
pub(super) fn free(run: &mut Run, kind: Kind) {
    let handle = run.handle(kind);
    let verdict = run.pool.verdict(handle, kind);
    expect(super::pool::free(handle, kind), &verdict, true, &[FLARE_OK]);
    if let Verdict::Good(index) = verdict {
        run.pool.release(index);
    }
}

fn config_set_number(run: &mut Run) {
    let handle = run.handle(Kind::Config);
    let name = Text::read(run, &NUMBERS);
    let mut value = run.number().cast_signed();
    if name.as_str() == Some("workers") {
        // Each is a thread.
        value = value.min(2);
    }
    let verdict = run.pool.verdict(handle, Kind::Config);
    // SAFETY: the text lives until the call returns.
    let code = unsafe { flare_config_set_number(pointer(handle), name.pointer(), value) };
    expect(code, &verdict, name.as_str().is_some(), &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT]);
}

fn config_set_text(run: &mut Run) {
    let handle = run.handle(Kind::Config);
    let (name, value) = (Text::read(run, &["server_name", "workers"]), Text::read(run, &["x", "a/1 (b)"]));
    let verdict = run.pool.verdict(handle, Kind::Config);
    if verdict.is_bad() {
        run.pool.follow_planted(handle);
    }
    // SAFETY: the texts live until the call returns.
    let code = unsafe { flare_config_set_text(pointer(handle), name.pointer(), value.pointer()) };
    let good = name.as_str().is_some() && value.as_str().is_some();
    expect(code, &verdict, good, &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT]);
}

fn router_new(run: &mut Run) {
    let handle = flare_router_new().addr();
    assert_ne!(handle, 0);
    run.pool.add(vec![(handle, Kind::Router)], State::Plain);
}

fn router_free(run: &mut Run) {
    free(run, Kind::Router);
}

const METHODS: [&str; 5] = ["GET", "POST", "*", "G ET", "X"];
const PATTERNS: [&str; 8] = ["/", "/a", "/:x", "/:y", "/*rest", "/a/:x/b", "a", "//"];

fn router_add(run: &mut Run) {
    let handle = run.handle(Kind::Router);
    add(run, handle, None);
}

fn router_add_with(run: &mut Run) {
    let handle = run.handle(Kind::Router);
    let options = queue::options(run);
    add(run, handle, Some(options));
}

fn add(run: &mut Run, handle: usize, route_options: Option<(usize, Verdict)>) {
    let (method, pattern) = (Text::read(run, &METHODS), Text::read(run, &PATTERNS));
    let options = run.byte();
    let handler: flare_handler = if options & 1 == 0 { Some(user::handler) } else { None };
    let user = run.users.argument(options & 2 == 0, Vec::new());
    let verdict = run.pool.verdict(handle, Kind::Router);
    let (router, method_text, pattern_text) = (pointer(handle), method.pointer(), pattern.pointer());
    // SAFETY: the texts live until the call returns, the user data until its destructor runs.
    let code = unsafe {
        match &route_options {
            None => flare_router_add(router, method_text, pattern_text, handler, user.pointer, user.destroy),
            Some((options, _)) => {
                let options = pointer(*options);
                flare_router_add_with(
                    router,
                    method_text,
                    pattern_text,
                    options,
                    handler,
                    user.pointer,
                    user.destroy,
                )
            }
        }
    };
    if route_options.is_some_and(|options| queue::is_fault_of_options(code, &options)) {
        return;
    }
    let good = method.as_str().is_some() && pattern.as_str().is_some() && handler.is_some();
    expect(code, &verdict, good, &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT, FLARE_ERROR_CONFLICT]);
}

fn router_mount(run: &mut Run) {
    let (handle, other) = (run.handle(Kind::Router), run.handle(Kind::Router));
    let prefix = Text::read(run, &["/", "/m", "/:m", "/a/", "/*r", "m"]);
    let (verdict, other_verdict) =
        (run.pool.verdict(handle, Kind::Router), run.pool.verdict(other, Kind::Router));
    // SAFETY: the text lives until the call returns.
    let code = unsafe { flare_router_mount(pointer(handle), prefix.pointer(), pointer(other)) };
    match other_verdict {
        Verdict::Bad(bad) if code == bad => {}
        _ => expect(
            code,
            &verdict,
            prefix.as_str().is_some(),
            &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT, FLARE_ERROR_CONFLICT],
        ),
    }
    assert!(code != FLARE_OK || !other_verdict.is_bad());
}

fn last_error(run: &mut Run) {
    let whole = message_length();
    let mut buffer = vec![0x78_u8; usize::from(run.byte())];
    // SAFETY: the buffer is that long.
    let length = unsafe { flare_last_error(buffer.as_mut_ptr().cast(), buffer.len()) };
    assert_eq!(length, whole);
    if !buffer.is_empty() {
        let text = CStr::from_bytes_until_nul(&buffer).expect("the copy ends with a NUL");
        assert!(text.to_str().is_ok() && text.count_bytes() <= length);
    }
}

fn names(run: &mut Run) {
    let code = i32::from(run.byte().cast_signed());
    let known = (FLARE_ERROR_REJECTED..=FLARE_OK).contains(&code);
    assert_eq!(name_of(code) != "FLARE_ERROR_UNKNOWN", known);
}

fn features(run: &mut Run) {
    assert_eq!(flare_abi_version(), FLARE_ABI_VERSION);
    // SAFETY: static text.
    assert!(unsafe { CStr::from_ptr(flare_version()) }.to_bytes().contains(&b'.'));
    let name = Text::read(run, &["http1", "HTTP1"]);
    // SAFETY: the text lives until the call returns.
    let has = unsafe { flare_has_feature(name.pointer()) };
    assert!(
        has == 0
            || name.as_str().is_some_and(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
    );
    assert!(has == 1 || name.as_str() != Some("http1"));
}
