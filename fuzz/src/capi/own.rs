//! Requests of the program's own, which offer datagrams, and a client that sends them to the target's own server, which sends each datagram back.
//! Nothing is lost on a byte stream.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use flare_capi::*;

use super::calls::expect;
use super::datagram::{MOST, datagram};
use super::pool::{Kind, Verdict, pointer};
use super::text::Text;
use super::{Run, host};

/// No event takes that long, in milliseconds.
const PATIENCE: i64 = 20_000;

/// More connect nobody further.
const MOST_OWN: usize = 4;

/// A request of the program's own.
pub(super) struct Own {
    handle: usize,
    is_alive: bool,
    protocol: Option<String>,
    /// The client, once it was sent.
    client: Option<usize>,
    has_switched: bool,
    is_over: bool,
    is_finished: bool,
    /// What was sent, and has to come back.
    sent: VecDeque<Vec<u8>>,
}

impl Own {
    fn verdict(&self) -> Verdict {
        if self.is_alive { Verdict::Good(0) } else { Verdict::Bad(FLARE_ERROR_INVALID_HANDLE) }
    }
}

/// The exchanges of the server's side. They may outlive the run.
static SERVED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn served() -> MutexGuard<'static, Vec<usize>> {
    SERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a made-up handle is one of those that the pool does not know.
pub(super) fn is_outside(run: &Run, value: usize) -> bool {
    // Without the kind, which is on top: an exchange has two.
    let identity = |handle: usize| handle as u64 & 0x00ff_ffff_ffff_ffff;
    let is_same = |handle: usize| identity(handle) == identity(value);
    run.own.iter().any(|own| is_same(own.handle)) || served().iter().any(|handle| is_same(*handle))
}

/// The server's side: what comes goes back.
pub(super) unsafe extern "C" fn handler(
    request: *mut flare_request,
    response: *mut flare_response,
    _user: *mut c_void,
) -> i32 {
    // SAFETY: the text is static, and there is no user data.
    unsafe {
        if flare_response_switch_to_datagrams(response, c"back".as_ptr()) != FLARE_OK {
            return flare_response_send_text(response, 404, c"not here".as_ptr());
        }
        served().push(request.addr());
        assert_eq!(flare_request_retain(request), FLARE_OK);
        assert_eq!(flare_request_on_event(request, Some(send_back), ptr::null_mut(), None), FLARE_OK);
    }
    FLARE_OK
}

unsafe extern "C" fn send_back(
    request: *mut flare_request,
    response: *mut flare_response,
    event: i32,
    data: *const u8,
    length: usize,
    _user: *mut c_void,
) -> i32 {
    match event {
        // SAFETY: the API promises so many bytes.
        FLARE_EVENT_DATAGRAM => unsafe { flare_response_send_datagram(response, data.cast(), length) },
        FLARE_EVENT_END => flare_response_finish(response),
        FLARE_EVENT_CANCELLED => {
            let code = flare_request_release(request);
            served().retain(|handle| *handle != request.addr());
            code
        }
        _ => FLARE_OK,
    }
}

/// The place of one of the own requests; `None`: the call is made with another handle, which is none of a client's request.
fn choose(run: &mut Run) -> Option<usize> {
    let choice = usize::from(run.byte());
    let count = run.own.len();
    (choice < 0xc0 && count > 0).then(|| count - 1 - choice % count)
}

/// Makes a call on a handle that is no client's request, and checks that it is refused.
fn refused(run: &mut Run, arguments_are_good: bool, call: impl FnOnce(*mut flare_request) -> i32) {
    let handle = run.handle(Kind::Request);
    let verdict = run.pool.verdict(handle, Kind::Request);
    expect(call(pointer(handle)), &verdict, arguments_are_good, &[FLARE_ERROR_INVALID_STATE]);
}

