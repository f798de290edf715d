//! Calls on servers. One of them may run for a while; none takes a connection.

use flare_capi::*;

use super::calls::expect;
use super::pool::{Kind, ServerState, State, Verdict, pointer};
use super::text::Text;
use super::{Run, user};

const BAD_STATE: &[i32] = &[FLARE_ERROR_INVALID_STATE];
/// What a server says that is polled: whether it has ended is not the model's affair.
const HOSTED: &[i32] = &[FLARE_OK, FLARE_ERROR_INVALID_STATE, FLARE_ERROR_NOT_FOUND];

/// A server's handle, what it is good for, and the state of the server.
fn server(run: &mut Run) -> (usize, Verdict, ServerState) {
    let handle = run.handle(Kind::Server);
    let verdict = run.pool.verdict(handle, Kind::Server);
    let state = match verdict {
        Verdict::Good(index) => run.pool.server(index),
        Verdict::Bad(_) => ServerState::Made,
    };
    (handle, verdict, state)
}

pub(super) fn new(run: &mut Run) {
    let router = run.handle(Kind::Router);
    let config = if run.byte() & 1 == 0 { 0 } else { run.handle(Kind::Config) };
    let verdicts = (run.pool.verdict(router, Kind::Router), run.pool.verdict(config, Kind::Config));
    let handle = flare_server_new(pointer(router), pointer(config)).addr();
    let made = run.pool.add(vec![(handle, Kind::Server)], State::Server(ServerState::Made));
    match verdicts {
        (Verdict::Bad(_), _) => assert!(made.is_none()),
        (_, Verdict::Bad(_)) if config != 0 => assert!(made.is_none()),
        (_, Verdict::Bad(_)) => assert!(made.is_some()),
        // The settings may be wrong.
        (_, Verdict::Good(_)) => {}
    }
}

pub(super) fn free(run: &mut Run) {
    super::calls::free(run, Kind::Server);
}

pub(super) fn listen(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    // Nothing that could be an address of this machine but this one.
    let address = Text::read(
        run,
        &["127.0.0.1:0", "127.0.0.1", "127.0.0.1:x", "unix:", "[::1:0", "no such host.invalid"],
    );
    if address.as_str().is_some_and(|text| text != "127.0.0.1:0" && text.contains(':') && text.len() > 5) {
        return;
    }
    // SAFETY: the text lives until the call returns.
    let code = unsafe { flare_server_listen(pointer(handle), address.pointer()) };
    let is_good = address.as_str() == Some("127.0.0.1:0");
    match state {
        ServerState::Made | ServerState::Listening => {
            expect(code, &verdict, is_good, &[FLARE_OK]);
            if let (Verdict::Good(index), FLARE_OK) = (verdict, code) {
                run.pool.set_server(index, ServerState::Listening);
            }
        }
        _ => expect(code, &verdict, is_good, BAD_STATE),
    }
}

/// What a setter may return that changes a server before its start.
fn setter(state: ServerState) -> &'static [i32] {
    match state {
        ServerState::Made | ServerState::Listening => &[FLARE_OK],
        _ => BAD_STATE,
    }
}

pub(super) fn set_log(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let level = i32::from(run.byte() % 8) - 1;
    let options = run.byte();
    let sink: flare_log_sink = if options & 1 == 0 { Some(user::log) } else { None };
    let user = run.users.argument(options & 2 == 0, Vec::new());
    // SAFETY: the user data lives until its destructor runs.
    let code = unsafe { flare_server_set_log(pointer(handle), level, sink, user.pointer, user.destroy) };
    expect(code, &verdict, sink.is_some() && (1..=4).contains(&level), setter(state));
}

pub(super) fn set_access_log(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let options = run.byte();
    let sink: flare_access_sink = if options & 1 == 0 { Some(user::access) } else { None };
    let user = run.users.argument(options & 2 == 0, Vec::new());
    // SAFETY: the user data lives until its destructor runs.
    let code = unsafe { flare_server_set_access_log(pointer(handle), sink, user.pointer, user.destroy) };
    expect(code, &verdict, sink.is_some(), setter(state));
}

