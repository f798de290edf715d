//! How a driver accepts: in batches, paused and resumed, from listeners that share a port or a socket.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::{Address, Driver, Event, Key, ListenOptions, Listener, ListenerKey, Peer, Stream};
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::time::Duration;
use support::{DRIVERS, Make, event, receive, run};

fn any_port() -> Address {
    ([127, 0, 0, 1], 0).into()
}

fn bind(address: &Address) -> Listener {
    Listener::bind(address, &ListenOptions::default()).unwrap()
}

/// A driver with one listener.
fn listening(driver: Make, exclusive: bool) -> (Driver, ListenerKey, Address) {
    let mut driver = driver(64);
    let listener = bind(&any_port());
    let address = listener.local_address().clone();
    let key = driver.listen(listener, exclusive).unwrap();
    (driver, key, address)
}

/// The next event, which must be a new connection.
fn accepted(driver: &mut Driver) -> (ListenerKey, Key, Peer) {
    match event(driver) {
        Event::Accepted { listener, key, peer } => (listener, key, peer),
        other => panic!("{other:?}"),
    }
}

/// How many connections the next turn accepts, without waiting.
fn accepted_in_turn(driver: &mut Driver) -> usize {
    driver.wait(Some(Duration::ZERO)).unwrap();
    let mut count = 0;
    while let Some(event) = driver.next() {
        assert!(matches!(event, Event::Accepted { .. }), "{event:?}");
        count += 1;
    }
    count
}

#[test]
fn an_accepted_connection_is_read() {
    for driver in DRIVERS {
        for exclusive in [false, true] {
            let (mut driver, listener, address) = listening(driver, exclusive);
            let Address::Ip(ip) = address else { panic!("{address}") };
            assert_ne!(ip.port(), 0);
            let mut client = Stream::connect(&address).unwrap();
            let (from, key, peer) = accepted(&mut driver);
            assert_eq!(from, listener);
            let near = socket2::SockRef::from(&client).local_addr().unwrap().as_socket().unwrap();
            assert_eq!(peer, Peer::Ip(near));
            assert_eq!(driver.local_address(key).unwrap(), address);
            client.write_all(b"hello").unwrap();
            assert_eq!(receive(&mut driver, key, 5), b"hello");
        }
    }
}

#[test]
fn a_crowd_is_accepted_in_batches() {
    for driver in DRIVERS {
        let (mut driver, _, address) = listening(driver, false);
        let clients: Vec<_> = (0..150).map(|_| Stream::connect(&address).unwrap()).collect();
        assert_eq!(accepted_in_turn(&mut driver), 64);
        assert!(driver.is_ready());
        assert_eq!(accepted_in_turn(&mut driver), 64);
        assert_eq!(accepted_in_turn(&mut driver), 22);
        assert!(!driver.is_ready());
        assert_eq!(driver.len(), clients.len());
    }
}

#[test]
fn a_paused_listener_lets_connections_wait() {
    for driver in DRIVERS {
        for exclusive in [false, true] {
            let (mut driver, listener, address) = listening(driver, exclusive);
            driver.pause_accept(listener);
            driver.pause_accept(listener);
            let mut clients = vec![Stream::connect(&address).unwrap()];
            assert_eq!(accepted_in_turn(&mut driver), 0);
            driver.resume_accept(listener);
            driver.resume_accept(listener);
            assert_eq!(accepted_in_turn(&mut driver), 1);

            // Also in the middle of a batch.
            clients.extend((0..3).map(|_| Stream::connect(&address).unwrap()));
            accepted(&mut driver);
            driver.pause_accept(listener);
            assert!(driver.next().is_none());
            assert_eq!(accepted_in_turn(&mut driver), 0);
            driver.resume_accept(listener);
            assert_eq!(accepted_in_turn(&mut driver), 2);

            clients.push(Stream::connect(&address).unwrap());
            assert_eq!(accepted_in_turn(&mut driver), 1);
            assert_eq!(driver.len(), clients.len());
        }
    }
}

#[test]
fn several_listeners_are_told_apart() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let listeners = [bind(&any_port()), bind(&any_port())];
        let addresses = listeners.each_ref().map(|listener| listener.local_address().clone());
        let keys = listeners.map(|listener| driver.listen(listener, false).unwrap());
        assert_ne!(keys[0], keys[1]);
        let mut clients = Vec::new();
        for place in [1, 0] {
            clients.push(Stream::connect(&addresses[place]).unwrap());
            assert_eq!(accepted(&mut driver).0, keys[place]);
        }
    }
}