pub(super) fn new(run: &mut Run) {
    let method = Text::read(run, &["GET", "G ET"]);
    let authority = Text::read(run, &["fuzz", "a b"]);
    let target = Text::read(run, &["/own", "own", "/none"]);
    if run.own.len() == MOST_OWN {
        return;
    }
    // SAFETY: the texts live until the call returns.
    let handle = unsafe { flare_request_new(method.pointer(), authority.pointer(), target.pointer()) }.addr();
    let good = [&method, &authority, &target].iter().all(|text| text.as_str().is_some());
    assert_eq!(handle != 0, good);
    if good {
        run.own.push(Own {
            handle,
            is_alive: true,
            protocol: None,
            client: None,
            has_switched: false,
            is_over: false,
            is_finished: false,
            sent: VecDeque::new(),
        });
    }
}

pub(super) fn release(run: &mut Run) {
    let Some(index) = choose(run) else { return };
    let own = &mut run.own[index];
    expect(flare_request_release(pointer(own.handle)), &own.verdict(), true, &[FLARE_OK]);
    own.is_alive = false;
}

pub(super) fn offer(run: &mut Run) {
    let index = choose(run);
    let protocol = Text::read(run, &["back", "other", "a b"]);
    let good = protocol.as_str().is_some();
    // SAFETY: the text lives until the call returns.
    let call = |request| unsafe { flare_request_offer_datagrams(request, protocol.pointer()) };
    let Some(index) = index else { return refused(run, good, call) };
    let own = &mut run.own[index];
    let code = call(pointer(own.handle));
    let otherwise = if own.client.is_some() { FLARE_ERROR_FINISHED } else { FLARE_OK };
    expect(code, &own.verdict(), good, &[otherwise]);
    if code == FLARE_OK {
        own.protocol = protocol.as_str().map(str::to_owned);
    }
}

/// Connects, sends the head, and waits until the server has answered: not in a handler, which keeps the worker.
pub(super) fn open(run: &mut Run) {
    let Some(index) = choose(run) else { return };
    let own = &mut run.own[index];
    if run.in_handler || own.client.is_some() {
        return;
    }
    let address = std::ffi::CString::new(host::address()).expect("a path without NUL");
    let connector = flare_connector_new();
    let (mut client, mut connection) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the text lives until the call returns, the places may be written.
    unsafe {
        assert_eq!(flare_connector_connect(connector, address.as_ptr(), &mut connection), FLARE_OK);
        assert_eq!(flare_client_new(connection, 11, &mut client), FLARE_OK);
    }
    assert_eq!(flare_connection_free(connection), FLARE_OK);
    assert_eq!(flare_connector_free(connector), FLARE_OK);
    // SAFETY: NULL is allowed.
    let code = unsafe { flare_client_open(client, pointer(own.handle), 5, ptr::null_mut()) };
    expect(code, &own.verdict(), true, &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT]);
    if code != FLARE_OK {
        assert_eq!(flare_client_free(client), FLARE_OK);
        return;
    }
    own.client = Some(client.addr());
    while !own.has_switched && !own.is_over {
        own.take();
    }
    let is_accepted = own.protocol.as_deref().is_some_and(|protocol| protocol.eq_ignore_ascii_case("back"));
    assert!(!own.has_switched || is_accepted, "the server took {:?}", own.protocol);
}

