//! Termination signals. Alone in its process: signals are for all of it.
#![allow(clippy::unwrap_used, unsafe_code)]

use flare_net::{Signal, TerminationSignals};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
/// Tells this program that it is the child of `watching`.
const CHILD: &str = "FLARE_NET_SIGNAL_CHILD";

fn raise(signal: i32) {
    // SAFETY: raising a signal reads and writes no memory of ours; its handlers are signal-hook's.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

fn watch() -> (TerminationSignals, mpsc::Receiver<Signal>) {
    let (sender, receiver) = mpsc::channel();
    let signals = TerminationSignals::start(move |signal| sender.send(signal).unwrap()).unwrap();
    (signals, receiver)
}

/// One test for all, one after the other: a process has one set of signals.
#[test]
fn watching() {
    if std::env::var_os(CHILD).is_none() {
        signals_are_told_to_all_watchers_again_and_again();
        a_callback_may_drop_its_own_watcher();
        the_default_comes_back();
    }
}

fn signals_are_told_to_all_watchers_again_and_again() {
    for _ in 0..2 {
        let (first, told) = watch();
        raise(libc::SIGTERM);
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Signal::Terminate);
        let (second, also) = watch();
        raise(libc::SIGINT);
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Signal::Interrupt);
        assert_eq!(also.recv_timeout(PATIENCE).unwrap(), Signal::Interrupt);
        drop(second);
        assert!(also.recv_timeout(PATIENCE).is_err(), "its callback was not dropped");
        raise(libc::SIGTERM);
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Signal::Terminate);
        drop(first);
    }
}

/// In the child: watches, stops watching, and is ended by the signal.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_some() {
        let (signals, told) = watch();
        raise(libc::SIGTERM);
        told.recv_timeout(PATIENCE).unwrap();
        drop(signals);
        raise(libc::SIGTERM);
        unreachable!("the default action of SIGTERM is to end the process");
    }
}

fn the_default_comes_back() {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap()
        .status;
    assert_eq!(status.signal(), Some(libc::SIGTERM), "{status}");
}

fn a_callback_may_drop_its_own_watcher() {
    let (give, taken) = mpsc::channel::<TerminationSignals>();
    let (sender, told) = mpsc::channel();
    let signals = TerminationSignals::start(move |_| {
        drop(taken.recv().unwrap());
        sender.send(()).unwrap();
    })
    .unwrap();
    give.send(signals).unwrap();
    raise(libc::SIGINT);
    told.recv_timeout(PATIENCE).unwrap();
}
