//! Calls on requests and responses, which are two faces of one exchange.

use std::ffi::{CStr, c_char};

use flare_capi::*;

use super::Run;
use super::calls::expect;
use super::host::Variant;
use super::pool::{Kind, Verdict, pointer};
use super::stream::ANY_STATE;
use super::text::Text;

/// What the model knows of an exchange.
#[derive(Debug)]
pub(super) struct State {
    /// The request, as it was sent.
    pub(super) request: &'static Variant,
    /// The answer that was given.
    pub(super) answer: Option<(u16, Vec<u8>)>,
    /// A field was set that may make the answer impossible to send, or change its framing.
    pub(super) is_odd: bool,
    /// Its content went piece by piece: see the module `stream`.
    pub(super) is_touched: bool,
    /// The program may have cut it.
    pub(super) is_cut: bool,
    pub(super) attributes: Vec<(String, String)>,
    /// It became a stream of datagrams.
    pub(super) datagrams: Option<super::datagram::Datagrams>,
}

impl State {
    /// The answer was given, and the server may have found that it can't be sent.
    fn may_be_cut(&self) -> bool {
        self.answer.is_some() && self.is_odd
    }
}

fn retain(run: &mut Run, kind: Kind, function: impl Fn(usize) -> i32) {
    let handle = run.handle(kind);
    let verdict = run.pool.verdict(handle, kind);
    expect(function(handle), &verdict, true, &[FLARE_OK]);
    if let Verdict::Good(index) = verdict {
        run.pool.objects[index].references += 1;
    }
}

pub(super) fn retain_request(run: &mut Run) {
    retain(run, Kind::Request, |handle| flare_request_retain(pointer(handle)));
}

pub(super) fn retain_response(run: &mut Run) {
    retain(run, Kind::Response, |handle| flare_response_retain(pointer(handle)));
}

pub(super) fn release_request(run: &mut Run) {
    super::calls::free(run, Kind::Request);
}

pub(super) fn release_response(run: &mut Run) {
    super::calls::free(run, Kind::Response);
}

/// The request that a handle stands for.
fn request(run: &mut Run) -> (usize, Verdict, Option<&'static Variant>) {
    let handle = run.handle(Kind::Request);
    let verdict = run.pool.verdict(handle, Kind::Request);
    let request = match verdict {
        Verdict::Good(index) => Some(run.pool.exchange(index).request),
        Verdict::Bad(_) => None,
    };
    (handle, verdict, request)
}

type Getter = unsafe extern "C" fn(*const flare_request, *mut usize) -> *const c_char;

/// Text of a request, as C gets it.
fn get(call: impl FnOnce(*mut usize) -> *const c_char) -> Option<&'static [u8]> {
    let mut length = 99;
    let text = call(&mut length);
    if text.is_null() {
        assert_eq!(length, 0);
        return None;
    }
    // SAFETY: the API promises text that ends with a NUL, and lives until the last release: it is only used before.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    assert_eq!(text.len(), length);
    Some(text)
}

