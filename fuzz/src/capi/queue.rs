//! Calls on queues and on the options of routes, and the routes and middleware that need them.

use flare_capi::layer::{flare_on_end, flare_on_head, flare_on_request};
use flare_capi::*;

use super::calls::expect;
use super::pool::{Kind, State, Verdict, pointer};
use super::stream::ANY_STATE;
use super::text::Text;
use super::{Run, user};

const ADDED: &[i32] = &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT, FLARE_ERROR_CONFLICT];

pub(super) fn new(run: &mut Run) {
    let handle = flare_queue_new().addr();
    assert_ne!(handle, 0);
    run.pool.add(vec![(handle, Kind::Queue)], State::Plain);
}

pub(super) fn free(run: &mut Run) {
    super::calls::free(run, Kind::Queue);
}

pub(super) fn close(run: &mut Run) {
    let handle = run.handle(Kind::Queue);
    let verdict = run.pool.verdict(handle, Kind::Queue);
    expect(flare_queue_close(pointer(handle)), &verdict, true, &[FLARE_OK]);
}

/// Takes what is there, and hardly waits.
pub(super) fn next(run: &mut Run) {
    let handle = run.handle(Kind::Queue);
    let verdict = run.pool.verdict(handle, Kind::Queue);
    let options = run.byte();
    let (mut event, mut request, mut response, mut tag) = (-7, std::ptr::null_mut(), std::ptr::null_mut(), 0);
    let event_place: *mut i32 = if options & 1 == 0 { &mut event } else { std::ptr::null_mut() };
    let response_place = if options & 2 == 0 { &raw mut response } else { std::ptr::null_mut() };
    let tag_place: *mut u64 = if options & 4 == 0 { &mut tag } else { std::ptr::null_mut() };
    // SAFETY: each place may be written, or is NULL.
    let code =
        unsafe { flare_queue_next(pointer(handle), 0, event_place, &mut request, response_place, tag_place) };
    expect(code, &verdict, options & 1 == 0, &[FLARE_OK, FLARE_ERROR_TIMEOUT, FLARE_ERROR_CLOSED]);
    if code == FLARE_OK {
        // Routes to these queues serve nobody: so no requests come, only events of those that are watched.
        assert!((FLARE_EVENT_DATA..=FLARE_EVENT_READABLE).contains(&event) && !request.is_null());
        assert!(options & 2 != 0 || !response.is_null());
        assert!(options & 4 != 0 || tag == 7);
    }
}

pub(super) fn watch(run: &mut Run) {
    let (handle, request) = (run.handle(Kind::Queue), run.handle(Kind::Request));
    let (verdict, of_request) =
        (run.pool.verdict(handle, Kind::Queue), run.pool.verdict(request, Kind::Request));
    let code = flare_queue_watch(pointer(handle), pointer(request), 7);
    match of_request {
        Verdict::Bad(bad) => assert!(code == bad || verdict.is_bad() && code != FLARE_OK),
        Verdict::Good(index) => {
            expect(code, &verdict, true, ANY_STATE);
            if code == FLARE_OK {
                run.pool.exchange(index).is_touched = true;
            }
        }
    }
}

pub(super) fn options_new(run: &mut Run) {
    let handle = flare_route_options_new().addr();
    assert_ne!(handle, 0);
    run.pool.add(vec![(handle, Kind::Options)], State::Plain);
}

pub(super) fn options_free(run: &mut Run) {
    super::calls::free(run, Kind::Options);
}

pub(super) fn options_set_number(run: &mut Run) {
    let handle = run.handle(Kind::Options);
    let name = Text::read(run, &["body_limit", "handler_timeout_ms", "streaming", "blocking", "no such"]);
    let value = run.number().cast_signed();
    let verdict = run.pool.verdict(handle, Kind::Options);
    // SAFETY: the text lives until the call returns.
    let code = unsafe { flare_route_options_set_number(pointer(handle), name.pointer(), value) };
    expect(code, &verdict, name.as_str().is_some(), &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT]);
}

/// Options for a route: NULL, or a handle.
pub(super) fn options(run: &mut Run) -> (usize, Verdict) {
    let handle = if run.byte() & 1 == 0 { 0 } else { run.handle(Kind::Options) };
    (handle, run.pool.verdict(handle, Kind::Options))
}

