//! Calls that take and give content piece by piece. What an answer is that was touched by them is not compared: only that it ends, that
//! codes are of the documented ones, and that destructors run.

use std::ffi::{CString, c_char};

use flare_capi::*;

use super::calls::expect;
use super::exchange::response;
use super::pool::{Kind, Verdict, pointer};
use super::text::Text;
use super::{Run, host, user};

/// Whatever the state of a touched exchange may say. No handle is bad behind these, and nothing panicked.
pub(super) const ANY_STATE: &[i32] = &[
    FLARE_OK,
    FLARE_ERROR_INVALID_ARGUMENT,
    FLARE_ERROR_INVALID_STATE,
    FLARE_ERROR_FINISHED,
    FLARE_ERROR_CLOSED,
    FLARE_ERROR_WOULD_BLOCK,
    FLARE_ERROR_CANCELLED,
];

/// A response's handle, and what it is good for.
fn touched(run: &mut Run) -> (usize, Verdict) {
    let (handle, verdict, _) = response(run);
    (handle, verdict)
}

/// Takes note of a call that may have changed how the answer goes. It may have even if it is refused: the first write begins the
/// answer, and after a HEAD that is its end.
fn check(run: &mut Run, code: i32, verdict: Verdict, arguments_are_good: bool) {
    expect(code, &verdict, arguments_are_good, ANY_STATE);
    if let Verdict::Good(index) = verdict {
        let exchange = run.pool.exchange(index);
        exchange.is_touched |= code == FLARE_OK || (arguments_are_good && exchange.answer.is_none());
    }
}

/// Datagrams that were taken may be lost from now on.
fn cut(run: &mut Run, verdict: &Verdict) {
    if let Verdict::Good(index) = verdict {
        run.pool.exchange(*index).is_cut = true;
    }
}

pub(super) fn start(run: &mut Run) {
    let (handle, verdict) = touched(run);
    let status = super::exchange::status(run);
    let code = flare_response_start(pointer(handle), status);
    check(run, code, verdict, (200..600).contains(&status));
}

/// A little content: so much that all of a run fits where the client has not read yet.
fn write_with(
    run: &mut Run,
    write: unsafe extern "C" fn(*mut flare_response, *const std::ffi::c_void, usize) -> i32,
) {
    let (handle, verdict) = touched(run);
    let data = run.bytes();
    let is_null = run.byte() == 1;
    let content = if is_null { std::ptr::null() } else { data.as_ptr().cast() };
    // SAFETY: the data is that long, or NULL.
    let code = unsafe { write(pointer(handle), content, data.len()) };
    check(run, code, verdict, !is_null || data.is_empty());
}

pub(super) fn write(run: &mut Run) {
    write_with(run, flare_response_write);
}

pub(super) fn write_blocking(run: &mut Run) {
    write_with(run, flare_response_write_blocking);
}

pub(super) fn finish(run: &mut Run) {
    let (handle, verdict) = touched(run);
    let code = flare_response_finish(pointer(handle));
    if let (Verdict::Good(index), FLARE_OK) = (&verdict, code)
        && let Some(datagrams) = &mut run.pool.exchange(*index).datagrams
    {
        datagrams.is_finished = true;
    }
    check(run, code, verdict, true);
}

pub(super) fn flush(run: &mut Run) {
    let (handle, verdict) = touched(run);
    let code = flare_response_flush(pointer(handle));
    check(run, code, verdict, true);
}

pub(super) fn reset(run: &mut Run) {
    let (handle, verdict) = touched(run);
    let code = flare_response_reset(pointer(handle));
    cut(run, &verdict);
    check(run, code, verdict, true);
}

/// Not for an exchange that waits for its answer: no middleware holds it, which is another error than the model expects.
pub(super) fn proceed(run: &mut Run) {
    let (handle, verdict) = touched(run);
    if matches!(verdict, Verdict::Good(index) if run.pool.exchange(index).answer.is_none()) {
        return;
    }
    let code = flare_response_proceed(pointer(handle));
    check(run, code, verdict, true);
}

