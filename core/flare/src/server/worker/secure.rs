//! TLS between the socket of a connection and its session.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use flare_net::{Driver, Key, Millis, Output, Peer, Queue, Sent};
use flare_tls::{Event, Failure, MAX_RECORD, ServerContext};

use super::Worker;
use super::connection::Connection;
use crate::exchange::{CancelReason, Early, Ends};
use crate::log::Level;
use crate::server::counters::Counters;
use crate::server::session::Session;
use crate::server::shared::Message;
use crate::server::tls;

/// About how much is encrypted before it is given to the system, while it is still in the cache.
const PIECE: usize = 4 * MAX_RECORD;

/// About how much of one connection is encrypted before the others have their turn.
const TURN: usize = 1 << 20;

/// The most that a client may send before its turn to shake hands has come: a hello has half a kilobyte, rarely two.
const HELD: usize = 18 << 10;

/// A client that has sent so much before its turn is not read meanwhile: early data follows its hello. The others are, so that those who leave
/// are seen.
const HELLO: usize = 2 << 10;

/// The most that may wait for the rest of a handshake message: chains of certificates have a few kilobytes.
const HANDSHAKE: usize = 32 << 10;

/// How many clients may wait for each handshake that may run.
const LINE: usize = 4;

/// What a client gets that speaks HTTP without TLS.
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 58\r\n\
    Connection: close\r\n\r\nThis port speaks HTTPS: the address begins with https://.\n";

/// TLS of one connection.
pub(crate) struct Secure {
    state: State,
    /// What the session wrote and was not encrypted yet: never more than it may write before the peer takes some.
    waiting: Queue,
    /// When the handshake must have ended; never once it has.
    deadline: Millis,
    /// What the session needs to know when it begins.
    ends: Ends,
    early: Early,
    /// Its turn to shake hands has come, though it may not know yet: it counts as one that does.
    called: bool,
    /// The peer was told that nothing more comes.
    ended: bool,
}

enum State {
    /// Nothing has come: no memory is spent yet.
    Fresh(Arc<ServerContext>),
    /// Too many shake hands; this one waits, with what came.
    InLine(Arc<ServerContext>, Vec<u8>),
    Shaking(flare_tls::Connection),
    Open(flare_tls::Connection),
    Over,
}

/// What the encrypted connections of a worker share.
pub(crate) struct SecureShared {
    /// Ciphertext that leaves next.
    sealed: Output,
    /// Where plaintext is gathered for a record.
    scratch: Vec<u8>,
    /// Handshakes that run.
    shaking: usize,
    /// Connections that wait for one to end.
    line: VecDeque<Key>,
    workers: usize,
}

impl SecureShared {
    pub(crate) fn new(workers: usize) -> Self {
        Self { sealed: Output::new(), scratch: Vec::new(), shaking: 0, line: VecDeque::new(), workers }
    }

    /// Whatever happened: the next connection must not get bytes of this one.
    pub(crate) fn clear(&mut self) {
        self.sealed.clear();
    }
}

impl Secure {
    pub(crate) fn new(context: Arc<ServerContext>, ends: Ends, now: Millis) -> Self {
        let early = tls::early(&context);
        let deadline = now + context.handshake_timeout();
        Self {
            state: State::Fresh(context),
            waiting: Queue::new(),
            deadline,
            ends,
            early,
            called: false,
            ended: false,
        }
    }

    /// When the handshake must have ended.
    pub(crate) fn deadline(&self) -> Millis {
        self.deadline
    }

