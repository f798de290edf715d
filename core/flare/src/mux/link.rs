//! One connection, on its thread: between the driver, the state machine and the streams of the program.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use flare_net::{Driver, Key, Output};
use flare_proto::mux::{Event, Mux, ProtocolError, Role};

use super::connection::Shared;
use super::error::Ended;
use super::options::MuxOptions;
use super::pipe::{End, Over, Pipe};

/// While so many bytes wait for the socket, streams wait. Not more, so that a stream with little to say is not behind much.
const HIGH: usize = 256 * 1024;
/// And go on below this.
const LOW: usize = 64 * 1024;
/// While so many bytes wait for the socket, the peer is not read: it makes this end answer, and takes no answers. Honest peers never get
/// here, as answers are few; so two ends can't wait for each other.
const FLOODED: usize = 1024 * 1024;
/// How much of one stream goes out before it is the next one's turn.
const TURN: usize = 16 * 1024;

/// One connection.
pub(super) struct Link {
    key: Key,
    shared: Arc<Shared>,
    proto: Mux,
    pipes: HashMap<u64, Arc<Pipe>>,
    /// Streams with something to send, and the credit for it.
    ready: VecDeque<Arc<Pipe>>,
    options: Arc<MuxOptions>,
    /// Since nobody holds the connection: until when it may send what is left.
    closing: Option<Instant>,
    /// The peer was told that nothing more comes.
    shut: bool,
    paused: bool,
    over: bool,
}

impl Link {
    pub(super) fn new(key: Key, role: Role, shared: Arc<Shared>, options: Arc<MuxOptions>) -> Self {
        Self {
            key,
            shared,
            proto: Mux::new(role, options.limits()),
            pipes: HashMap::new(),
            ready: VecDeque::new(),
            options,
            closing: None,
            shut: false,
            paused: false,
            over: false,
        }
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// When it is given up, if nobody holds it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.closing
    }

    /// Bytes of the peer.
    pub(super) fn receive(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        loop {
            match self.proto.receive(&mut input, out) {
                Ok(None) => return,
                Ok(Some(event)) => self.happened(event, out),
                Err(error) => return self.broken(error),
            }
        }
    }

    fn broken(&mut self, error: ProtocolError) {
        self.end(&Ended::Protocol(error));
    }

