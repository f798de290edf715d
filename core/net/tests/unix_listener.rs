//! Unix listeners and the files they leave, or must not leave.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::{Address, Event, ListenOptions, Listener, Peer, Stream, resolve};
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use support::{DRIVERS, event, receive};

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("flare-net-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn bind(path: &Path) -> std::io::Result<Listener> {
    Listener::bind(&Address::Unix(Some(path.to_owned())), &ListenOptions::default())
}

#[test]
fn connections_are_accepted_and_read() {
    for driver in DRIVERS {
        let folder = Folder::new();
        let address = resolve(&format!("unix:{}", folder.socket().display())).unwrap().remove(0);
        let listener = Listener::bind(&address, &ListenOptions::default()).unwrap();
        assert_eq!(listener.local_address(), &address);
        let mut driver = driver(64);
        driver.listen(listener, true).unwrap();
        let mut client = Stream::connect(&address).unwrap();
        let Event::Accepted { key, peer, .. } = event(&mut driver) else { panic!("not accepted") };
        assert_eq!(peer, Peer::Unix);
        assert_eq!(driver.local_address(key).unwrap(), address);
        assert_eq!(driver.peer_address(key).unwrap(), Address::Unix(None));
        client.write_all(b"hello").unwrap();
        assert_eq!(receive(&mut driver, key, 5), b"hello");
    }
}

#[test]
fn the_file_goes_with_the_last_clone() {
    for driver in DRIVERS {
        let folder = Folder::new();
        let first = bind(&folder.socket()).unwrap();
        let second = first.try_clone().unwrap();
        drop(first);
        assert!(folder.socket().exists());
        let mut driver = driver(64);
        let key = driver.listen(second, false).unwrap();
        assert!(folder.socket().exists());
        driver.close_listener(key);
        assert!(!folder.socket().exists());
    }
}

#[test]
fn a_file_that_took_its_place_stays() {
    let folder = Folder::new();
    let listener = bind(&folder.socket()).unwrap();
    fs::rename(folder.socket(), folder.0.join("elsewhere")).unwrap();
    fs::write(folder.socket(), "somebody else's").unwrap();
    drop(listener);
    assert_eq!(fs::read(folder.socket()).unwrap(), b"somebody else's");
}

#[test]
fn a_stale_socket_is_replaced() {
    let folder = Folder::new();
    // std's listener leaves its file behind, like a process that was killed.
    drop(UnixListener::bind(folder.socket()).unwrap());
    assert!(folder.socket().exists());
    let listener = bind(&folder.socket()).unwrap();
    assert!(Stream::connect(listener.local_address()).is_ok());
}

#[test]
fn a_live_socket_is_not_replaced() {
    let folder = Folder::new();
    let first = bind(&folder.socket()).unwrap();
    assert_eq!(bind(&folder.socket()).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert!(Stream::connect(first.local_address()).is_ok());
}

#[test]
fn a_file_that_is_no_socket_is_not_replaced() {
    let folder = Folder::new();
    fs::write(folder.socket(), "precious").unwrap();
    assert_eq!(bind(&folder.socket()).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(fs::read(folder.socket()).unwrap(), b"precious");
}

#[test]
fn the_file_has_the_mode_that_was_asked_for() {
    let folder = Folder::new();
    for mode in [0o600, 0o660, 0o777] {
        let options = ListenOptions { unix_mode: Some(mode), ..ListenOptions::default() };
        let _listener = Listener::bind(&Address::Unix(Some(folder.socket())), &options).unwrap();
        assert_eq!(fs::metadata(folder.socket()).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn paths_that_cannot_be() {
    let folder = Folder::new();
    let long = folder.0.join("x".repeat(200));
    assert_eq!(bind(&long).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(bind(&folder.0.join("none/socket")).unwrap_err().kind(), ErrorKind::NotFound);
    let unnamed = Listener::bind(&Address::Unix(None), &ListenOptions::default());
    assert_eq!(unnamed.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(Stream::connect(&Address::Unix(None)).is_err());
}
