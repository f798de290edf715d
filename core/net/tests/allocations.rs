//! A connection that is never blocked costs no allocation: neither for a request, nor for its answer, its timer or its turn. Nor do datagrams.
#![allow(clippy::unwrap_used, unsafe_code)]

mod support;

use bytes::Bytes;
use flare_net::{Ecn, Event, Millis, Output, Sent, Transmits, UdpOptions, Wheel};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::time::Duration;
use support::{CASES, DRIVERS, connect, event, udp};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: each call is passed on unchanged to the system's allocator; counting touches a thread-local number that needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn requests_allocate_nothing() {
    for (driver, sort) in CASES {
        let mut driver = driver(4096);
        let (key, mut client) = connect(&mut driver, sort);
        let mut wheel = Wheel::new(Millis(0));
        let mut output = Output::new();
        let body = Bytes::from(vec![b'b'; 1000]);
        let mut before = 0;
        for round in 0..1_000 {
            if round == 10 {
                before = COUNT.get();
            }
            client.write_all(b"request").unwrap();
            let timer = wheel.arm(Millis(round + 5_000), key.to_u64());
            match event(&mut driver) {
                Event::Received { key, lease } => {
                    output.buffer().extend_from_slice(&lease);
                    driver.recycle(lease);
                    if round % 2 == 0 {
                        output.push_shared(body.clone());
                    }
                    assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
                    // With io_uring it leaves when the driver waits.
                    driver.wait(Some(Duration::ZERO)).unwrap();
                }
                other => panic!("{other:?}"),
            }
            assert!(wheel.cancel(timer));
            let mut answer = [0; 1007];
            let length = if round % 2 == 0 { 1007 } else { 7 };
            client.read_exact(&mut answer[..length]).unwrap();
            assert!(answer.starts_with(b"request"));
        }
        assert!(before > 0, "nothing is counted");
        assert_eq!(COUNT.get() - before, 0, "{sort:?}");
    }
}

#[test]
fn datagrams_allocate_nothing() {
    for driver in DRIVERS {
        let mut driver = driver(4096);
        let (socket, address) = udp::bind(&mut driver, "127.0.0.1", &UdpOptions::default());
        let (peer, _) = udp::plain("127.0.0.1");
        let mut transmits = Transmits::new();
        let mut before = 0;
        for round in 0..1_000 {
            if round == 10 {
                before = COUNT.get();
            }
            peer.send_to(b"question", address).unwrap();
            match event(&mut driver) {
                Event::Datagrams { mut batch, .. } => {
                    while let Some(datagram) = batch.next() {
                        for _ in 0..3 {
                            transmits.push(datagram.bytes, datagram.from, Some(datagram.to), Ecn::Ect0);
                        }
                    }
                    driver.recycle_datagrams(batch);
                    assert_eq!(driver.send_datagrams(socket, &mut transmits), Sent::All);
                }
                other => panic!("{other:?}"),
            }
            for _ in 0..3 {
                let mut answer = [0; 100];
                let (length, from) = peer.recv_from(&mut answer).unwrap();
                assert_eq!((&answer[..length], from), (&b"question"[..], address));
            }
        }
        assert!(before > 0, "nothing is counted");
        assert_eq!(COUNT.get() - before, 0);
        assert_eq!(driver.udp_counters(socket).sent, 3_000);
    }
}
