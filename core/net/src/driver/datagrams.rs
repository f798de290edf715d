//! UDP sockets inside a driver: received and sent in batches.

use super::{Driver, Sent};
use crate::key::{MOST_UDP_SOCKETS, Target, UdpKey};
use crate::udp::{Way, deliver};
use crate::{Datagrams, Event, Transmits, UdpCounters, UdpSocket};
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

/// Errors that a socket reports one after the other, before a driver waits for the next event.
const ERRORS: usize = 64;

/// A UDP socket inside a driver.
pub(super) struct Endpoint {
    socket: UdpSocket,
    /// The system may have datagrams.
    readable: bool,
    /// The system may take datagrams again.
    writable: bool,
    /// In the ready queue.
    queued: bool,
    /// Registered for writability: something waits.
    watches_write: bool,
    unsent: Transmits,
    counters: UdpCounters,
}

impl Endpoint {
    /// Remembers an event. Whether the socket must be queued for it.
    pub(super) fn note(&mut self, event: &mio::event::Event) -> bool {
        // An error is read like a datagram.
        self.readable |= event.is_readable() || event.is_error();
        self.writable |= event.is_writable() || event.is_error();
        !std::mem::replace(&mut self.queued, true)
    }

    /// Sends what waits. True: nothing is left.
    fn flush(&mut self, key: UdpKey, registry: &Registry) -> bool {
        let mut segments = self.socket.segments;
        let full = deliver(&mut self.unsent, &mut Way(&self.socket), &mut segments, &mut self.counters);
        self.socket.segments = segments;
        if !full {
            self.watch(key, registry, false);
        }
        !full
    }

    /// Receives a batch, and remembers whether there may be more. False: nothing came.
    fn receive(&mut self, batch: &mut Datagrams) -> bool {
        let mut errors = 0;
        while errors < ERRORS {
            match batch.receive(&self.socket) {
                Ok(haul) => {
                    let counters = &mut self.counters;
                    counters.receive_calls += 1;
                    counters.received += batch.len() as u64;
                    counters.received_bytes += batch.size() as u64;
                    counters.truncated += haul.truncated as u64;
                    // After a batch that is not full the system has no more: the next event comes with the next datagram.
                    self.readable = haul.full;
                    return !batch.is_empty();
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => {}
                    // What a router or the peer's system answered to a datagram. What was received waits behind it.
                    _ => {
                        errors += 1;
                        self.counters.receive_errors += 1;
                    }
                },
            }
        }
        false
    }

    /// Asks the system to say when a socket that is full takes datagrams again, or no longer to: each one that leaves would be an event.
    fn watch(&mut self, key: UdpKey, registry: &Registry, write: bool) {
        if self.watches_write != write {
            let interest = if write { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let fd = self.socket.socket.as_raw_fd();
            let token = Target::Udp(key).to_token();
            // Where that fails, for want of memory, the next send tries again.
            if registry.reregister(&mut SourceFd(&fd), token, interest).is_ok() {
                self.watches_write = write;
            }
        }
    }
}

/// The table of UDP sockets.
pub(super) struct UdpSockets {
    places: Vec<Place>,
    free: Vec<u32>,
}

struct Place {
    generation: u32,
    endpoint: Option<Box<Endpoint>>,
}

impl UdpSockets {
    pub(super) const fn new() -> UdpSockets {
        UdpSockets { places: Vec::new(), free: Vec::new() }
    }

    fn insert(&mut self, endpoint: Box<Endpoint>) -> io::Result<UdpKey> {
        if let Some(index) = self.free.pop()
            && let Some(place) = self.places.get_mut(index as usize)
        {
            place.endpoint = Some(endpoint);
            return Ok(UdpKey { index, generation: place.generation });
        }
        let index = u32::try_from(self.places.len()).ok().filter(|index| *index < MOST_UDP_SOCKETS);
        let Some(index) = index else {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, "too many UDP sockets"));
        };
        self.places.push(Place { generation: 0, endpoint: Some(endpoint) });
        Ok(UdpKey { index, generation: 0 })
    }

    pub(super) fn get(&mut self, key: UdpKey) -> Option<&mut Endpoint> {
        let place = self.places.get_mut(key.index())?;
        if place.generation == key.generation { place.endpoint.as_deref_mut() } else { None }
    }

    fn peek(&self, key: UdpKey) -> Option<&Endpoint> {
        let place = self.places.get(key.index())?;
        if place.generation == key.generation { place.endpoint.as_deref() } else { None }
    }

    fn remove(&mut self, key: UdpKey) -> Option<Box<Endpoint>> {
        let place = self.places.get_mut(key.index())?;
        if place.generation != key.generation {
            return None;
        }
        let endpoint = place.endpoint.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(key.index);
        Some(endpoint)
    }
}