pub(super) fn on_worker_start(run: &mut Run) {
    hook(run, flare_server_on_worker_start);
}

pub(super) fn on_worker_stop(run: &mut Run) {
    hook(run, flare_server_on_worker_stop);
}

type Hook = unsafe extern "C" fn(*mut flare_server, flare_task, *mut std::ffi::c_void, flare_destroy) -> i32;

fn hook(run: &mut Run, function: Hook) {
    let (handle, verdict, state) = server(run);
    let options = run.byte();
    let task: flare_task = if options & 1 == 0 { Some(user::task) } else { None };
    let user = run.users.argument(options & 2 == 0, Vec::new());
    // SAFETY: the user data lives until its destructor runs.
    let code = unsafe { function(pointer(handle), task, user.pointer, user.destroy) };
    expect(code, &verdict, task.is_some(), setter(state));
}

pub(super) fn start(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    if state == ServerState::Listening {
        if run.has_started {
            return;
        }
        run.has_started = true;
    }
    let code = flare_server_start(pointer(handle));
    started(run, code, verdict, state, ServerState::Running);
}

/// A server without an address stays as it is.
fn started(run: &mut Run, code: i32, verdict: Verdict, state: ServerState, becomes: ServerState) {
    match state {
        ServerState::Listening => expect(code, &verdict, true, &[FLARE_OK]),
        _ => expect(code, &verdict, true, BAD_STATE),
    }
    if let Verdict::Good(index) = verdict
        && state == ServerState::Listening
    {
        run.pool.set_server(index, becomes);
    }
}

/// Waits, unless that would be for ever.
pub(super) fn wait(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    if matches!(state, ServerState::Running | ServerState::Hosted) {
        return;
    }
    let code = flare_server_wait(pointer(handle));
    match state {
        // A worker may not wait.
        ServerState::Draining | ServerState::Ended => {
            expect(code, &verdict, true, &[FLARE_OK, FLARE_ERROR_INVALID_STATE])
        }
        _ => expect(code, &verdict, true, BAD_STATE),
    }
    if let (Verdict::Good(index), FLARE_OK) = (verdict, code) {
        run.pool.set_server(index, ServerState::Ended);
    }
}

/// Runs what does not run for ever.
pub(super) fn run(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    if state == ServerState::Listening {
        return;
    }
    let code = flare_server_run(pointer(handle));
    // Without an address it stays as it is.
    expect(code, &verdict, true, BAD_STATE);
}

fn on_worker() -> bool {
    std::thread::current().name().is_some_and(|name| name.starts_with("flare-"))
}

/// Serves nothing: with a good router only addresses that are none.
pub(super) fn serve(run: &mut Run) {
    let router = run.handle(Kind::Router);
    let verdict = run.pool.verdict(router, Kind::Router);
    let address = Text::read(run, &["127.0.0.1:x", "unix:", "[::1:0"]);
    if address.as_str().is_some_and(|text| text.len() > 5 && text != "127.0.0.1:x" && text != "[::1:0") {
        return;
    }
    // SAFETY: the text lives until the call returns.
    let code = unsafe { flare_serve(pointer(router), address.pointer()) };
    if on_worker() && code == FLARE_ERROR_INVALID_STATE {
        return;
    }
    expect(code, &verdict, false, &[]);
}

pub(super) fn drain(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let timeout = run.number();
    let code = flare_server_drain(pointer(handle), timeout);
    match state {
        ServerState::Running | ServerState::Draining | ServerState::Ended => {
            expect(code, &verdict, true, &[FLARE_OK])
        }
        ServerState::Hosted => expect(code, &verdict, true, HOSTED),
        _ => expect(code, &verdict, true, BAD_STATE),
    }
    if let Verdict::Good(index) = verdict
        && state == ServerState::Running
    {
        run.pool.set_server(index, ServerState::Draining);
    }
}

/// Never of a server that runs: the signals are the fuzzer's.
pub(super) fn drain_on_signals(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    if !matches!(state, ServerState::Running | ServerState::Draining | ServerState::Hosted) {
        expect(flare_server_drain_on_signals(pointer(handle)), &verdict, true, BAD_STATE);
    }
}

