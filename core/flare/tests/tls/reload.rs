//! Other certificates while the server runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use flare::prelude::*;
use flare::tls::ServerTls;

use super::support::{Authority, connect, start};
use crate::common::{wait_until, workers};

struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("flare-reload-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, (chain, key): (String, String)) {
        std::fs::write(self.0.join("chain.pem"), chain).unwrap();
        std::fs::write(self.0.join("key.pem"), key).unwrap();
    }

    fn tls(&self) -> ServerTls {
        ServerTls::from_files(self.0.join("chain.pem"), self.0.join("key.pem"))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn router() -> Router {
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    router
}

#[test]
fn a_reload_under_load_loses_nothing() {
    let authority = Authority::new();
    let files = Files::new("load");
    files.write(authority.issue("localhost"));
    let (server, address) = start(router(), workers(2), files.tls());
    let config = Arc::new(authority.client());
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut kept = connect(address, &config);
    assert_eq!(kept.get("/").0, 200);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let mut client = connect(address, &config);
                    for _ in 0..3 {
                        assert_eq!(client.get("/"), (200, b"hello".to_vec()));
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let handle = server.handle();
        for round in 1..=20 {
            files.write(authority.issue("localhost"));
            handle.reload_tls().unwrap();
            wait_until("more was answered", || done.load(Ordering::Relaxed) > round * 12);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(kept.get("/").0, 200, "a connection of before goes on");
    assert_eq!(server.handle().stats().tls_failed, 0);
}

#[test]
fn new_connections_see_the_new_certificate_and_a_bad_file_changes_nothing() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = Files::new("new");
    files.write(old.issue("localhost"));
    let (server, address) = start(router(), workers(1), files.tls());
    let serves = |authority: &Authority| {
        let mut client = connect(address, &Arc::new(authority.client()));
        client.try_send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").is_ok() && client.answer().is_ok()
    };
    assert!(serves(&old) && !serves(&new));
    std::fs::write(files.0.join("key.pem"), "nonsense").unwrap();
    let error = server.handle().reload_tls().unwrap_err().to_string();
    assert!(error.contains("identities[0].key") && error.contains("key.pem"), "{error}");
    assert!(serves(&old) && !serves(&new));
    files.write(new.issue("localhost"));
    server.handle().reload_tls().unwrap();
    assert!(!serves(&old) && serves(&new));
    server.handle().replace_tls(0, old.server()).unwrap();
    assert!(serves(&old) && !serves(&new));
    assert!(server.handle().replace_tls(1, old.server()).is_err());
}

#[test]
fn changed_files_are_taken_and_bad_ones_are_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = Files::new("watch");
    files.write(old.issue("localhost"));
    let mut tls = files.tls();
    tls.watch = Some(std::time::Duration::from_millis(100));
    let (_server, address) = start(router(), workers(1), tls);
    let serves = |authority: &Authority| {
        let mut client = connect(address, &Arc::new(authority.client()));
        client.try_send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").is_ok() && client.answer().is_ok()
    };
    assert!(serves(&old));
    files.write(new.issue("localhost"));
    wait_until("the new certificate is shown", || serves(&new));
    std::fs::remove_file(files.0.join("key.pem")).unwrap();
    let watched = std::time::Instant::now();
    wait_until("it was looked at several times", || watched.elapsed().as_millis() > 500);
    assert!(serves(&new), "a file that is gone changes nothing");
}

#[test]
fn files_that_change_before_the_server_starts_are_taken() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = Files::new("early");
    files.write(old.issue("localhost"));
    let mut tls = files.tls();
    tls.watch = Some(std::time::Duration::from_millis(100));
    let server = Server::new(router()).config(workers(1)).listen_tls("127.0.0.1:0", tls).unwrap();
    files.write(new.issue("localhost"));
    let running = server.bind().unwrap().start().unwrap();
    let (address, config) = (super::support::address(&running), Arc::new(new.client()));
    wait_until("the new certificate is shown", || {
        let mut client = connect(address, &config);
        client.try_send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").is_ok() && client.answer().is_ok()
    });
}

#[test]
fn wrong_settings_are_refused_before_anything_runs() {
    let mut tls = Authority::new().server();
    tls.alpn = vec![b"imap".to_vec()];
    let error = Server::new(router()).listen_tls("127.0.0.1:0", tls).unwrap_err().to_string();
    assert!(error.contains("alpn[0]") && error.contains("imap"), "{error}");
    let error =
        Server::new(router()).listen_tls("127.0.0.1:0", ServerTls::from_files("/none", "/none")).unwrap_err();
    assert!(error.to_string().contains("/none: can't be read"), "{error}");
}
