//! One end, with what QUIC does for it.

use std::sync::Arc;

use flare_proto::http3::{Client, Connection, ErrorCode, Event, Limits, Role, Server};
use flare_proto::{Headers, RequestHead, ResponseHead};

use super::ALL;
use super::plan::{Fields, list, pseudo};
use super::way::{Message, Ways};
use crate::content::content;

/// What a side reads of a head.
pub(super) trait Half: Role<Head: Default> {
    fn shown(head: &Self::Head) -> Fields;
}

impl Half for Server {
    fn shown(head: &RequestHead) -> Fields {
        let start = [pseudo(":method", head.method_str()), pseudo(":authority", head.authority())];
        [&start[..], &[pseudo(":path", head.path())], &list(head.headers())].concat()
    }
}

impl Half for Client {
    fn shown(head: &ResponseHead) -> Fields {
        [&[pseudo(":status", &head.status().to_string())], &list(head.headers())[..]].concat()
    }
}

/// One end, and what is on its way to it.
pub(super) struct Side<R: Half> {
    pub(super) end: Connection<R>,
    pub(super) head: R::Head,
    pub(super) trailers: Headers,
    pub(super) ways: Ways,
}

impl<R: Half> Side<R> {
    pub(super) fn new(limits: Limits) -> Self {
        let end = Connection::new(Arc::new(limits));
        Side { end, head: R::Head::default(), trailers: Headers::new(), ways: Ways::new() }
    }

    pub(super) fn message(&mut self, stream: u64) -> &mut Message {
        &mut self.ways.get_mut(&stream).expect("a request that was sent").message
    }

    /// What came on a stream, or a part of it. `back`: what is on its way to the other side.
    pub(super) fn get(&mut self, id: u64, amount: usize, back: &mut Ways) {
        let (Some(answer), Some(way)) = (back.get_mut(&id), self.ways.get(&id)) else { return };
        // The transport keeps one of a stream that did not come yet, until something is written there.
        let is_due = amount & 1 != 0 && (self.end.is_open(id) || way.is_over);
        if let Some(code) = answer.stop.take_if(|_| is_due) {
            let event = self.end.receive_stop(id, code.number()).expect("a good peer");
            match event {
                Some(Event::Stopped { stream, code: told }) => {
                    assert_eq!((stream, told), (id, code));
                    answer.give_up(code);
                }
                Some(Event::Rejected { stream, code: ErrorCode::RequestCancelled, .. }) => {
                    self.give_up(stream, ErrorCode::RequestCancelled, back);
                }
                // All was sent, or the stream is over.
                None if answer.message.is_done => {}
                None => {
                    assert!(!self.end.is_open(id));
                    answer.give_up(code);
                }
                Some(_) => panic!("a stop came to something else"),
            }
            return;
        }
        let Some(way) = self.ways.get_mut(&id).filter(|way| !way.is_over) else { return };
        if let Some(code) = way.reset.take() {
            way.is_over = true;
            match self.end.receive_reset(id, code.number()).expect("a good peer") {
                Some(Event::Reset { stream, code: told, by_peer: true }) => {
                    assert_eq!((stream, told), (id, code));
                    answer.message.is_done = true;
                    assert!(way.message.is_cut && answer.message.is_cut);
                }
                Some(Event::End { has_trailers: false, .. }) => way.message.ended(None),
                None => {}
                Some(_) => panic!("a reset came to something else"),
            }
            return;
        }
        // One that waits takes nothing more.
        if !self.end.is_blocked(id) {
            let len = way.bytes.len();
            self.give(id, if amount == ALL { len } else { len.min(1 + amount * amount) }, back);
        }
    }

    /// Gives so many bytes of what is on its way.
    pub(super) fn give(&mut self, id: u64, count: usize, back: &mut Ways) {
        let Some(way) = self.ways.get_mut(&id) else { return };
        let piece: Vec<u8> = way.bytes.drain(..count).collect();
        let fin = way.fin && way.bytes.is_empty();
        let mut input = &piece[..];
        self.take(id, &mut input, fin, back);
        let is_blocked = self.end.is_blocked(id);
        assert!(input.is_empty() || is_blocked, "it left something and told nothing");
        let Some(way) = self.ways.get_mut(&id) else { return };
        way.bytes.splice(..0, input.iter().copied());
        way.is_over |= fin && !is_blocked;
    }

