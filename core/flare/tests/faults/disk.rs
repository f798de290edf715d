//! A disk that is full: `/dev/full` refuses every write.
#![cfg(target_os = "linux")]

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flare::middleware::{AccessFormat, AccessLog};
use flare::prelude::*;

use crate::common::{Client, one_worker, start};

fn write_to_full_disk(bytes: &[u8]) -> std::io::Result<()> {
    OpenOptions::new().write(true).open("/dev/full")?.write_all(bytes)
}

#[test]
fn an_access_log_that_cannot_be_written_loses_lines_and_no_answer() {
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let mut router = Router::new();
    router.layer(AccessLog::new(AccessFormat::Json, move |line| {
        let error = write_to_full_disk(line.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        count.fetch_add(1, Ordering::Relaxed);
    }));
    router.get("/", |_: &Request| "home").unwrap();
    let running = start(router, one_worker());
    let mut client = Client::connect(&running.addresses()[0]);
    for _ in 0..100 {
        assert_eq!(client.get("/").text(), "home");
    }
    assert_eq!(running.handle().stats().panics, 0);
    drop(running);
    assert_eq!(refused.load(Ordering::Relaxed), 100);
}

#[test]
fn an_upload_that_cannot_be_kept_is_refused_and_the_connection_goes_on() {
    let mut router = Router::new();
    router
        .post("/", |request: &Request| match write_to_full_disk(request.body()) {
            Ok(()) => Response::text("kept"),
            Err(error) => Response::new(507).with_body(error.to_string()),
        })
        .unwrap();
    let running = start(router, one_worker());
    let mut client = Client::connect(&running.addresses()[0]);
    for _ in 0..3 {
        let answer = client.post("/", &[b'x'; 100_000]);
        assert_eq!(answer.status, 507);
        assert!(answer.text().contains("No space left"), "{answer:?}");
    }
}