pub(super) fn inform(run: &mut Run) {
    let (handle, verdict) = touched(run);
    let status = [103, 102, 199, 100, 200, -1][usize::from(run.byte()) % 6];
    let (name, value) =
        (Text::read(run, &["link", "bad name", "content-length"]), Text::read(run, &["</a>", ""]));
    let count = usize::from(run.byte() % 3);
    let (names, values) = ([name.pointer(); 2], [value.pointer(); 2]);
    let lists = if run.byte() == 1 { [std::ptr::null(); 2] } else { [names.as_ptr(), values.as_ptr()] };
    // SAFETY: the lists are at least that long, or NULL; the texts live until the call returns.
    let code = unsafe { flare_response_inform(pointer(handle), status, lists[0], lists[1], count) };
    // Which names and values may stand in an interim answer is not the model's affair.
    check(run, code, verdict, true);
}

pub(super) fn send_file(run: &mut Run) {
    let (handle, verdict, otherwise) = response(run);
    let status = super::exchange::status(run);
    let path = Text::read(run, &[host::file(), "/", "/no/such/file", "/dev/null"]);
    // SAFETY: the text lives until the call returns.
    let code = unsafe { flare_response_send_file(pointer(handle), status, path.pointer()) };
    if path.as_str() == Some(host::file()) {
        super::exchange::sent(run, code, verdict, otherwise, status, Some(host::FILE_CONTENT));
    } else {
        let refusals = [
            FLARE_ERROR_INVALID_ARGUMENT,
            FLARE_ERROR_NOT_FOUND,
            FLARE_ERROR_PERMISSION,
            FLARE_ERROR_IO,
            FLARE_ERROR_FINISHED,
            FLARE_ERROR_CLOSED,
            FLARE_ERROR_CANCELLED,
        ];
        // The file may be looked at before the handle is.
        if !refusals.contains(&code) {
            expect(code, &verdict, true, own_files(&path));
        }
        if let (Verdict::Good(index), FLARE_OK) = (verdict, code) {
            run.pool.exchange(index).is_touched = true;
        }
    }
}

/// A path of the input's own may name a file.
fn own_files(path: &Text) -> &'static [i32] {
    if path.as_str().is_some_and(|path| !["/", "/no/such/file", "/dev/null"].contains(&path)) {
        &[FLARE_OK]
    } else {
        &[]
    }
}

pub(super) fn send_source(run: &mut Run) {
    let (handle, verdict) = touched(run);
    let status = super::exchange::status(run);
    let length = match run.byte() {
        0 => -1,
        1 => -2,
        _ => run.number().cast_signed(),
    };
    let options = run.byte();
    let source: flare_source = if options & 1 == 0 { Some(user::source) } else { None };
    let steps = run.bytes();
    let user = run.users.argument(options & 2 == 0, steps);
    // SAFETY: the user data lives until its destructor runs.
    let code = unsafe {
        flare_response_send_source(pointer(handle), status, length, source, user.pointer, user.destroy)
    };
    check(run, code, verdict, source.is_some() && length >= -1 && (200..600).contains(&status));
}

/// The upstream is this server itself, or not there. What it sends is the content, whatever it is.
pub(super) fn relay(run: &mut Run) {
    let (handle, verdict) = touched(run);
    let status = super::exchange::status(run);
    let address = Text::read(run, &[host::address(), "unix:/no/such.sock", "127.0.0.1:x", ""]);
    // No other upstream, and no look-up of names.
    if address.as_str().is_some_and(|text| text.contains(':') && text != host::address() && text.len() > 18) {
        return;
    }
    let prologue = match run.byte() {
        0 => b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_vec(),
        _ => run.bytes(),
    };
    let flags = u32::from(run.byte() % 3);
    // A silent upstream must not make the run long.
    let (connect, silence) = (100, 100);
    let content = prologue.as_ptr().cast();
    let (response, text) = (pointer(handle), address.pointer());
    // SAFETY: the text and the prologue live until the call returns.
    let code = unsafe {
        flare_response_relay(response, status, text, content, prologue.len(), connect, silence, flags)
    };
    let is_address = [host::address(), "unix:/no/such.sock"].map(Some).contains(&address.as_str());
    check(run, code, verdict, (200..600).contains(&status) && is_address && flags <= FLARE_RELAY_FORWARD);
}