    pub(super) fn take(&mut self, id: u64, input: &mut &[u8], fin: bool, back: &mut Ways) {
        let mut unblocked = Vec::new();
        while let Some(event) =
            self.end.receive(id, input, fin, &mut self.head, &mut self.trailers).expect("a good peer")
        {
            match event {
                Event::Head { stream, .. } => {
                    let (fields, ended) = (R::shown(&self.head), self.end.has_received_all(stream));
                    self.message(stream).head_came(&fields, ended);
                }
                Event::Interim { stream } => {
                    let expected = [pseudo(":status", "103"), pseudo("link", "x")];
                    assert_eq!(R::shown(&self.head), expected);
                    assert!(!self.message(stream).has_head);
                }
                Event::Data { stream, bytes } => self.message(stream).data_came(bytes),
                Event::End { stream, has_trailers } => {
                    let message = &mut self.ways.get_mut(&stream).expect("a request that was sent").message;
                    message.ended(has_trailers.then_some(&self.trailers));
                }
                Event::Unblocked { stream } => unblocked.push(stream),
                // Too late: behind the last that the server takes.
                Event::Reset { stream, code: ErrorCode::RequestRejected, by_peer: true }
                | Event::Rejected { stream, code: ErrorCode::RequestRejected, .. } => {
                    assert!(!self.end.is_open(stream) && !self.message(stream).has_head);
                    self.give_up(stream, ErrorCode::RequestRejected, back);
                }
                Event::Priority { stream, priority } => {
                    assert_eq!(self.end.priority(stream), Some(priority));
                }
                Event::Settings | Event::Goaway { .. } => {}
                _ => panic!("another event"),
            }
        }
        for stream in unblocked {
            assert!(!self.end.is_blocked(stream));
            self.give(stream, 0, back);
        }
    }

    /// What came on one of the other side's own streams.
    pub(super) fn get_own(&mut self, id: u64, out: &mut Vec<u8>, amount: usize, back: &mut Ways) {
        let count = if amount == ALL { out.len() } else { out.len().min(1 + amount) };
        let bytes: Vec<u8> = out.drain(..count).collect();
        let mut input = &bytes[..];
        self.take(id, &mut input, false, back);
        assert!(input.is_empty());
    }

    /// Ends a stream in both directions.
    pub(super) fn give_up(&mut self, id: u64, code: ErrorCode, back: &mut Ways) {
        self.end.reset(id);
        if let Some(way) = self.ways.get_mut(&id) {
            way.refuse(code);
        }
        if let Some(way) = back.get_mut(&id) {
            way.give_up(code);
        }
    }

    /// The rest of a message is not wanted. `reads`: what is on its way comes all the same.
    pub(super) fn stop(&mut self, id: u64, reads: bool) {
        let Some(way) = self.ways.get_mut(&id) else { return };
        if way.is_over || way.message.has_ended {
            return;
        }
        self.end.stop_receiving(id);
        way.refuse(ErrorCode::NoError);
        way.is_over = !reads;
    }

    pub(super) fn send_datagram(from: &Self, to: &mut Side<impl Half>, id: u64, amount: usize) {
        let mut datagram = Vec::new();
        if from.end.begin_datagram(id, &mut datagram).is_err() {
            return;
        }
        let bytes = content(id, 0, amount);
        datagram.extend_from_slice(bytes);
        let is_open = to.end.is_open(id);
        match to.end.receive_datagram(&datagram).expect("a good peer") {
            Some(Event::Datagram { stream, bytes: came }) => {
                assert!((stream, came) == (id, bytes) && is_open)
            }
            None => assert!(!is_open || !to.message(id).has_head),
            Some(_) => panic!("a datagram came to something else"),
        }
    }
}