impl Driver {
    /// Takes over a UDP socket, and begins to receive from it: [`Event::Datagrams`] follows.
    ///
    /// # Errors
    /// What the system says when it cannot watch the socket: out of memory, or of watches.
    ///
    /// # Example
    ///
    /// ```
    /// use flare_net::{Driver, DriverOptions, Ecn, Event, Transmits, UdpOptions, UdpSocket};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let mut driver = Driver::new(DriverOptions::default())?;
    /// let echo = UdpSocket::bind(&([127, 0, 0, 1], 0).into(), &UdpOptions::default())?;
    /// let address = echo.local_address();
    /// driver.bind_udp(echo)?;
    ///
    /// let client = std::net::UdpSocket::bind("127.0.0.1:0")?;
    /// client.send_to(b"hello", address)?;
    ///
    /// let mut transmits = Transmits::new();
    /// 'serve: loop {
    ///     driver.wait(None)?;
    ///     while let Some(event) = driver.next() {
    ///         if let Event::Datagrams { socket, mut batch } = event {
    ///             while let Some(datagram) = batch.next() {
    ///                 transmits.push(datagram.bytes, datagram.from, Some(datagram.to), Ecn::NotEct);
    ///             }
    ///             driver.recycle_datagrams(batch);
    ///             driver.send_datagrams(socket, &mut transmits);
    ///             break 'serve;
    ///         }
    ///     }
    /// }
    /// let mut room = [0; 100];
    /// let (length, from) = client.recv_from(&mut room)?;
    /// assert_eq!((&room[..length], from), (&b"hello"[..], address));
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_udp(&mut self, socket: UdpSocket) -> io::Result<UdpKey> {
        let fd = socket.socket.as_raw_fd();
        let endpoint = Endpoint {
            socket,
            readable: false,
            writable: false,
            queued: false,
            watches_write: false,
            unsent: Transmits::new(),
            counters: UdpCounters::default(),
        };
        let key = self.udp_sockets.insert(Box::new(endpoint))?;
        let token = Target::Udp(key).to_token();
        if let Err(error) = self.poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE) {
            self.udp_sockets.remove(key);
            return Err(error);
        }
        Ok(key)
    }

    /// Closes a UDP socket. Datagrams that wait to be sent are dropped.
    pub fn close_udp(&mut self, socket: UdpKey) {
        // Closing the last descriptor also ends the watch.
        self.udp_sockets.remove(socket);
    }

    /// Takes back the buffers that came with [`Event::Datagrams`].
    pub fn recycle_datagrams(&mut self, batch: Datagrams) {
        self.batches.give_back(batch);
    }

    /// Sends datagrams, behind those that wait already, and empties `transmits` in any case. What the system does not take now waits, up to
    /// [`UdpOptions::unsent_limit`](crate::UdpOptions::unsent_limit): what comes beyond that is dropped, as a network would, and counted. `Queued`:
    /// make no more until [`Event::DatagramsFlushed`].
    ///
    /// There is no error: a datagram that the system refuses (too long, no route, forbidden) is lost like one on the way, and counted
    /// ([`Driver::udp_counters`]). For a key that was closed everything is dropped.
    pub fn send_datagrams(&mut self, socket: UdpKey, transmits: &mut Transmits) -> Sent {
        let Some(endpoint) = self.udp_sockets.get(socket) else {
            transmits.clear();
            return Sent::All;
        };
        if endpoint.unsent.is_empty() {
            let mut segments = endpoint.socket.segments;
            let way = &mut Way(&endpoint.socket);
            let full = deliver(transmits, way, &mut segments, &mut endpoint.counters);
            endpoint.socket.segments = segments;
            if !full {
                return Sent::All;
            }
        }
        endpoint.watch(socket, self.poll.registry(), true);
        let dropped = endpoint.unsent.append(transmits, endpoint.socket.unsent_limit);
        endpoint.counters.overflowed += dropped as u64;
        Sent::Queued
    }

    /// How many bytes of datagrams of a socket wait to be sent.
    pub fn unsent_datagrams(&self, socket: UdpKey) -> usize {
        self.udp_sockets.peek(socket).map_or(0, |endpoint| endpoint.unsent.size())
    }

    /// What a UDP socket has done so far. All 0 for a key that was closed.
    pub fn udp_counters(&self, socket: UdpKey) -> UdpCounters {
        self.udp_sockets.peek(socket).map_or_else(UdpCounters::default, |endpoint| endpoint.counters)
    }

    /// Where a UDP socket is bound. `None` for a key that was closed.
    pub fn udp_address(&self, socket: UdpKey) -> Option<SocketAddr> {
        self.udp_sockets.peek(socket).map(|endpoint| endpoint.socket.local_address())
    }

    /// Sends what waits, then receives.
    pub(super) fn serve_datagrams(&mut self, key: UdpKey) -> Option<Event> {
        let endpoint = self.udp_sockets.get(key)?;
        endpoint.queued = false;
        if std::mem::take(&mut endpoint.writable)
            && endpoint.watches_write
            && endpoint.flush(key, self.poll.registry())
        {
            if endpoint.readable {
                endpoint.queued = true;
                self.ready.push_front(Target::Udp(key));
                self.turn += 1;
            }
            return Some(Event::DatagramsFlushed { socket: key });
        }
        if !std::mem::take(&mut endpoint.readable) {
            return None;
        }
        self.receive_datagrams(key)
    }

    fn receive_datagrams(&mut self, key: UdpKey) -> Option<Event> {
        let endpoint = self.udp_sockets.get(key)?;
        let mut batch = self.batches.take();
        let came = endpoint.receive(&mut batch);
        if endpoint.readable {
            endpoint.queued = true;
            // The others come first.
            self.ready.push_back(Target::Udp(key));
        }
        if came {
            return Some(Event::Datagrams { socket: key, batch });
        }
        self.batches.give_back(batch);
        None
    }

    /// Receives more at once, in place of what is in `batch`, if the batch before was full. False: nothing more came for now. Who
    /// looks at many datagrams before answering answers with fewer; but no other socket has its turn until then.
    pub fn receive_more(&mut self, socket: UdpKey, batch: &mut Datagrams) -> bool {
        let Some(endpoint) = self.udp_sockets.get(socket) else { return false };
        // It stays in the ready queue, where nothing is done for it if nothing is left.
        std::mem::take(&mut endpoint.readable) && endpoint.receive(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DriverOptions, Ecn, UdpOptions};
    use std::net::UdpSocket as Plain;
    use std::time::Duration;

    /// A driver whose socket waits for the system to take datagrams again, with one that waits. A real socket is not full over
    /// loopback, where all that is sent has arrived.
    fn full(options: &UdpOptions) -> (Driver, UdpKey, Plain, Transmits) {
        let mut driver = Driver::new(DriverOptions::default()).unwrap();
        let socket = driver.bind_udp(UdpSocket::bind(&([127, 0, 0, 1], 0).into(), options).unwrap()).unwrap();
        let peer = Plain::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut transmits = Transmits::new();
        transmits.push(b"first", peer.local_addr().unwrap(), None, Ecn::NotEct);
        let endpoint = driver.udp_sockets.get(socket).unwrap();
        endpoint.unsent.append(&mut transmits, usize::MAX);
        endpoint.watch(socket, driver.poll.registry(), true);
        (driver, socket, peer, transmits)
    }

    fn texts(peer: &Plain, count: usize) -> Vec<String> {
        let mut room = [0; 100];
        let mut text = || {
            let length = peer.recv(&mut room).unwrap();
            String::from_utf8(room[..length].to_vec()).unwrap()
        };
        (0..count).map(|_| text()).collect()
    }

    #[test]
    fn what_waits_goes_out_in_order_when_the_system_takes_it() {
        let (mut driver, socket, peer, mut transmits) = full(&UdpOptions::default());
        let to = peer.local_addr().unwrap();
        for text in ["second", "third"] {
            transmits.push(text.as_bytes(), to, None, Ecn::NotEct);
            assert_eq!(driver.send_datagrams(socket, &mut transmits), Sent::Queued);
            assert!(transmits.is_empty());
        }
        assert_eq!(driver.unsent_datagrams(socket), 16);
        // Something to receive must not be forgotten over it.
        peer.send_to(b"question", driver.udp_address(socket).unwrap()).unwrap();
        driver.wait(None).unwrap();
        assert!(matches!(driver.next(), Some(Event::DatagramsFlushed { socket: of }) if of == socket));
        assert!(matches!(driver.next(), Some(Event::Datagrams { socket: of, .. }) if of == socket));
        assert!(driver.next().is_none());
        assert_eq!(texts(&peer, 3), ["first", "second", "third"]);
        assert_eq!(driver.unsent_datagrams(socket), 0);
        assert_eq!(driver.udp_counters(socket).sent, 3);

        // It does not go on watching: nothing more happens.
        transmits.push(b"fourth", to, None, Ecn::NotEct);
        assert_eq!(driver.send_datagrams(socket, &mut transmits), Sent::All);
        assert_eq!(texts(&peer, 1), ["fourth"]);
        for _ in 0..3 {
            driver.wait(Some(Duration::ZERO)).unwrap();
            assert!(driver.next().is_none());
        }
    }

    #[test]
    fn the_newest_are_dropped_when_too_much_waits() {
        let (mut driver, socket, peer, mut transmits) =
            full(&UdpOptions { unsent_limit: 20, ..UdpOptions::default() });
        let to = peer.local_addr().unwrap();
        for text in ["ten bytes.", "too long", "x"] {
            transmits.push(text.as_bytes(), to, None, Ecn::NotEct);
            assert_eq!(driver.send_datagrams(socket, &mut transmits), Sent::Queued);
        }
        assert_eq!(driver.unsent_datagrams(socket), 16);
        assert_eq!(driver.udp_counters(socket).overflowed, 1);
        driver.wait(None).unwrap();
        assert!(matches!(driver.next(), Some(Event::DatagramsFlushed { .. })));
        assert_eq!(texts(&peer, 3), ["first", "ten bytes.", "x"]);
    }

    #[test]
    fn a_closed_socket_drops_what_waits() {
        let (mut driver, socket, peer, _) = full(&UdpOptions::default());
        driver.close_udp(socket);
        driver.wait(Some(Duration::ZERO)).unwrap();
        assert!(driver.next().is_none());
        peer.set_nonblocking(true).unwrap();
        assert_eq!(peer.recv(&mut [0; 9]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn what_waits_behind_a_full_batch_comes_at_once_to_who_asks() {
        let mut driver = Driver::new(DriverOptions::default()).unwrap();
        let bound = UdpSocket::bind(&([127, 0, 0, 1], 0).into(), &UdpOptions::default()).unwrap();
        let address = bound.local_address();
        let socket = driver.bind_udp(bound).unwrap();
        let client = Plain::bind("127.0.0.1:0").unwrap();
        for number in 0..40_u8 {
            client.send_to(&[number], address).unwrap();
        }
        let mut came = Vec::new();
        driver.wait(Some(Duration::from_secs(10))).unwrap();
        let Some(Event::Datagrams { mut batch, .. }) = driver.next() else { panic!("nothing came") };
        loop {
            while let Some(datagram) = batch.next() {
                came.extend_from_slice(datagram.bytes);
            }
            if !driver.receive_more(socket, &mut batch) {
                break;
            }
        }
        assert_eq!(came, (0..40).collect::<Vec<u8>>());
        assert_eq!(driver.udp_counters(socket).receive_calls, 2);
        driver.recycle_datagrams(batch);
        // It is still among those that are ready, and has nothing.
        driver.wait(Some(Duration::ZERO)).unwrap();
        assert!(driver.next().is_none());
        client.send_to(b"x", address).unwrap();
        driver.wait(Some(Duration::from_secs(10))).unwrap();
        assert!(matches!(driver.next(), Some(Event::Datagrams { batch, .. }) if batch.len() == 1));
    }
}
