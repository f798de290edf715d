//! Where a server listens: TCP, IPv6 and Unix sockets, free ports, and how connections spread over workers.
#![allow(clippy::unwrap_used)]

mod common;

use std::cell::Cell;
use std::sync::Arc;

use common::{Client, Gate, one_worker, socket_path, start, workers};
use flare::prelude::*;
use flare::{Address, Error};

fn router() -> Router {
    let mut router = Router::new();
    router.get("/peer", |request: &Request| request.peer().to_string()).unwrap();
    router
}

#[test]
fn one_server_listens_on_several_addresses_of_all_sorts() {
    let path = socket_path();
    let running = Server::new(router())
        .config(workers(2))
        .listen("127.0.0.1:0")
        .unwrap()
        .listen("[::1]:0")
        .unwrap()
        .listen(&format!("unix:{}", path.display()))
        .unwrap()
        .listen("127.0.0.1:0")
        .unwrap()
        .bind()
        .unwrap()
        .start()
        .unwrap();
    let addresses = running.addresses().to_vec();
    assert_eq!(addresses.len(), 4);
    let mut ports = Vec::new();
    for address in &addresses {
        let mut client = Client::connect(address);
        let own = match address {
            Address::Ip(ip) => {
                ports.push(ip.port());
                socket2::SockRef::from(&client.stream).local_addr().unwrap().as_socket().unwrap().to_string()
            }
            Address::Unix(_) => "unix:".to_owned(),
        };
        assert_eq!(client.get("/peer").text(), own, "{address}");
    }
    assert!(ports.iter().all(|port| *port != 0), "{ports:?}");
    assert_ne!(ports[0], ports[2], "two addresses of one server share a port");
    assert!(matches!(&addresses[1], Address::Ip(ip) if ip.is_ipv6()));
    assert!(path.exists());
    drop(running);
    assert!(!path.exists(), "the socket file was left behind");
    for address in &addresses {
        assert!(flare_net::Stream::connect(address).is_err(), "{address} still listens");
    }
}

#[test]
fn clients_that_come_before_the_start_wait() {
    let bound = Server::new(router()).config(one_worker()).listen("127.0.0.1:0").unwrap().bind().unwrap();
    let mut client = Client::connect(&bound.addresses()[0]);
    client.send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
    let running = bound.start().unwrap();
    assert_eq!(client.answer().status, 200);
    drop(running);
}

thread_local! {
    /// The number of the worker that runs on this thread.
    static WORKER: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// A server whose `/meet` answers when all workers are in its handler.
fn meeting(config: ServerConfig, address: &str) -> (flare::server::RunningServer, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let (inside, count) = (Arc::clone(&gate), config.workers);
    let mut router = Router::new();
    router.get("/meet", move |_: &Request| if inside.pass(WORKER.get(), count) { 200 } else { 500 }).unwrap();
    let server = Server::new(router).config(config).on_worker_start(|context| WORKER.set(context.worker()));
    (server.listen(address).unwrap().bind().unwrap().start().unwrap(), gate)
}

#[test]
fn each_worker_has_a_listener_of_its_own() {
    let (running, _gate) = meeting(workers(4), "127.0.0.1:0");
    // The system spreads them by a hash of the addresses: with so many, that none is left for a worker does not happen.
    let mut clients: Vec<_> = (0..200).map(|_| Client::connect(&running.addresses()[0])).collect();
    for client in &mut clients {
        client.send("GET /meet HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 200, "not all workers got a connection");
    }
    assert_eq!(listening(&running.addresses()[0]), 4);
}

/// How many sockets of this machine listen at an IPv4 address.
fn listening(address: &Address) -> usize {
    let Address::Ip(ip) = address else { return 0 };
    // The second column is the address, in hexadecimal digits; state 0A is LISTEN.
    let port = format!(":{:04X}", ip.port());
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.filter(|fields| fields[1].ends_with(&port) && fields[3] == "0A").count()
}

fn busy_workers_leave_connections_to_the_others(config: ServerConfig, address: &str) {
    let (running, gate) = meeting(config, address);
    let clients: Vec<_> = (1..=4)
        .map(|count| {
            let mut client = Client::connect(&running.addresses()[0]);
            client.send("GET /meet HTTP/1.1\r\nHost: a\r\n\r\n");
            // All workers before are held in their handler, so this connection is for another one.
            assert!(gate.wait(count), "connection {count} went to nobody");
            client
        })
        .collect();
    for mut client in clients {
        assert_eq!(client.answer().status, 200);
    }
    assert!(listening(&running.addresses()[0]) <= 1);
}

#[test]
fn all_workers_may_share_a_listener() {
    let config = ServerConfig { shared_listener: true, ..workers(4) };
    busy_workers_leave_connections_to_the_others(config, "127.0.0.1:0");
}

#[test]
fn all_workers_share_a_unix_listener() {
    busy_workers_leave_connections_to_the_others(workers(4), &format!("unix:{}", socket_path().display()));
}

#[test]
fn what_can_not_be_bound_is_named() {
    let taken = start(router(), one_worker());
    let address = taken.addresses()[0].to_string();
    let error = Server::new(router()).config(one_worker()).listen(&address).unwrap().bind().unwrap_err();
    assert!(matches!(&error, Error::Bind { address: named, .. } if *named == address), "{error}");
    // Workers with listeners of their own share an address, but not with another server.
    let taken = start(router(), workers(2));
    let address = taken.addresses()[0].to_string();
    for count in [1, 2] {
        let error =
            Server::new(router()).config(workers(count)).listen(&address).unwrap().bind().unwrap_err();
        assert!(matches!(&error, Error::Bind { address: named, .. } if *named == address), "{error}");
    }
    drop(taken);
    let again = Server::new(router()).config(workers(2)).listen(&address).unwrap().bind().unwrap();
    assert_eq!(again.addresses()[0].to_string(), address);
    assert!(matches!(Server::new(router()).listen("nonsense"), Err(Error::Address { .. })));
    assert!(matches!(Server::new(router()).bind(), Err(Error::State(_))));
    let wrong = ServerConfig { backlog: 0, ..one_worker() };
    let error = Server::new(router()).config(wrong).listen("127.0.0.1:0").unwrap().bind().unwrap_err();
    assert!(matches!(&error, Error::Config(config) if config.field == "backlog"), "{error}");
}

#[test]
fn servers_that_agree_share_a_port() {
    let config = || ServerConfig { reuse_port: true, ..one_worker() };
    let first = start(router(), config());
    let address = first.addresses()[0].to_string();
    let second = Server::new(router()).config(config()).listen(&address).unwrap().bind().unwrap();
    assert_eq!(listening(&second.addresses()[0]), 2);
    let error = Server::new(router()).config(one_worker()).listen(&address).unwrap().bind().unwrap_err();
    assert!(matches!(error, Error::Bind { .. }), "{error}");
}

#[test]
fn a_socket_file_of_a_dead_server_is_replaced() {
    let path = socket_path();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let address = format!("unix:{}", path.display());
    let server = || Server::new(router()).config(one_worker()).listen(&address).unwrap();
    let running = server().bind().unwrap().start().unwrap();
    assert_eq!(Client::connect(&running.addresses()[0]).get("/peer").status, 200);
    assert!(matches!(server().bind(), Err(Error::Bind { .. })), "the file of a living server was taken");
}