/// Whether the code is that of options that are not good.
pub(super) fn is_fault_of_options(code: i32, (handle, verdict): &(usize, Verdict)) -> bool {
    match verdict {
        Verdict::Bad(bad) if *handle != 0 => {
            assert_ne!(code, FLARE_OK);
            code == *bad
        }
        _ => false,
    }
}

pub(super) fn router_add_queue(run: &mut Run) {
    let (router, queue) = (run.handle(Kind::Router), run.handle(Kind::Queue));
    let options = options(run);
    let (method, pattern) = (Text::read(run, &["GET", "*", "G ET"]), Text::read(run, &["/q", "/:x", "q"]));
    let (verdict, of_queue) = (run.pool.verdict(router, Kind::Router), run.pool.verdict(queue, Kind::Queue));
    // SAFETY: the texts live until the call returns.
    let code = unsafe {
        flare_router_add_queue(
            pointer(router),
            method.pointer(),
            pattern.pointer(),
            pointer(options.0),
            pointer(queue),
            1,
        )
    };
    match of_queue {
        Verdict::Bad(bad) if code == bad => {}
        Verdict::Bad(_) => assert_ne!(code, FLARE_OK),
        Verdict::Good(_) if is_fault_of_options(code, &options) => {}
        Verdict::Good(_) => {
            expect(code, &verdict, method.as_str().is_some() && pattern.as_str().is_some(), ADDED)
        }
    }
}

pub(super) fn router_add_files(run: &mut Run) {
    let router = run.handle(Kind::Router);
    let options = options(run);
    let pattern = Text::read(run, &["/f/*path", "/f", "/*path", "f"]);
    let directory = Text::read(run, &[".", "/no/such/directory", "/dev/null"]);
    let settings = Text::read(
        run,
        &["index=index.html; precompressed=1", "hidden=1; links_inside=1", "no such=1", "index"],
    );
    let verdict = run.pool.verdict(router, Kind::Router);
    // SAFETY: the texts live until the call returns.
    let code = unsafe {
        flare_router_add_files(
            pointer(router),
            pattern.pointer(),
            directory.pointer(),
            settings.pointer(),
            pointer(options.0),
        )
    };
    let of_directory = [FLARE_ERROR_NOT_FOUND, FLARE_ERROR_PERMISSION, FLARE_ERROR_IO];
    if !is_fault_of_options(code, &options) && !of_directory.contains(&code) {
        // Settings may be NULL; the directory may be in any encoding.
        let good = pattern.as_str().is_some() && !directory.pointer().is_null();
        expect(code, &verdict, good, ADDED);
    }
}

pub(super) fn router_add_layer(run: &mut Run) {
    let router = run.handle(Kind::Router);
    let options = run.byte();
    let on_request: flare_on_request = if options & 1 == 0 { Some(user::handler) } else { None };
    let on_head: flare_on_head = if options & 4 == 0 { Some(user::head) } else { None };
    let on_end: flare_on_end = if options & 8 == 0 { Some(user::end) } else { None };
    let user = run.users.argument(options & 2 == 0, Vec::new());
    let verdict = run.pool.verdict(router, Kind::Router);
    // SAFETY: the user data lives until its destructor runs.
    let code = unsafe {
        flare_router_add_layer(pointer(router), on_request, on_head, on_end, user.pointer, user.destroy)
    };
    expect(code, &verdict, true, &[FLARE_OK, FLARE_ERROR_INVALID_ARGUMENT]);
}

pub(super) fn router_add_prepared(run: &mut Run) {
    let router = run.handle(Kind::Router);
    let (method, pattern) = (Text::read(run, &["GET", "*", "G ET"]), Text::read(run, &["/p", "/:x", "p"]));
    let status = super::exchange::status(run);
    let content_type = Text::read(run, &["text/plain", "a\nb"]);
    let body = run.bytes();
    let content = if body.is_empty() { std::ptr::null() } else { body.as_ptr().cast() };
    let verdict = run.pool.verdict(router, Kind::Router);
    // SAFETY: the texts and the content live until the call returns.
    let code = unsafe {
        flare_router_add_prepared(
            pointer(router),
            method.pointer(),
            pattern.pointer(),
            status,
            content_type.pointer(),
            content,
            body.len(),
        )
    };
    let good = method.as_str().is_some() && pattern.as_str().is_some() && (200..600).contains(&status);
    expect(code, &verdict, good, ADDED);
}