    fn happened(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Opened { id } => self.opened(id, out),
            Event::Data { id, bytes } => {
                if let Some(pipe) = self.pipes.get(&id) {
                    pipe.received(bytes);
                }
            }
            Event::Done { id } => {
                if let Some(pipe) = self.pipes.get(&id) {
                    pipe.peer_is_done();
                }
                if !self.proto.is_open(id) {
                    self.retire(id, Over::Done);
                }
            }
            Event::Error { id, text } => self.taken_back(id, Over::Remote(text)),
            Event::Cancelled { id } => self.taken_back(id, Over::Cancelled),
            Event::Writable { id } => {
                if let Some(pipe) = self.pipes.get(&id).cloned() {
                    self.queue(&pipe);
                }
            }
            _ => {}
        }
    }

    fn opened(&mut self, id: u64, out: &mut Vec<u8>) {
        let pipe = Arc::new(Pipe::new(false, Some(id)));
        if self.closing.is_none() && self.shared.opened(&pipe) {
            self.pipes.insert(id, pipe);
        } else {
            // It was opened just now, so this can't be refused.
            let _ = self.proto.cancel(id, out);
        }
    }

    fn taken_back(&mut self, id: u64, over: Over) {
        if let Some(pipe) = self.pipes.get(&id) {
            self.shared.withdrawn(pipe);
        }
        self.retire(id, over);
    }

    /// A stream is over on the wire.
    fn retire(&mut self, id: u64, over: Over) {
        if let Some(pipe) = self.pipes.remove(&id)
            && pipe.retire(over) == Some(true)
        {
            self.shared.own_ended();
        }
    }

    fn queue(&mut self, pipe: &Arc<Pipe>) {
        if !std::mem::replace(&mut pipe.lock().queued, true) {
            self.ready.push_back(Arc::clone(pipe));
        }
    }

    /// The program opened a stream.
    pub(super) fn open(&mut self, pipe: Arc<Pipe>, out: &mut Vec<u8>) {
        let mut inner = pipe.lock();
        // It may have been given up before it came here.
        if inner.end.take().is_some() || (inner.let_go && !inner.finished) {
            return self.shared.own_ended();
        }
        match self.proto.open(out) {
            Ok(id) => {
                inner.id = Some(id);
                drop(inner);
                self.pipes.insert(id, pipe);
            }
            Err(_) => {
                // The connection has ended meanwhile, or no id is left: which is the end of it, too.
                drop(inner);
                self.shared.own_ended();
                pipe.retire(Over::Ended(Ended::Closed));
            }
        }
    }

    /// Something changed in a stream.
    pub(super) fn look(&mut self, pipe: &Arc<Pipe>, out: &mut Vec<u8>) {
        pipe.looked();
        let mut inner = pipe.lock();
        let Some(id) = inner.id else { return };
        // The state machine knows each stream that has an id, so that none of this is refused.
        let ended = match inner.end.take() {
            Some(End::Cancel) => self.proto.cancel(id, out).is_ok(),
            Some(End::Error(text)) => self.proto.error(id, &text, out).is_ok(),
            None if inner.let_go && (!inner.finished || inner.done_sent) => {
                self.proto.cancel(id, out).is_ok()
            }
            None => false,
        };
        if ended {
            drop(inner);
            return self.retire(id, Over::Cancelled);
        }
        let credit = inner.credit();
        if credit > 0 {
            let _ = self.proto.credit(id, credit, out);
        }
        let to_send = !inner.outbound.is_empty() || (inner.finished && !inner.done_sent);
        drop(inner);
        if to_send {
            self.queue(pipe);
        }
    }

    /// Nobody holds the connection any more.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        self.closing = Instant::now().checked_add(self.options.linger).or_else(|| Some(Instant::now()));
        // Streams that nobody accepted; the program let go of all others.
        let unheld: Vec<u64> =
            self.pipes.iter().filter(|(_, pipe)| !pipe.lock().let_go).map(|(id, _)| *id).collect();
        for id in unheld {
            let _ = self.proto.cancel(id, out);
            self.retire(id, Over::Cancelled);
        }
    }

    /// Sends what streams have, in turns, as long as the socket takes it.
    pub(super) fn serve(&mut self, driver: &mut Driver, output: &mut Output) {
        if self.over {
            return output.clear();
        }
        loop {
            while output.len() < HIGH
                && driver.backlog(self.key) < HIGH
                && let Some(pipe) = self.ready.pop_front()
            {
                self.serve_stream(&pipe, output.buffer());
            }
            if output.is_empty() {
                break;
            }
            if let Err(error) = driver.send(self.key, output) {
                return self.end(&Ended::Lost(error.to_string()));
            }
            if self.ready.is_empty() {
                break;
            }
        }
        let backlog = driver.backlog(self.key);
        if backlog >= HIGH {
            driver.set_low_water(self.key, LOW);
        }
        if backlog >= FLOODED && !self.paused {
            driver.pause_read(self.key);
            self.paused = true;
        }
        if self.closing.is_some() && self.pipes.is_empty() && !self.shut {
            self.shut = true;
            // The peer closes when it has read everything. If it is gone already, an event says so.
            let _ = driver.shutdown_write(self.key);
        }
    }

    fn serve_stream(&mut self, pipe: &Arc<Pipe>, out: &mut Vec<u8>) {
        let mut inner = pipe.lock();
        inner.queued = false;
        let Some(id) = inner.id else { return };
        let (bytes, _) = inner.outbound.as_slices();
        let bytes = bytes.get(..TURN).unwrap_or(bytes);
        if !bytes.is_empty() {
            let offered = bytes.len();
            // Only a stream that is over takes nothing: then it has no id.
            let sent = self.proto.send(id, bytes, out).unwrap_or(0);
            inner.outbound.drain(..sent);
            pipe.drained(&inner);
            if sent < offered {
                // The next credit queues it again.
                return;
            }
        }
        if !inner.outbound.is_empty() {
            inner.queued = true;
            drop(inner);
            self.ready.push_back(Arc::clone(pipe));
            return;
        }
        if !inner.finished || std::mem::replace(&mut inner.done_sent, true) {
            return;
        }
        let _ = self.proto.finish(id, out);
        let cancel = inner.let_go && self.proto.is_open(id) && self.proto.cancel(id, out).is_ok();
        drop(inner);
        if cancel {
            self.retire(id, Over::Cancelled);
        } else if !self.proto.is_open(id) {
            self.retire(id, Over::Done);
        }
    }

    /// The socket took much of what waited for it.
    pub(super) fn writable(&mut self, driver: &mut Driver, output: &mut Output) {
        if std::mem::replace(&mut self.paused, false) {
            driver.resume_read(self.key);
        }
        self.serve(driver, output);
    }

    /// The connection is over, for the peer's or the system's reasons.
    pub(super) fn end(&mut self, why: &Ended) {
        self.over = true;
        let why = if self.closing.is_some() { &Ended::Closed } else { why };
        self.shared.end(why);
        self.ready.clear();
        for (_, pipe) in std::mem::take(&mut self.pipes) {
            pipe.retire(Over::Ended(why.clone()));
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if !self.over {
            self.end(&Ended::Lost("its thread ended".to_owned()));
        }
    }
}