impl Own {
    /// Waits for the next event.
    fn take(&mut self) {
        let client: *mut flare_client = pointer(self.client.expect("it was opened"));
        let (mut event, mut tag, mut data, mut length) = (-7, 0, ptr::null(), 0);
        // SAFETY: the places may be written.
        let code = unsafe {
            flare_client_next(client, PATIENCE, &mut event, ptr::null_mut(), &mut tag, &mut data, &mut length)
        };
        if code == FLARE_ERROR_CLOSED && self.is_over {
            return;
        }
        assert_eq!((code, tag), (FLARE_OK, 5), "event {event}");
        match event {
            FLARE_EVENT_SWITCHED => self.has_switched = true,
            FLARE_EVENT_DATAGRAM => {
                assert_eq!(data.is_null(), length == 0);
                let bytes = if data.is_null() {
                    &[]
                } else {
                    // SAFETY: the API promises so many bytes.
                    unsafe { std::slice::from_raw_parts(data, length) }
                };
                assert_eq!(self.sent.pop_front().as_deref(), Some(bytes));
            }
            FLARE_EVENT_END | FLARE_EVENT_CANCELLED => {
                self.is_over = true;
                if self.has_switched && self.is_finished {
                    assert!(event == FLARE_EVENT_END && self.sent.is_empty(), "{} are lost", self.sent.len());
                }
            }
            FLARE_EVENT_HEAD | FLARE_EVENT_DATA => assert!(!self.has_switched),
            FLARE_EVENT_WRITABLE => {}
            other => panic!("event {other}"),
        }
    }

    /// What a call on a stream of datagrams returns.
    fn codes(&self, of_datagrams: &[i32], without: i32) -> Vec<i32> {
        match self.client {
            None => vec![FLARE_ERROR_INVALID_STATE],
            // The server may be gone.
            Some(_) if self.is_over || self.is_finished => {
                [of_datagrams, &[FLARE_ERROR_FINISHED, FLARE_ERROR_CLOSED, without]].concat()
            }
            Some(_) if self.has_switched => of_datagrams.to_vec(),
            Some(_) => vec![without],
        }
    }
}

pub(super) fn send(run: &mut Run) {
    let index = choose(run);
    let (data, is_null) = datagram(run);
    let good = !is_null || data.is_empty();
    let content = if is_null { ptr::null() } else { data.as_ptr().cast() };
    // SAFETY: the data is that long, or NULL.
    let call = |request| unsafe { flare_request_send_datagram(request, content, data.len()) };
    let Some(index) = index else { return refused(run, good, call) };
    let own = &mut run.own[index];
    let code = call(pointer(own.handle));
    let taken = if data.len() > MOST { FLARE_ERROR_LIMIT } else { FLARE_OK };
    expect(code, &own.verdict(), good, &own.codes(&[taken], FLARE_ERROR_INVALID_ARGUMENT));
    if code == FLARE_OK {
        assert!(!own.is_finished && !own.is_over, "sent behind the end");
        own.sent.push_back(data);
    }
}

pub(super) fn max_size(run: &mut Run) {
    let Some(index) = choose(run) else {
        return refused(run, true, |it| flare_request_max_datagram_size(it));
    };
    let own = &run.own[index];
    let code = flare_request_max_datagram_size(pointer(own.handle));
    expect(code, &own.verdict(), true, &own.codes(&[MOST as i32], 0));
}

/// Waits for what has to come.
pub(super) fn next(run: &mut Run) {
    let Some(index) = choose(run) else { return };
    let own = &mut run.own[index];
    if !run.in_handler && own.is_alive && !own.is_over && own.has_switched && !own.sent.is_empty() {
        own.take();
    }
}

/// Ends the client's side, and waits for the server's end.
pub(super) fn finish(run: &mut Run) {
    let Some(index) = choose(run) else { return };
    let own = &mut run.own[index];
    if run.in_handler || own.client.is_none() || own.is_finished {
        return;
    }
    let code = flare_request_finish(pointer(own.handle));
    let others: &[i32] =
        if own.is_over { &[FLARE_OK, FLARE_ERROR_FINISHED, FLARE_ERROR_CLOSED] } else { &[FLARE_OK] };
    expect(code, &own.verdict(), true, others);
    if code == FLARE_OK {
        own.is_finished = true;
        while !own.is_over {
            own.take();
        }
    }
}

/// Frees what is left.
pub(super) fn free_all(run: &mut Run) {
    for own in &run.own {
        if let Some(client) = own.client {
            assert_eq!(flare_client_free(pointer(client)), FLARE_OK);
        }
        if own.is_alive {
            assert_eq!(flare_request_release(pointer(own.handle)), FLARE_OK);
        }
    }
}
