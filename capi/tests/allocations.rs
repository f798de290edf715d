//! A callback through the C API allocates nothing on its worker: neither its handles, nor its header field, nor its answer.
#![allow(clippy::unwrap_used, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flare_capi::*;

thread_local! {
    /// Whether allocations of this thread are counted.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl Counting {
    fn count() {
        if COUNTED.get() {
            COUNT.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: each call is passed on unchanged to the system's allocator; counting touches numbers that need no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

unsafe extern "C" fn count_this_worker(_worker: u32, _user: *mut c_void) {
    COUNTED.set(true);
}

unsafe extern "C" fn plain(_: *mut flare_request, response: *mut flare_response, _: *mut c_void) -> i32 {
    let body = b"Hello, World!";
    // SAFETY: the texts end with NUL, and the body has so many bytes.
    unsafe {
        let added = flare_response_add_header(response, c"Content-Type".as_ptr(), c"text/plain".as_ptr());
        if added != FLARE_OK {
            return added;
        }
        flare_response_send(response, 200, body.as_ptr().cast(), body.len())
    }
}

unsafe extern "C" fn parameter(
    request: *mut flare_request,
    response: *mut flare_response,
    _: *mut c_void,
) -> i32 {
    let mut length = 0;
    // SAFETY: the name ends with NUL, and the value that is found has so many bytes.
    unsafe {
        let name = flare_request_param(request, c"name".as_ptr(), &mut length);
        if name.is_null() {
            return FLARE_ERROR_NOT_FOUND;
        }
        flare_response_send(response, 200, name.cast(), length)
    }
}

/// Asks again and again for so long, and says how often the worker allocated after it was warm.
fn allocations(client: &mut TcpStream, path: &str, body: &str, time: Duration) -> usize {
    let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n");
    let mut rounds = |count: usize| {
        for _ in 0..count {
            client.write_all(ask.as_bytes()).unwrap();
            let mut answer = [0; 1024];
            let mut length = 0;
            // Nothing comes behind the content, so it is all there when it is at the end.
            while !answer[..length].ends_with(body.as_bytes()) {
                let received = client.read(&mut answer[length..]).unwrap();
                assert!(received > 0, "the connection ended");
                length += received;
            }
            assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
        }
    };
    rounds(100);
    let before = COUNT.load(Ordering::Relaxed);
    assert!(before > 0, "nothing is counted");
    let start = Instant::now();
    rounds(1000);
    while start.elapsed() < time {
        rounds(100);
    }
    COUNT.load(Ordering::Relaxed) - before
}

#[test]
fn a_callback_allocates_nothing() {
    let router = flare_router_new();
    let config = flare_config_new();
    let mut address = [0; 64];
    // SAFETY: all texts end with NUL, the handles are those of the calls before, and the callbacks use no user data.
    let server = unsafe {
        for (path, handler) in
            [(c"/plain", plain as unsafe extern "C" fn(_, _, _) -> _), (c"/hi/:name", parameter)]
        {
            let added =
                flare_router_add(router, c"GET".as_ptr(), path.as_ptr(), Some(handler), null_mut(), None);
            assert_eq!(added, FLARE_OK);
        }
        assert_eq!(flare_config_set_number(config, c"workers".as_ptr(), 1), FLARE_OK);
        let server = flare_server_new(router, config);
        assert_eq!(flare_server_on_worker_start(server, Some(count_this_worker), null_mut(), None), FLARE_OK);
        assert_eq!(flare_server_listen(server, c"127.0.0.1:0".as_ptr()), FLARE_OK);
        assert_eq!(flare_server_start(server), FLARE_OK);
        assert!(flare_server_address(server, 0, address.as_mut_ptr(), address.len()) > 0);
        server
    };
    // SAFETY: the function terminated the text.
    let address = unsafe { CStr::from_ptr(address.as_ptr()) }.to_str().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    client.set_nodelay(true).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Longer than a second, so that the Date field changes.
    let (short, long) = (Duration::from_millis(1), Duration::from_millis(1100));
    assert_eq!(allocations(&mut client, "/plain", "Hello, World!", long), 0, "a header field and a body");
    assert_eq!(allocations(&mut client, "/hi/ann%20lee", "ann lee", short), 0, "a parameter");
    // SAFETY: the name ends with NUL.
    assert!(unsafe { flare_server_stat(server, c"answers_2xx".as_ptr()) } > 2200);
    assert_eq!(flare_server_free(server), FLARE_OK);
    assert_eq!(flare_config_free(config), FLARE_OK);
    assert_eq!(flare_router_free(router), FLARE_OK);
}
