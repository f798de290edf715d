//! User data with destructors, and callbacks that use it.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flare_capi::*;

/// A destructor that has not run by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many destructors have run, of all that are expected. Told of each.
#[derive(Default)]
struct Count {
    ran: Mutex<Vec<u32>>,
    told: Condvar,
}

impl Count {
    fn lock(&self) -> MutexGuard<'_, Vec<u32>> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a `void *user` points to. Freed by its destructor, so that a use after it, or a second one, shows.
struct User {
    count: Arc<Count>,
    index: usize,
    content: Vec<u8>,
    /// How much of the content a source has used.
    used: AtomicUsize,
}

/// All user data of one run.
#[derive(Default)]
pub(super) struct Users(Arc<Count>);

/// A `void *user` and its destructor.
pub(super) struct Argument {
    pub(super) pointer: *mut c_void,
    pub(super) destroy: flare_destroy,
    /// Bytes that live until the destructor runs; for ever without one.
    pub(super) content: *const c_void,
    pub(super) length: usize,
}

impl Users {
    /// User data with this content. Without a destructor it is NULL.
    pub(super) fn argument(&self, has_destructor: bool, content: Vec<u8>) -> Argument {
        if !has_destructor {
            static FOREVER: [u8; 70_000] = [b'f'; 70_000];
            let length = content.len().min(FOREVER.len());
            return Argument {
                pointer: ptr::null_mut(),
                destroy: None,
                content: FOREVER.as_ptr().cast(),
                length,
            };
        }
        let mut ran = self.0.lock();
        let user = Box::new(User {
            count: Arc::clone(&self.0),
            index: ran.len(),
            content,
            used: AtomicUsize::new(0),
        });
        ran.push(0);
        let (content, length) = (user.content.as_ptr().cast(), user.content.len());
        Argument { pointer: Box::into_raw(user).cast(), destroy: Some(destroy), content, length }
    }

    /// Every destructor has run once, or does before long: a server that was freed on a worker ends on a thread of its own.
    pub(super) fn check(&self) {
        let ran = self.0.lock();
        let waits = |ran: &mut Vec<u32>| ran.contains(&0);
        let (ran, waited) =
            self.0.told.wait_timeout_while(ran, PATIENCE, waits).unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out() && ran.iter().all(|count| *count == 1), "destructors: {ran:?}");
    }
}

unsafe extern "C" fn destroy(user: *mut c_void) {
    // SAFETY: `argument` made it of a box, and gives it away with this destructor, which is called once. If it is called twice
    // the sanitizer says so.
    let user = unsafe { Box::from_raw(user.cast::<User>()) };
    user.count.lock()[user.index] += 1;
    user.count.told.notify_all();
}

/// Uses user data as callbacks do.
fn touch(user: *mut c_void) {
    if !user.is_null() {
        // SAFETY: from `argument`, and its destructor has not run.
        let user = unsafe { &*user.cast::<User>() };
        assert_eq!(user.count.lock().get(user.index), Some(&0), "called after its destructor");
    }
}

pub(super) unsafe extern "C" fn handler(
    _: *mut flare_request,
    _: *mut flare_response,
    user: *mut c_void,
) -> i32 {
    touch(user);
    0
}

pub(super) unsafe extern "C" fn task(_worker: u32, user: *mut c_void) {
    touch(user);
}

pub(super) unsafe extern "C" fn log(level: i32, message: *const c_char, user: *mut c_void) {
    assert!((1..=4).contains(&level) && !message.is_null());
    touch(user);
}

pub(super) unsafe extern "C" fn access(
    _peer: *const c_char,
    _method: *const c_char,
    _path: *const c_char,
    _status: i32,
    _body_bytes: u64,
    _duration_ms: u64,
    user: *mut c_void,
) {
    touch(user);
}

pub(super) unsafe extern "C" fn event(
    request: *mut flare_request,
    response: *mut flare_response,
    event: i32,
    data: *const u8,
    length: usize,
    user: *mut c_void,
) -> i32 {
    assert!(
        !request.is_null()
            && !response.is_null()
            && ((FLARE_EVENT_DATA..=FLARE_EVENT_READABLE).contains(&event) || event == FLARE_EVENT_DATAGRAM)
    );
    assert_eq!(data.is_null(), length == 0);
    if event == FLARE_EVENT_DATAGRAM {
        let datagram = if data.is_null() {
            &[]
        } else {
            // SAFETY: the API promises so many bytes.
            unsafe { std::slice::from_raw_parts(data, length) }
        };
        super::datagram::check_came(datagram);
    }
    touch(user);
    FLARE_OK
}

pub(super) unsafe extern "C" fn event_pause(
    _: *mut flare_request,
    _: *mut flare_response,
    _: i32,
    _: *const u8,
    _: usize,
    user: *mut c_void,
) -> i32 {
    touch(user);
    FLARE_PAUSE
}

pub(super) unsafe extern "C" fn event_give_up(
    _: *mut flare_request,
    _: *mut flare_response,
    _: i32,
    _: *const u8,
    _: usize,
    user: *mut c_void,
) -> i32 {
    touch(user);
    FLARE_ERROR_IO
}

/// Each byte of the content is a step: so many bytes, or an error (0xff), or more than fits (0xfe).
pub(super) unsafe extern "C" fn source(buffer: *mut u8, capacity: usize, user: *mut c_void) -> i64 {
    touch(user);
    if user.is_null() {
        return 0;
    }
    // SAFETY: from `argument`, and its destructor has not run.
    let user = unsafe { &*user.cast::<User>() };
    match user.content.get(user.used.fetch_add(1, Ordering::Relaxed)) {
        None => 0,
        Some(0xff) => FLARE_ERROR_IO.into(),
        Some(0xfe) => capacity as i64 + 1,
        Some(&step) => {
            let length = usize::from(step).min(capacity);
            // SAFETY: the API promises room for `capacity` bytes.
            unsafe { buffer.write_bytes(b's', length) };
            length as i64
        }
    }
}

pub(super) unsafe extern "C" fn head(
    _: *mut flare_request,
    _: *mut flare_response,
    _status: i32,
    user: *mut c_void,
) {
    touch(user);
}

pub(super) unsafe extern "C" fn end(
    _: *mut flare_request,
    _status: i32,
    _body_bytes: u64,
    _duration_ms: u64,
    _whole: i32,
    user: *mut c_void,
) {
    touch(user);
}