fn check_text(run: &mut Run, getter: Getter, expected: impl Fn(&'static Variant) -> Option<&'static str>) {
    let (handle, _, request) = request(run);
    // SAFETY: the length may be written.
    let text = get(|length| unsafe { getter(pointer(handle), length) });
    assert_eq!(text, request.and_then(expected).map(str::as_bytes));
}

pub(super) fn method(run: &mut Run) {
    check_text(run, flare_request_method, |request| Some(request.method));
}

pub(super) fn path(run: &mut Run) {
    check_text(run, flare_request_path, |request| Some(request.path));
}

pub(super) fn query(run: &mut Run) {
    check_text(run, flare_request_query, |request| request.query);
}

pub(super) fn authority(run: &mut Run) {
    check_text(run, flare_request_authority, |_| Some("fuzz"));
}

pub(super) fn version(run: &mut Run) {
    let (handle, verdict, _) = request(run);
    expect(flare_request_version(pointer(handle)), &verdict, true, &[11]);
}

pub(super) fn cancelled(run: &mut Run) {
    let (handle, verdict, _) = request(run);
    let others: &[i32] = match verdict {
        Verdict::Good(index) if run.pool.exchange(index).is_touched => ANY_STATE,
        Verdict::Good(index) if run.pool.exchange(index).may_be_cut() => &[FLARE_OK, FLARE_ERROR_CANCELLED],
        _ => &[FLARE_OK],
    };
    let code = flare_request_cancelled(pointer(handle));
    match verdict {
        // Here a code is an answer, not a failure: there is no message.
        Verdict::Good(_) => assert!(others.contains(&code), "{code}"),
        Verdict::Bad(_) => expect(code, &verdict, true, &[]),
    }
}

pub(super) fn peer(run: &mut Run) {
    let (handle, _, request) = request(run);
    let mut buffer = vec![0x78; usize::from(run.byte())];
    // SAFETY: the buffer is that long.
    let length = unsafe { flare_request_peer(pointer(handle), buffer.as_mut_ptr().cast(), buffer.len()) };
    assert_eq!(length > 0, request.is_some());
}

pub(super) fn header_count(run: &mut Run) {
    let (handle, _, request) = request(run);
    let count = flare_request_header_count(pointer(handle));
    assert_eq!(count, request.map_or(0, |request| request.headers.len()));
}

pub(super) fn header_name_at(run: &mut Run) {
    let (handle, _, request) = request(run);
    let index = run.number() as usize;
    // SAFETY: the length may be written.
    let text = get(|length| unsafe { flare_request_header_name_at(pointer(handle), index, length) });
    assert_eq!(text, request.and_then(|request| request.headers.get(index)).map(|field| field.0.as_bytes()));
}

pub(super) fn header_value_at(run: &mut Run) {
    let (handle, _, request) = request(run);
    let index = run.number() as usize;
    // SAFETY: the length may be written.
    let text = get(|length| unsafe { flare_request_header_value_at(pointer(handle), index, length) });
    assert_eq!(text, request.and_then(|request| request.headers.get(index)).map(|field| field.1.as_bytes()));
}

pub(super) fn trailer_count(run: &mut Run) {
    let (handle, _, request) = request(run);
    let count = flare_request_trailer_count(pointer(handle));
    assert_eq!(count, request.map_or(0, |request| request.trailers.len()));
}

pub(super) fn trailer_name_at(run: &mut Run) {
    let (handle, _, request) = request(run);
    let index = run.number() as usize;
    // SAFETY: the length may be written.
    let text = get(|length| unsafe { flare_request_trailer_name_at(pointer(handle), index, length) });
    assert_eq!(text, request.and_then(|request| request.trailers.get(index)).map(|field| field.0.as_bytes()));
}

pub(super) fn trailer_value_at(run: &mut Run) {
    let (handle, _, request) = request(run);
    let index = run.number() as usize;
    // SAFETY: the length may be written.
    let text = get(|length| unsafe { flare_request_trailer_value_at(pointer(handle), index, length) });
    assert_eq!(text, request.and_then(|request| request.trailers.get(index)).map(|field| field.1.as_bytes()));
}

type Lookup = unsafe extern "C" fn(*const flare_request, *const c_char, *mut usize) -> *const c_char;

fn check_lookup(
    run: &mut Run,
    lookup: Lookup,
    fields: fn(&'static Variant) -> &'static [(&'static str, &'static str)],
) {
    let (handle, _, request) = request(run);
    let name = Text::read(run, &["x-a", "X-A", "x-end", "p", "host"]);
    // SAFETY: the text lives until the call returns; the length may be written.
    let text = get(|length| unsafe { lookup(pointer(handle), name.pointer(), length) });
    let expected = name.as_str().zip(request).and_then(|(name, request)| {
        fields(request)
            .iter()
            .find(|field| field.0.eq_ignore_ascii_case(name))
            .map(|field| field.1.as_bytes())
    });
    assert_eq!(text, expected);
}

pub(super) fn header(run: &mut Run) {
    check_lookup(run, flare_request_header, |request| request.headers);
}

pub(super) fn trailer(run: &mut Run) {
    check_lookup(run, flare_request_trailer, |request| request.trailers);
}

pub(super) fn param(run: &mut Run) {
    let (handle, _, request) = request(run);
    let name = Text::read(run, &["p", "P", "", "x"]);
    // SAFETY: the text lives until the call returns; the length may be written.
    let text = get(|length| unsafe { flare_request_param(pointer(handle), name.pointer(), length) });
    let expected = request.filter(|_| name.as_str() == Some("p")).map(|request| request.param.as_bytes());
    assert_eq!(text, expected);
}

pub(super) fn body(run: &mut Run) {
    let (handle, _, request) = request(run);
    let mut length = 99;
    if run.byte() & 1 == 1 {
        // SAFETY: without a length there is no body.
        assert!(unsafe { flare_request_body(pointer(handle), std::ptr::null_mut()) }.is_null());
    }
    // SAFETY: the length may be written.
    let body = unsafe { flare_request_body(pointer(handle), &mut length) };
    assert_eq!(body.is_null(), request.is_none());
    let expected = request.map_or("", |request| request.body);
    assert_eq!(length, expected.len());
    if length > 0 {
        // SAFETY: the API promises so many bytes.
        assert_eq!(unsafe { std::slice::from_raw_parts(body, length) }, expected.as_bytes());
    }
}

/// A response's handle, what it is good for, and what a call that is good returns otherwise.
pub(super) fn response(run: &mut Run) -> (usize, Verdict, &'static [i32]) {
    let handle = run.handle(Kind::Response);
    let verdict = run.pool.verdict(handle, Kind::Response);
    let otherwise: &[i32] = match verdict {
        Verdict::Good(index) if run.pool.exchange(index).is_touched => ANY_STATE,
        Verdict::Good(index) if run.pool.exchange(index).may_be_cut() => {
            &[FLARE_ERROR_FINISHED, FLARE_ERROR_CANCELLED]
        }
        Verdict::Good(index) if run.pool.exchange(index).answer.is_some() => &[FLARE_ERROR_FINISHED],
        _ => &[FLARE_OK],
    };
    (handle, verdict, otherwise)
}

type Setter = unsafe extern "C" fn(*mut flare_response, *const c_char, *const c_char) -> i32;

fn set(run: &mut Run, setter: Setter) {
    let (handle, verdict, otherwise) = response(run);
    let name = Text::read(
        run,
        &[
            "x-own",
            "X-Own",
            "content-type",
            "connection",
            "content-length",
            "transfer-encoding",
            "bad name",
            "date",
        ],
    );
    let value = Text::read(run, &["1", "close", "chunked", ""]);
    // SAFETY: the texts live until the call returns.
    let code = unsafe { setter(pointer(handle), name.pointer(), value.pointer()) };
    // A value may have bytes above 127 in any encoding.
    let good = name.as_str().is_some() && !value.pointer().is_null();
    expect(code, &verdict, good, &[otherwise, &[FLARE_ERROR_INVALID_ARGUMENT]].concat());
    if let (Verdict::Good(index), FLARE_OK) = (verdict, code) {
        let plain = ["x-own", "content-type"];
        let is_trailer = setter as usize == flare_response_add_trailer as Setter as usize;
        let is_plain = name.as_str().is_some_and(|name| plain.contains(&&*name.to_ascii_lowercase()));
        run.pool.exchange(index).is_odd |= is_trailer || !is_plain;
    }
}

pub(super) fn add_header(run: &mut Run) {
    set(run, flare_response_add_header);
}

pub(super) fn set_header(run: &mut Run) {
    set(run, flare_response_set_header);
}

pub(super) fn add_trailer(run: &mut Run) {
    set(run, flare_response_add_trailer);
}

pub(super) fn status(run: &mut Run) -> i32 {
    const STATUSES: [i32; 12] = [200, 204, 205, 304, 404, 500, 299, 599, 199, 600, -1, 65_736];
    STATUSES[usize::from(run.byte()) % STATUSES.len()]
}

pub(super) fn sent(
    run: &mut Run,
    code: i32,
    verdict: Verdict,
    otherwise: &[i32],
    status: i32,
    body: Option<&[u8]>,
) {
    let is_status = (200..600).contains(&status);
    expect(code, &verdict, is_status && body.is_some(), otherwise);
    if let (Verdict::Good(index), FLARE_OK) = (verdict, code) {
        run.pool.exchange(index).answer = Some((status as u16, body.unwrap_or_default().to_vec()));
    }
}

pub(super) fn send(run: &mut Run) {
    let (handle, verdict, otherwise) = response(run);
    let status = status(run);
    let body = match run.byte() % 4 {
        0 => Some(Vec::new()),
        1 => Some(vec![b'l'; 40_000]),
        2 => None,
        _ => Some(run.bytes()),
    };
    let (content, length) = match &body {
        Some(body) if body.is_empty() => (std::ptr::null(), 0),
        Some(body) => (body.as_ptr().cast(), body.len()),
        None => (std::ptr::null(), 5),
    };
    // SAFETY: the content is that long, or NULL.
    let code = unsafe { flare_response_send(pointer(handle), status, content, length) };
    sent(run, code, verdict, otherwise, status, body.as_deref());
}

type Sender = unsafe extern "C" fn(*mut flare_response, i32, *const c_char) -> i32;

fn send_with(run: &mut Run, sender: Sender) {
    let (handle, verdict, otherwise) = response(run);
    let status = status(run);
    let body = Text::read(run, &["{}", "text"]);
    // SAFETY: the text lives until the call returns.
    let code = unsafe { sender(pointer(handle), status, body.pointer()) };
    sent(run, code, verdict, otherwise, status, body.as_str().map(str::as_bytes));
}

pub(super) fn send_text(run: &mut Run) {
    send_with(run, flare_response_send_text);
}

pub(super) fn send_json(run: &mut Run) {
    send_with(run, flare_response_send_json);
}

pub(super) fn send_borrowed(run: &mut Run) {
    let (handle, verdict, otherwise) = response(run);
    let status = status(run);
    let options = run.byte();
    let content = if options & 1 == 0 { vec![b'b'; 40_000] } else { run.bytes() };
    let user = run.users.argument(options & 2 == 0, content.clone());
    let expected = if user.destroy.is_some() { content } else { vec![b'f'; user.length] };
    // SAFETY: the content lives until the destructor runs; for ever without one.
    let code = unsafe {
        flare_response_send_borrowed(
            pointer(handle),
            status,
            user.content,
            user.length,
            user.pointer,
            user.destroy,
        )
    };
    sent(run, code, verdict, otherwise, status, Some(&expected));
}