    /// How many bytes of the session wait to be encrypted.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn is_shaking(&self) -> bool {
        matches!(self.state, State::Fresh(_) | State::InLine(..) | State::Shaking(_))
    }

    /// Takes what the session wrote, like [`Driver::send`], and sends as much of it as the system takes. `last`: nothing follows, and the
    /// peer is told so.
    pub(crate) fn send(
        &mut self,
        key: Key,
        last: bool,
        output: &mut Output,
        driver: &mut Driver,
        shared: &mut SecureShared,
        counters: &Counters,
    ) -> io::Result<Sent> {
        let result = self.seal_and_send(key, last, output, driver, shared, counters);
        // Whatever happened: the next connection must not get bytes of this one.
        output.clear();
        shared.sealed.clear();
        result
    }

    fn seal_and_send(
        &mut self,
        key: Key,
        last: bool,
        output: &mut Output,
        driver: &mut Driver,
        shared: &mut SecureShared,
        counters: &Counters,
    ) -> io::Result<Sent> {
        let SecureShared { sealed, scratch, .. } = shared;
        let State::Open(tls) = &mut self.state else {
            // Answers to early data wait for the end of the handshake.
            self.waiting.append(output);
            counters.bytes_out.add(sealed.len() as u64);
            return driver.send(key, sealed).map(|_| Sent::Queued);
        };
        // What waits already goes first, and what waits in the clear can still be gathered.
        let blocked = driver.backlog(key) > 0;
        match output.flat() {
            Some(text) if self.waiting.is_empty() && text.len() <= PIECE && !blocked => {
                tls.send(text, sealed.buffer()).map_err(io::Error::other)?;
            }
            _ => self.waiting.append(output),
        }
        let mut total = 0;
        loop {
            while !blocked && !self.waiting.is_empty() && sealed.len() < PIECE {
                let record = |plain: &[u8]| tls.send(plain, sealed.buffer());
                self.waiting.take(MAX_RECORD, scratch, record)?.map_err(io::Error::other)?;
            }
            if last && self.waiting.is_empty() && !std::mem::replace(&mut self.ended, true) {
                tls.close(sealed.buffer());
            }
            let made = sealed.len();
            if made == 0 && !blocked {
                return Ok(Sent::All);
            }
            counters.bytes_out.add(made as u64);
            total += made;
            match driver.send(key, sealed)? {
                Sent::All if self.waiting.is_empty() => return Ok(Sent::All),
                Sent::All if total < TURN => {}
                _ => return Ok(Sent::Queued),
            }
        }
    }
}

impl Worker {
    /// Bytes of a peer whose connection is encrypted.
    #[inline(never)]
    pub(super) fn received_secure(&mut self, key: Key, bytes: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(secure) = &mut connection.secure else { return };
        let held = match &mut secure.state {
            State::Open(_) | State::Shaking(_) => return self.decrypt(key, bytes),
            State::Fresh(context) => {
                let most = context.max_handshakes().div_ceil(self.secure.workers.max(1));
                if self.secure.shaking < most {
                    return self.shake(key, bytes);
                }
                if bytes.len() > HELD || self.secure.line.len() >= most * LINE {
                    return self.refuse_handshake(key, "too many handshakes at once");
                }
                secure.state = State::InLine(Arc::clone(context), bytes.to_vec());
                self.secure.line.push_back(key);
                bytes.len()
            }
            State::InLine(_, held) if held.len() + bytes.len() <= HELD => {
                held.extend_from_slice(bytes);
                held.len()
            }
            State::InLine(..) => return self.refuse_handshake(key, "too much before the handshake"),
            State::Over => return,
        };
        if held > HELLO {
            connection.paused = true;
            self.driver.pause_read(key);
        }
    }

    /// Begins a handshake with what has come.
    fn shake(&mut self, key: Key, bytes: &mut [u8]) {
        let Some(Connection { secure: Some(secure), .. }) = self.connections.get_mut(key) else { return };
        let (State::Fresh(context) | State::InLine(context, _)) = &secure.state else { return };
        match flare_tls::Connection::server(context) {
            Ok(tls) => {
                secure.state = State::Shaking(tls);
                if !std::mem::replace(&mut secure.called, true) {
                    self.secure.shaking += 1;
                }
                self.decrypt(key, bytes);
            }
            Err(failure) => self.refuse_handshake(key, &failure.to_string()),
        }
    }