#[test]
fn a_closed_listener_refuses() {
    for driver in DRIVERS {
        let (mut driver, listener, address) = listening(driver, false);
        let _waiting = Stream::connect(&address).unwrap();
        driver.close_listener(listener);
        driver.close_listener(listener);
        driver.pause_accept(listener);
        driver.resume_accept(listener);
        assert_eq!(accepted_in_turn(&mut driver), 0);
        assert_eq!(Stream::connect(&address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn an_address_in_use_is_refused() {
    let first = bind(&any_port());
    let second = Listener::bind(first.local_address(), &ListenOptions::default());
    assert_eq!(second.unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[test]
fn two_listeners_share_a_port() {
    for driver in DRIVERS {
        let options = ListenOptions { reuse_port: true, ..ListenOptions::default() };
        let first = Listener::bind(&any_port(), &options).unwrap();
        let address = first.local_address().clone();
        let second = Listener::bind(&address, &options).unwrap();
        assert_eq!(second.local_address(), &address);
        let (mut one, mut two) = (driver(64), driver(64));
        one.listen(first, false).unwrap();
        two.listen(second, false).unwrap();
        // Each goes either way with the same chance: all on one side happens once in 2^63 runs.
        let clients: Vec<_> = (0..64).map(|_| Stream::connect(&address).unwrap()).collect();
        let counts = [accepted_in_turn(&mut one), accepted_in_turn(&mut two)];
        assert_eq!(counts[0] + counts[1], clients.len());
        if cfg!(target_os = "linux") {
            assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
        }
    }
}

#[test]
fn drivers_in_two_threads_share_a_listener() {
    for driver in DRIVERS {
        const CLIENTS: usize = 200;
        for exclusive in [false, true] {
            let listener = bind(&any_port());
            let address = listener.local_address().clone();
            let (count, counted) = std::sync::mpsc::channel();
            let mut threads = Vec::new();
            for listener in [listener.try_clone().unwrap(), listener] {
                let mut driver = driver(64);
                driver.listen(listener, exclusive).unwrap();
                let (stop, mut stopped) = driver.mailbox::<()>(1).unwrap();
                let count = count.clone();
                let thread = std::thread::spawn(move || {
                    run(&mut driver, |_, event| match event {
                        Event::Accepted { .. } => {
                            count.send(()).unwrap();
                            ControlFlow::Continue(())
                        }
                        Event::Woken => {
                            stopped.take(&mut Vec::new());
                            ControlFlow::Break(())
                        }
                        other => panic!("{other:?}"),
                    });
                    driver.len()
                });
                threads.push((thread, stop));
            }
            let mut clients = Vec::new();
            for _ in 0..CLIENTS {
                clients.push(Stream::connect(&address).unwrap());
                counted.recv_timeout(support::PATIENCE).unwrap();
            }
            let mut total = 0;
            for (thread, stop) in threads {
                stop.post(()).unwrap();
                total += thread.join().unwrap();
            }
            assert_eq!(total, CLIENTS);
        }
    }
}

#[test]
fn a_paused_or_closed_clone_leaves_connections_to_the_other() {
    for driver in DRIVERS {
        for exclusive in [false, true] {
            let listener = bind(&any_port());
            let address = listener.local_address().clone();
            let (mut one, mut two) = (driver(64), driver(64));
            let first = one.listen(listener.try_clone().unwrap(), exclusive).unwrap();
            two.listen(listener, exclusive).unwrap();
            one.pause_accept(first);
            let _client = Stream::connect(&address).unwrap();
            assert_eq!((accepted_in_turn(&mut one), accepted_in_turn(&mut two)), (0, 1));
            one.resume_accept(first);
            one.close_listener(first);
            let _client = Stream::connect(&address).unwrap();
            assert_eq!((accepted_in_turn(&mut one), accepted_in_turn(&mut two)), (0, 1));
        }
    }
}

#[test]
fn ipv6_and_both_families() {
    for driver in DRIVERS {
        let local: Address = "[::1]:0".parse::<std::net::SocketAddr>().unwrap().into();
        let listener = match Listener::bind(&local, &ListenOptions::default()) {
            Ok(listener) => listener,
            // A machine without IPv6 has nothing to test.
            Err(error) => {
                eprintln!("IPv6 is not tested here: {error}");
                return;
            }
        };
        let mut driver = driver(64);
        let address = listener.local_address().clone();
        driver.listen(listener, false).unwrap();
        let _client = Stream::connect(&address).unwrap();
        assert!(matches!(accepted(&mut driver).2, Peer::Ip(ip) if ip.is_ipv6()));

        let any: Address = "[::]:0".parse::<std::net::SocketAddr>().unwrap().into();
        for v6_only in [true, false] {
            let listener =
                Listener::bind(&any, &ListenOptions { v6_only, ..ListenOptions::default() }).unwrap();
            let Address::Ip(ip) = listener.local_address() else { panic!("{listener:?}") };
            let over_v4 = Stream::connect(&([127, 0, 0, 1], ip.port()).into());
            assert_eq!(over_v4.is_err(), v6_only);
        }
    }
}