/// A request's handle, and what it is good for.
fn request(run: &mut Run) -> (usize, Verdict) {
    let handle = run.handle(Kind::Request);
    let verdict = run.pool.verdict(handle, Kind::Request);
    (handle, verdict)
}

pub(super) fn read(run: &mut Run) {
    let (handle, verdict) = request(run);
    let mut buffer = vec![0_u8; usize::from(run.byte())];
    let mut length = usize::MAX;
    let is_null = run.byte() == 1;
    let to: *mut u8 = if is_null { std::ptr::null_mut() } else { buffer.as_mut_ptr() };
    // SAFETY: the buffer is that long, or NULL; the length may be written.
    let code = unsafe { flare_request_read(pointer(handle), to.cast(), buffer.len(), &mut length) };
    assert!(code != FLARE_OK || length <= buffer.len());
    check(run, code, verdict, !is_null && !buffer.is_empty());
}

pub(super) fn on_event(run: &mut Run) {
    let (handle, verdict) = request(run);
    let options = run.byte();
    let callback: flare_event_callback = match options >> 2 & 3 {
        0 => Some(user::event),
        1 => Some(user::event_pause),
        2 => Some(user::event_give_up),
        _ => None,
    };
    if options >> 2 & 3 == 2 {
        cut(run, &verdict);
    }
    let user = run.users.argument(options & 2 == 0, Vec::new());
    // SAFETY: the user data lives until its destructor runs.
    let code = unsafe { flare_request_on_event(pointer(handle), callback, user.pointer, user.destroy) };
    check(run, code, verdict, callback.is_some());
}

pub(super) fn resume(run: &mut Run) {
    let (handle, verdict) = request(run);
    let code = flare_request_resume(pointer(handle));
    check(run, code, verdict, true);
}

const NAMES: [&str; 4] = ["a", "b", "request-id", ""];

pub(super) fn set_attribute(run: &mut Run) {
    let (handle, verdict) = request(run);
    let (name, value) = (Text::read(run, &NAMES), Text::read(run, &["1", "another"]));
    // SAFETY: the texts live until the call returns.
    let code = unsafe { flare_request_set_attribute(pointer(handle), name.pointer(), value.pointer()) };
    expect(code, &verdict, name.as_str().is_some() && value.as_str().is_some(), &[FLARE_OK]);
    if let (Verdict::Good(index), FLARE_OK, Some(name), Some(value)) =
        (verdict, code, name.as_str(), value.as_str())
    {
        let attributes = &mut run.pool.exchange(index).attributes;
        attributes.retain(|attribute| attribute.0 != name);
        attributes.push((name.to_owned(), value.to_owned()));
    }
}

pub(super) fn attribute(run: &mut Run) {
    let (handle, verdict) = request(run);
    let name = Text::read(run, &NAMES);
    let mut buffer = vec![0x78_u8; usize::from(run.byte())];
    let room = buffer.as_mut_ptr().cast::<c_char>();
    // SAFETY: the text lives until the call returns; the buffer is that long.
    let length = unsafe { flare_request_attribute(pointer(handle), name.pointer(), room, buffer.len()) };
    let expected = match verdict {
        Verdict::Good(index) => {
            let attributes = &run.pool.exchange(index).attributes;
            attributes
                .iter()
                .find(|attribute| Some(&*attribute.0) == name.as_str())
                .map(|found| found.1.clone())
        }
        Verdict::Bad(_) => None,
    };
    let expected = expected.unwrap_or_default();
    assert_eq!(length, expected.len());
    if buffer.len() > length {
        let with_nul = CString::new(expected).expect("it came from C");
        assert_eq!(&buffer[..=length], with_nul.as_bytes_with_nul());
    }
}