    /// A handshake has ended, one way or the other: the next in line may begin.
    fn shaken(&mut self) {
        self.secure.shaking = self.secure.shaking.saturating_sub(1);
        while let Some(key) = self.secure.line.pop_front() {
            if let Some(Connection { secure: Some(secure), .. }) = self.connections.get_mut(key)
                && matches!(secure.state, State::InLine(..))
            {
                secure.called = true;
                self.secure.shaking += 1;
                return self.mail.push_back(Message::GoOn(key));
            }
        }
    }

    /// Whether the connection was one that waited for its handshake, which has begun now.
    pub(super) fn begin_in_line(&mut self, key: Key) -> bool {
        let Some(Connection { secure: Some(secure), .. }) = self.connections.get_mut(key) else {
            return false;
        };
        let State::InLine(_, held) = &mut secure.state else { return false };
        let mut held = std::mem::take(held);
        self.shake(key, &mut held);
        true
    }

    /// Decrypts what came, and gives it to the session.
    fn decrypt(&mut self, key: Key, bytes: &mut [u8]) {
        let Self { connections, env, output, secure: shared, .. } = self;
        let Some(connection) = connections.get_mut(key) else { return };
        let Connection { session, secure: Some(secure), .. } = connection else { return };
        let Secure { state, ends, early, .. } = &mut **secure;
        let (State::Shaking(tls) | State::Open(tls)) = state else { return };
        let mut resumed = None;
        let result = tls.receive(bytes, shared.sealed.buffer(), |event| match event {
            Event::Ready(agreed) => {
                resumed = Some(agreed.is_resumed());
                ends.tls = Some(agreed);
                *session = Session::secure(key, ends.clone(), env, output);
            }
            Event::Early(data) => {
                session.set_early(*early);
                session.receive(data, env, output);
            }
            Event::Complete => session.set_early(Early::No),
            Event::Data(data) => session.receive(data, env, output),
            Event::PeerClosed => session.read_closed(env, output),
        });
        if let Some(resumed) = resumed {
            self.counters.tls_handshakes.add(1);
            self.counters.tls_resumed.add(u64::from(resumed));
        }
        if let Err(failure) = result {
            return self.broken(key, &failure, bytes);
        }
        if secure.is_shaking()
            && let State::Shaking(tls) = std::mem::replace(&mut secure.state, State::Over)
        {
            let (complete, partial) = (tls.is_complete(), tls.partial());
            secure.state = if complete { State::Open(tls) } else { State::Shaking(tls) };
            if complete {
                secure.deadline = Millis::NEVER;
                self.shaken();
            } else if partial > HANDSHAKE {
                return self.refuse_handshake(key, "a handshake message is too large");
            }
        }
        self.send_sealed(key);
        self.settle(key);
    }

    /// Sends what TLS itself has to say, unless the session goes on and takes it with it, and what waited for the handshake.
    fn send_sealed(&mut self, key: Key) {
        let Some(Connection { secure: Some(secure), .. }) = self.connections.get_mut(key) else { return };
        let waits = secure.waiting() > 0 && matches!(secure.state, State::Open(_));
        if waits {
            self.flushed(key);
        } else if self.output.is_empty() && !self.secure.sealed.is_empty() {
            self.counters.bytes_out.add(self.secure.sealed.len() as u64);
            // Err: the peer is gone, which an event tells too.
            let _ = self.driver.send(key, &mut self.secure.sealed);
        }
    }