pub(super) fn address(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let index = run.number() as usize;
    let mut buffer = vec![0x78; usize::from(run.byte())];
    // SAFETY: the buffer is that long.
    let length =
        unsafe { flare_server_address(pointer(handle), index, buffer.as_mut_ptr().cast(), buffer.len()) };
    if state == ServerState::Hosted {
        return;
    }
    let runs = !verdict.is_bad() && matches!(state, ServerState::Running | ServerState::Draining);
    // It may have been given the same address twice.
    assert!(if index == 0 { (length > 0) == runs } else { length == 0 || runs });
}

pub(super) fn stat(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let name = Text::read(run, &["requests", "open", "drain_finished", "drain_aborted", "no such"]);
    // SAFETY: the text lives until the call returns.
    let number = unsafe { flare_server_stat(pointer(handle), name.pointer()) };
    let Ok(code) = i32::try_from(number.min(0)) else { panic!("{number} is no code") };
    match state {
        ServerState::Running | ServerState::Draining | ServerState::Ended => {
            expect(code, &verdict, name.as_str().is_some(), &[FLARE_OK, FLARE_ERROR_NOT_FOUND]);
        }
        ServerState::Hosted => expect(code, &verdict, name.as_str().is_some(), HOSTED),
        _ => expect(code, &verdict, name.as_str().is_some(), BAD_STATE),
    }
}

pub(super) fn workers(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let workers = flare_server_workers(pointer(handle));
    match state {
        ServerState::Running | ServerState::Draining | ServerState::Ended if !verdict.is_bad() => {
            assert!(workers > 0)
        }
        ServerState::Hosted if !verdict.is_bad() => assert_eq!(workers, 1),
        _ => expect(workers, &verdict, true, BAD_STATE),
    }
}

pub(super) fn post(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let (worker, delay) = (run.byte() % 3, run.number());
    let options = run.byte();
    let task: flare_task = if options & 1 == 0 { Some(user::task) } else { None };
    let user = run.users.argument(options & 2 == 0, Vec::new());
    // SAFETY: the user data lives until its destructor runs.
    let code =
        unsafe { flare_server_post(pointer(handle), worker.into(), delay, task, user.pointer, user.destroy) };
    match state {
        ServerState::Running | ServerState::Draining | ServerState::Ended => {
            expect(code, &verdict, task.is_some(), &[FLARE_OK, FLARE_ERROR_NOT_FOUND]);
        }
        ServerState::Hosted => expect(code, &verdict, task.is_some(), HOSTED),
        _ => expect(code, &verdict, task.is_some(), BAD_STATE),
    }
}

/// In the loop of this thread, or of the handler's.
pub(super) fn host_start(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    if state == ServerState::Listening {
        if run.has_started {
            return;
        }
        run.has_started = true;
    }
    let code = flare_server_host_start(pointer(handle));
    started(run, code, verdict, state, ServerState::Hosted);
}

pub(super) fn fd(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let fd = flare_server_fd(pointer(handle));
    match state {
        ServerState::Hosted if !verdict.is_bad() => assert!(fd >= 0),
        _ => expect(fd, &verdict, true, BAD_STATE),
    }
}

pub(super) fn poll(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let budget = i32::from(run.byte().cast_signed());
    let code = flare_server_poll(pointer(handle), budget);
    match state {
        // Not inside a handler; and with a budget that is none.
        ServerState::Hosted => expect(code, &verdict, budget >= 0, &[1, FLARE_OK, FLARE_ERROR_INVALID_STATE]),
        _ => expect(code, &verdict, budget >= 0, BAD_STATE),
    }
}

pub(super) fn drained(run: &mut Run) {
    let (handle, verdict, state) = server(run);
    let code = flare_server_drained(pointer(handle));
    match state {
        ServerState::Running | ServerState::Draining | ServerState::Ended | ServerState::Hosted => {
            expect(code, &verdict, true, &[FLARE_OK, 1]);
        }
        _ => expect(code, &verdict, true, BAD_STATE),
    }
}
