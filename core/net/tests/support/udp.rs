//! UDP sockets for tests: inside a driver, and plain ones outside.

use super::{PATIENCE, event};
use flare_net::{Driver, Ecn, Event, UdpKey, UdpOptions, UdpSocket};
use std::net::{SocketAddr, UdpSocket as Plain};

/// One received datagram, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub bytes: Vec<u8>,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub ecn: Ecn,
}

/// Any port of this address.
pub fn any_port(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 0)
}

/// A socket inside the driver, and its address.
pub fn bind(driver: &mut Driver, ip: &str, options: &UdpOptions) -> (UdpKey, SocketAddr) {
    let socket = UdpSocket::bind(&any_port(ip), options).unwrap();
    let address = socket.local_address();
    (driver.bind_udp(socket).unwrap(), address)
}

/// A plain socket, which blocks.
pub fn plain(ip: &str) -> (Plain, SocketAddr) {
    let socket = Plain::bind(any_port(ip)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// The datagrams of the next batches of `socket`, until there are so many, and nothing else.
pub fn receive(driver: &mut Driver, socket: UdpKey, count: usize) -> Vec<Kept> {
    let mut all = Vec::new();
    while all.len() < count {
        match event(driver) {
            Event::Datagrams { socket: of, batch } if of == socket => all.extend(keep(driver, batch)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(all.len(), count);
    all
}

/// Everything in a batch, which is given back.
pub fn keep(driver: &mut Driver, mut batch: flare_net::Datagrams) -> Vec<Kept> {
    let mut all = Vec::new();
    let mut left = batch.len();
    assert!(left > 0 && !batch.is_empty());
    while let Some(datagram) = batch.next() {
        let (from, to, ecn) = (datagram.from, datagram.to, datagram.ecn);
        all.push(Kept { bytes: datagram.bytes.to_vec(), from, to, ecn });
        left -= 1;
        assert_eq!(batch.len(), left);
    }
    assert!(batch.is_empty() && left == 0);
    driver.recycle_datagrams(batch);
    all
}
