//! A message on its way, and the direction of a stream on which it goes.

use std::collections::BTreeMap;

use flare_proto::Headers;
use flare_proto::http3::{Connection, ErrorCode, Role};

use super::ALL;
use super::plan::{Fields, list};
use crate::PLANTED;
use crate::content::{UNIT, content};

/// A message on its way.
pub(super) struct Message {
    pub(super) stream: u64,
    /// What chooses its content.
    pub(super) owner: u64,
    // Of the sender.
    pub(super) interims: usize,
    pub(super) is_begun: bool,
    pub(super) sent: usize,
    /// The sender has no more of it.
    pub(super) is_done: bool,
    // What comes of it.
    pub(super) head: Fields,
    pub(super) length: usize,
    pub(super) trailers: Option<Headers>,
    // Of the receiver.
    pub(super) has_head: bool,
    pub(super) got: usize,
    pub(super) has_ended: bool,
    /// One of the sides gave it up: what comes is its beginning.
    pub(super) is_cut: bool,
}

impl Message {
    pub(super) fn head_came(&mut self, fields: &Fields, ended: bool) {
        assert!(!std::mem::replace(&mut self.has_head, true), "a second head");
        assert_eq!(self.head, *fields);
        if ended {
            self.ended(None);
        }
    }

    pub(super) fn data_came(&mut self, bytes: &[u8]) {
        let end = self.got + bytes.len();
        assert!(self.has_head && !self.has_ended && end <= self.length, "more than was sent");
        // PLANTED: the byte at one place is taken for another.
        let is_changed = PLANTED && (self.got..end).contains(&3000);
        assert!(bytes == content(self.owner, self.got, bytes.len()) && !is_changed, "behind {}", self.got);
        self.got = end;
    }

    pub(super) fn ended(&mut self, trailers: Option<&Headers>) {
        assert!(self.has_head && !std::mem::replace(&mut self.has_ended, true));
        assert_eq!(self.got, self.length);
        // One that lacks nothing but its trailers may be reset.
        assert!(self.is_cut && trailers.is_none() || self.trailers.as_ref().map(list) == trailers.map(list));
    }
}

/// One direction of a stream, as QUIC has it.
pub(super) struct Way {
    pub(super) message: Message,
    /// What did not come yet, and whether the stream ends behind it.
    pub(super) bytes: Vec<u8>,
    pub(super) fin: bool,
    /// RESET_STREAM and STOP_SENDING that did not come yet.
    pub(super) reset: Option<ErrorCode>,
    pub(super) stop: Option<ErrorCode>,
    /// Nothing more comes.
    pub(super) is_over: bool,
}

impl Way {
    pub(super) fn new(
        stream: u64,
        owner: u64,
        head: Fields,
        length: usize,
        trailers: Option<Headers>,
        interims: usize,
    ) -> Self {
        let message = Message {
            stream,
            owner,
            interims,
            is_begun: false,
            sent: 0,
            is_done: false,
            head,
            length,
            trailers,
            has_head: false,
            got: 0,
            has_ended: false,
            is_cut: false,
        };
        Way { message, bytes: Vec::new(), fin: false, reset: None, stop: None, is_over: false }
    }

    /// The sender has sent all.
    pub(super) fn end(&mut self) {
        (self.fin, self.message.is_done) = (true, true);
    }

    /// The sender sends no more, and what is on its way is lost.
    pub(super) fn give_up(&mut self, code: ErrorCode) {
        (self.message.is_cut, self.message.is_done) = (true, true);
        if !self.is_over {
            self.bytes.clear();
            (self.fin, self.reset) = (false, Some(code));
        }
    }

    /// The receiver takes no more.
    pub(super) fn refuse(&mut self, code: ErrorCode) {
        self.message.is_cut = true;
        (self.stop, self.is_over) = (Some(code), true);
    }

    pub(super) fn send<R: Role>(&mut self, end: &mut Connection<R>, amount: usize) {
        let message = &mut self.message;
        let left = message.length - message.sent;
        if left == 0 {
            end.send_end(message.stream, message.trailers.as_ref(), &mut self.bytes).expect("all was sent");
            return self.end();
        }
        let len = left.min(if amount == ALL { usize::MAX } else { 1 + amount * UNIT / 4 });
        let last = len == left && message.trailers.is_none() && amount & 1 != 0;
        let bytes = content(message.owner, message.sent, len);
        end.send_data(message.stream, bytes, last, &mut self.bytes).expect("as much as was announced");
        message.sent += len;
        if last {
            self.end();
        }
    }
}

pub(super) type Ways = BTreeMap<u64, Way>;