    /// The peer is not one to talk to: it is told why, and the connection closes.
    fn broken(&mut self, key: Key, failure: &Failure, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(secure) = &mut connection.secure else { return };
        let was_shaking = secure.is_shaking();
        (secure.state, secure.waiting) = (State::Over, Queue::new());
        secure.deadline = Millis::NEVER;
        self.output.clear();
        if *failure == Failure::NotTls && is_http(bytes) {
            self.secure.sealed.clear();
            self.secure.sealed.buffer().extend_from_slice(PLAIN_HTTP);
        }
        let peer = secure.ends.peer;
        connection.session.abort(CancelReason::Reset, &mut self.env);
        if was_shaking {
            self.tell_failure(peer, &failure.to_string());
            self.shaken();
        } else {
            let text = || format!("{peer}: {failure}");
            self.env.service.log.tell(Level::Info, "TLS connection failed", text);
        }
        self.counters.bytes_out.add(self.secure.sealed.len() as u64);
        match self.driver.send(key, &mut self.secure.sealed) {
            Ok(Sent::All) => {}
            Ok(Sent::Queued) => self.queued(key, 0),
            Err(_) => return self.close(key, CancelReason::Reset),
        }
        // What the peer still sends is dropped for a while, so that it gets the reason.
        self.finish(key, true);
        if self.has_relays() {
            self.follow(key);
        }
    }

    /// Closes a connection whose handshake may not go on.
    fn refuse_handshake(&mut self, key: Key, reason: &str) {
        let Some(Connection { secure: Some(secure), .. }) = self.connections.get_mut(key) else { return };
        let peer = secure.ends.peer;
        self.secure.clear();
        self.tell_failure(peer, reason);
        self.close(key, CancelReason::Reset);
    }

    fn tell_failure(&self, peer: Peer, reason: &str) {
        self.counters.tls_failed.add(1);
        self.env.service.log.tell(Level::Info, "TLS handshake failed", || format!("{peer}: {reason}"));
    }

    /// The handshake took too long.
    pub(super) fn handshake_timed_out(&mut self, key: Key) {
        self.counters.timeouts.add(1);
        self.refuse_handshake(key, "the handshake took too long");
    }

    /// The peer left, or sent its end, before the handshake ended.
    pub(super) fn handshake_left(&mut self, key: Key) {
        let Some(Connection { secure: Some(secure), .. }) = self.connections.get_mut(key) else { return };
        if matches!(secure.state, State::Fresh(_)) {
            // Somebody who only looks whether the port is open.
            return self.close(key, CancelReason::PeerGone);
        }
        self.refuse_handshake(key, "the peer left");
    }

    /// A connection closes: its handshake, if it had one, makes room, and so does its place in the line.
    pub(super) fn leave_secure(&mut self, key: Key, secure: &Secure) {
        match secure.state {
            State::InLine(..) | State::Shaking(_) if secure.called => self.shaken(),
            State::InLine(..) => self.secure.line.retain(|&waiting| waiting != key),
            _ => {}
        }
    }

    /// Tells the peer that nothing more comes, if it was not told.
    pub(super) fn end_secure(&mut self, key: Key) -> io::Result<Sent> {
        let Some(Connection { secure: Some(secure), .. }) = self.connections.get_mut(key) else {
            return Ok(Sent::All);
        };
        if secure.ended || !matches!(secure.state, State::Open(_)) {
            return Ok(Sent::All);
        }
        let mut none = Output::new();
        secure.send(key, true, &mut none, &mut self.driver, &mut self.secure, &self.counters)
    }
}

/// Whether bytes begin like an HTTP request: a method in capitals and a space.
fn is_http(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    (3..=16).contains(&method) && bytes.get(method) == Some(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_told_from_garbage() {
        for text in ["GET / HTTP/1.1\r\n", "OPTIONS * HTTP/1.1", "PRI * HTTP/2.0"] {
            assert!(is_http(text.as_bytes()), "{text}");
        }
        for bytes in [&b"GET"[..], b"G ", b"get / ", b"", &[22, 3, 1], b"SSH-2.0-x"] {
            assert!(!is_http(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn the_answer_to_http_has_the_length_it_says() {
        let text = std::str::from_utf8(PLAIN_HTTP).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
    }
}
