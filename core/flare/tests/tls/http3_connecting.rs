//! The way to a connection of HTTP/3: names, several addresses, loops, and giving up.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use flare::client::{Client, ConnectingHttp3, Event, Request as Ask};
use flare::connect::{
    ConnectConfig, ConnectError, ConnectFailure, Connector, HostName, Lookup, Phase, ResolveError, Resolver,
    ResolverOptions,
};

use super::http3_client::served;

/// What a resolver is told for every name.
struct Told(Result<Vec<SocketAddr>, ResolveError>);

impl Lookup for Told {
    fn lookup(&self, _: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
        self.0.clone()
    }
}

fn told(connector: Connector, addresses: &[&str]) -> Connector {
    let found: Vec<SocketAddr> =
        addresses.iter().map(|one| SocketAddr::new(one.parse().unwrap(), 0)).collect();
    let found = if found.is_empty() { Err(ResolveError::NotFound) } else { Ok(found) };
    connector.with_resolver(Resolver::new(ResolverOptions::default(), Told(found)))
}

fn version(mut client: Client) -> Vec<u8> {
    client.fetch(&Ask::new("GET", "localhost", "/version"), b"").unwrap().content
}

/// What a loop does: waits until the descriptor is readable, and polls.
fn poll_to_its_end(connecting: &ConnectingHttp3) -> Result<Client, ConnectError> {
    loop {
        let begun = Instant::now();
        let made = connecting.poll()?;
        assert!(begun.elapsed() < Duration::from_secs(5), "it blocked");
        if let Some(client) = made {
            return Ok(client);
        }
        let mut watched = [rustix::event::PollFd::new(&connecting, rustix::event::PollFlags::IN)];
        let patience = Duration::from_secs(20).try_into().unwrap();
        assert_eq!(rustix::event::poll(&mut watched, Some(&patience)).unwrap(), 1, "nothing came");
    }
}

#[test]
fn a_loop_connects_without_blocking() {
    let served = served();
    let connecting = Client::begin_http3(&served.connector(), &served.target).unwrap();
    assert_eq!(connecting.target(), served.target);
    assert_eq!(version(poll_to_its_end(&connecting).unwrap()), b"Http3");
    assert!(matches!(connecting.poll().unwrap_err().failure(), ConnectFailure::Over));
}

#[test]
fn an_address_that_is_silent_does_not_hold_up_the_next() {
    let served = served();
    let port = served.target.rsplit(':').next().unwrap();
    let silent = UdpSocket::bind(format!("127.0.0.2:{port}")).unwrap();
    let connector = told(served.connector(), &["127.0.0.2", "127.0.0.1"]);
    let begun = Instant::now();
    let connecting = Client::begin_http3(&connector, &served.target).unwrap();
    assert_eq!(version(poll_to_its_end(&connecting).unwrap()), b"Http3");
    assert!(begun.elapsed() < Duration::from_secs(9), "it waited for all of the time limit");
    let mut datagram = [0; 2048];
    assert!(silent.recv(&mut datagram).unwrap() >= 1200, "the first address was tried first");
}

#[test]
fn a_name_without_addresses_fails_in_the_lookup() {
    let served = served();
    let error = Client::connect_http3(&told(served.connector(), &[]), &served.target).unwrap_err();
    assert!(error.phase() == Phase::Resolve && matches!(error.failure(), ConnectFailure::Dial(_)), "{error}");
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn another_thread_gives_it_up() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let connecting = Client::begin_http3(&Connector::default(), &target).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| connecting.wait(None));
        // The first datagram shows that it is on its way.
        silent.recv(&mut [0; 2048]).unwrap();
        connecting.cancel();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(matches!(error.failure(), ConnectFailure::Cancelled), "{error}");
    });
}

#[test]
fn a_wait_may_be_shorter_than_the_attempt() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let config = ConnectConfig::default().with_timeout(Duration::from_millis(300));
    let connecting = Client::begin_http3(&Connector::new(config).unwrap(), &target).unwrap();
    assert!(connecting.wait(Some(Duration::from_millis(20))).unwrap().is_none());
    // A loop goes on with it, and hears of its end by the descriptor.
    let error = poll_to_its_end(&connecting).unwrap_err();
    assert!(
        error.phase() == Phase::Tls && matches!(error.failure(), ConnectFailure::TlsTimeout(_)),
        "{error}"
    );
}

/// Carries datagrams between one client and a server, and loses as many of the client's as it is told to.
fn lossy(server: &str, lose: Arc<AtomicUsize>) -> SocketAddr {
    let (front, back) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let address = front.local_addr().unwrap();
    back.connect(server).unwrap();
    let client = Arc::new(OnceLock::new());
    let (to_client, from_server, known) =
        (front.try_clone().unwrap(), back.try_clone().unwrap(), client.clone());
    std::thread::spawn(move || {
        let mut datagram = [0; 65536];
        while let Ok(length) = from_server.recv(&mut datagram) {
            let to: &SocketAddr = known.wait();
            let _ = to_client.send_to(&datagram[..length], to);
        }
    });
    std::thread::spawn(move || {
        let mut datagram = [0; 65536];
        while let Ok((length, from)) = front.recv_from(&mut datagram) {
            let _ = client.set(from);
            let less = |left: usize| left.checked_sub(1);
            if lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
                let _ = back.send(&datagram[..length]);
            }
        }
    });
    address
}

#[test]
fn a_loop_is_woken_to_send_again_what_was_lost() {
    let served = served();
    let lose = Arc::new(AtomicUsize::new(0));
    let port = served.target.rsplit(':').next().unwrap();
    let address = lossy(&format!("127.0.0.1:{port}"), Arc::clone(&lose));
    let target = format!("localhost:{}", address.port());
    let connecting = Client::begin_http3(&served.connector(), &target).unwrap();
    let mut client = poll_to_its_end(&connecting).unwrap();
    // Until nothing more is on its way, the loop has been told of a deadline far away.
    let patience = Duration::from_secs(20).try_into().unwrap();
    let mut idle = false;
    while !idle {
        while client.next_event(Some(Duration::ZERO)).is_ok() {}
        let mut watched = [rustix::event::PollFd::new(&client, rustix::event::PollFlags::IN)];
        let quiet = Duration::from_millis(500).try_into().unwrap();
        idle = rustix::event::poll(&mut watched, Some(&quiet)).unwrap() == 0;
    }
    // The request, and what goes beside it to QPACK's decoder.
    lose.store(2, Ordering::SeqCst);
    let begun = Instant::now();
    let id = client.open(&Ask::new("GET", "localhost", "/version")).unwrap();
    'all: loop {
        let mut watched = [rustix::event::PollFd::new(&client, rustix::event::PollFlags::IN)];
        assert_eq!(rustix::event::poll(&mut watched, Some(&patience)).unwrap(), 1, "nothing came");
        loop {
            match client.next_event(Some(Duration::ZERO)) {
                Ok(Some(Event::End(ended, _))) if ended == id => break 'all,
                Ok(Some(Event::Head(..) | Event::Data(..))) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(
        lose.load(Ordering::SeqCst) == 0 && begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_loop_that_left_early_is_woken() {
    let served = served();
    let mut client = Client::connect_http3(&served.connector(), &served.target).unwrap();
    while client.next_event(Some(Duration::ZERO)).is_ok() {}
    assert!(client.wake());
    let mut watched = [rustix::event::PollFd::new(&client, rustix::event::PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut watched, Some(&Duration::ZERO.try_into().unwrap())).unwrap(), 1);
}
