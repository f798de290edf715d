//! Input: which frame comes, whether it may, and what it comes to.

use super::close;
use super::connection::{Connection, Inbound, Message};
use super::error::ConnectionError;
use super::event::{Event, Opcode};
use super::frame::{FrameHead, FrameKind};
use super::input::Input;
use super::mask::{append_masked, key_behind};
use super::utf8::{is_utf8, whole_characters};

/// A buffer that is larger is given back once no message is on its way.
const KEPT: usize = 128;

/// Memory for the rest of a frame is taken at once, up to so many times what came of it: not from a peer's word alone.
const AHEAD: usize = 3;

/// What is to be told, and where its bytes are.
enum Told<'i> {
    /// A message in the buffer.
    Message(Opcode),
    /// A message that the input holds as it is.
    Lent(Opcode, &'i [u8]),
    /// A control frame, in the buffer behind the message.
    Control(FrameKind),
}

impl Connection {
    /// Takes bytes of the peer off the front of `input`, up to the first event. `None`: all of them were taken, and nothing is left to tell; call until
    /// then. Pongs and the answer to a Close are appended to `out`. What comes behind a Close is dropped. Of input that may be changed (`&mut [u8]`) the
    /// bytes that were taken are not the same afterwards.
    ///
    /// # Errors
    /// The peer broke the protocol or a limit. The connection is over: its Close is in `out`, and every later call says the same.
    #[inline]
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut impl Input<'i>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'s>>, ConnectionError> {
        if let Some(error) = &self.over {
            return Err(**error);
        }
        self.forget_told();
        match self.advance(input, out) {
            Ok(Some(told)) => Ok(Some(self.tell(told))),
            Ok(None) => {
                if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
                    self.buffer = Vec::new();
                }
                Ok(None)
            }
            Err(error) => {
                self.fail(error, out);
                Err(error)
            }
        }
    }

    /// The owner is done with what it was told last.
    #[inline]
    fn forget_told(&mut self) {
        if !matches!(self.inbound, Inbound::Payload { .. }) {
            if self.message.is_none() {
                self.message_length = 0;
            }
            self.buffer.truncate(self.message_length);
        }
    }

    fn tell<'s, 'i: 's>(&'s self, told: Told<'i>) -> Event<'s> {
        let (message, control) = self.buffer.split_at_checked(self.message_length).unwrap_or_default();
        match told {
            Told::Message(opcode) => Event::Message { opcode, bytes: message },
            Told::Lent(opcode, bytes) => Event::Message { opcode, bytes },
            Told::Control(FrameKind::Ping) => Event::Ping { payload: control },
            Told::Control(FrameKind::Close) => {
                // It was found good when it came.
                let (code, reason) = close::parse(control).unwrap_or_default();
                Event::Close { code, reason }
            }
            Told::Control(_) => Event::Pong { payload: control },
        }
    }

    #[inline]
    fn advance<'i>(
        &mut self,
        input: &mut impl Input<'i>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Told<'i>>, ConnectionError> {
        while !input.is_empty() {
            if self.close_received {
                input.take(usize::MAX);
                break;
            }
            if let Inbound::Head { .. } = self.inbound {
                let Some(head) = self.take_head(input)? else { break };
                self.begin(head)?;
                if let Some(lent) = self.lend(head, input)? {
                    return Ok(Some(lent));
                }
            }
            if let Some(told) = self.take_payload(input, out)? {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    /// Takes the head of a frame. `None`: all of the input was taken, and it is not whole.
    #[inline]
    fn take_head<'i>(&mut self, input: &mut impl Input<'i>) -> Result<Option<FrameHead>, ConnectionError> {
        let Inbound::Head { bytes, have } = &mut self.inbound else { return Ok(None) };
        if *have == 0
            && let Some((head, length)) = FrameHead::decode(input.bytes())?
        {
            input.take(length);
            return Ok(Some(head));
        }
        // It comes in parts. No head is longer than the place for it, so this ends.
        while let Some(&byte) = input.bytes().first() {
            let Some(place) = bytes.get_mut(usize::from(*have)) else { break };
            *place = byte;
            *have += 1;
            input.take(1);
            if let Some((head, _)) = FrameHead::decode(bytes.get(..usize::from(*have)).unwrap_or_default())? {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    /// A frame, from its head: whether it may come now.
    #[inline]
    fn begin(&mut self, head: FrameHead) -> Result<(), ConnectionError> {
        if head.key.is_some() != self.sender.keys.is_none() {
            return Err(ConnectionError::protocol(match self.sender.keys {
                None => "a client has to mask",
                Some(_) => "a server may not mask",
            }));
        }
        if head.is_compressed && (self.sender.deflate.is_none() || head.kind == FrameKind::Continuation) {
            return Err(ConnectionError::protocol("a reserved bit is set"));
        }
        if head.kind.is_control() {
            self.spend()?;
        } else {
            self.begin_data(head)?;
        }
        self.inbound =
            Inbound::Payload { kind: head.kind, is_last: head.is_last, key: head.key, left: head.length };
        Ok(())
    }

    fn begin_data(&mut self, head: FrameHead) -> Result<(), ConnectionError> {
        match (head.kind, self.message) {
            (FrameKind::Message(opcode), None) => {
                self.message = Some(Message { opcode, is_compressed: head.is_compressed, checked: 0 });
            }
            (FrameKind::Message(_), Some(_)) => {
                return Err(ConnectionError::protocol("a message was interrupted by another one"));
            }
            (_, None) => return Err(ConnectionError::protocol("a fragment of no message")),
            (_, Some(_)) => {}
        }
        if head.length > self.limits.frame_bytes as u64 {
            return Err(ConnectionError::too_big("frame too long"));
        }
        // Neither is above what memory can hold, so the sum fits. What is compressed is counted when it is not any more.
        if self.message.is_some_and(|message| !message.is_compressed)
            && self.message_length as u64 + head.length > self.limits.message_bytes as u64
        {
            return Err(ConnectionError::too_big("message too long"));
        }
        if head.length == 0 && !head.is_last {
            self.spend()?;
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), ConnectionError> {
        if self.budget.spend(self.limits.control_frames, self.now) {
            Ok(())
        } else {
            Err(ConnectionError::policy("too many control frames"))
        }
    }

    /// A message that lies whole in the input needs no copy, if it is not masked or may be unmasked there.
    #[inline]
    fn lend<'i>(
        &mut self,
        head: FrameHead,
        input: &mut impl Input<'i>,
    ) -> Result<Option<Told<'i>>, ConnectionError> {
        let FrameHead { is_last: true, is_compressed: false, kind, key, length } = head else {
            return Ok(None);
        };
        let FrameKind::Message(opcode) = kind else { return Ok(None) };
        // No frame that was let in is longer than memory.
        let length = length as usize;
        if length > input.bytes().len() {
            return Ok(None);
        }
        let bytes = match key {
            None => input.take(length),
            Some(key) => match input.take_unmasked(length, key) {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        if opcode == Opcode::Text && !is_utf8(bytes) {
            return Err(NOT_UTF8);
        }
        self.inbound = Inbound::START;
        self.message = None;
        self.budget.refund(1);
        Ok(Some(Told::Lent(opcode, bytes)))
    }

    /// Takes what there is of the payload; the event, if the frame ends here and it comes to one.
    #[inline]
    fn take_payload<'i>(
        &mut self,
        input: &mut impl Input<'i>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Told<'i>>, ConnectionError> {
        let Inbound::Payload { kind, is_last, key, left } = &mut self.inbound else { return Ok(None) };
        let (kind, is_last) = (*kind, *is_last);
        let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.bytes().len());
        let piece = input.take(count);
        *left -= count as u64;
        let is_whole = *left == 0;
        let piece_key = *key;
        *key = key.map(|key| key_behind(key, count));
        let left = usize::try_from(*left).unwrap_or(usize::MAX);
        if is_whole {
            self.inbound = Inbound::START;
        }
        let is_compressed = !kind.is_control() && self.message.is_some_and(|message| message.is_compressed);
        if is_compressed {
            let inflated = self.inflate(piece, piece_key, is_whole && is_last);
            if inflated.is_err() {
                // A text may have been none before, which is then what the peer is told, however the input came.
                self.check_text(false)?;
            }
            inflated?;
        } else {
            self.make_room(count, left);
            match piece_key {
                Some(key) => append_masked(&mut self.buffer, piece, key),
                None => self.buffer.extend_from_slice(piece),
            }
        }
        if kind.is_control() {
            return if is_whole { self.control(kind, out) } else { Ok(None) };
        }
        self.message_length = self.buffer.len();
        self.check_text(is_whole && is_last)?;
        if is_whole && is_last {
            let opcode = self.message.take().map_or(Opcode::Binary, |message| message.opcode);
            self.budget.refund(1);
            return Ok(Some(Told::Message(opcode)));
        }
        Ok(None)
    }

    /// Makes room for a piece of a frame, and for some of what is left of it.
    #[inline]
    fn make_room(&mut self, piece: usize, left: usize) {
        let (length, capacity) = (self.buffer.len(), self.buffer.capacity());
        if capacity - length < piece {
            // Not less than what doubles it, or it would be copied again for each piece; and not more than the frame needs.
            let more = left.min(length.max(piece.saturating_mul(AHEAD)));
            self.buffer.reserve_exact(piece.saturating_add(more));
        }
    }

    /// What came of a text has to be UTF-8, as far as that can be said.
    #[inline]
    fn check_text(&mut self, is_whole: bool) -> Result<(), ConnectionError> {
        let Some(message) = &mut self.message else { return Ok(()) };
        if message.opcode == Opcode::Binary {
            return Ok(());
        }
        let bytes = self.buffer.get(message.checked..).unwrap_or_default();
        if is_whole {
            return if is_utf8(bytes) { Ok(()) } else { Err(NOT_UTF8) };
        }
        message.checked += whole_characters(bytes).ok_or(NOT_UTF8)?;
        Ok(())
    }

    /// A control frame that is whole, in the buffer behind the message.
    fn control<'i>(
        &mut self,
        kind: FrameKind,
        out: &mut Vec<u8>,
    ) -> Result<Option<Told<'i>>, ConnectionError> {
        let buffer = std::mem::take(&mut self.buffer);
        let payload = buffer.get(self.message_length..).unwrap_or_default();
        let result = match kind {
            FrameKind::Ping if !self.sender.close_sent => {
                self.sender.write(FrameKind::Pong, payload, out);
                Ok(())
            }
            FrameKind::Close => self.close_frame(payload, out),
            _ => Ok(()),
        };
        self.buffer = buffer;
        result.map(|()| Some(Told::Control(kind)))
    }

    /// A Close is answered with its code (RFC 6455 section 5.5.1).
    fn close_frame(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), ConnectionError> {
        let (code, _) = close::parse(payload)?;
        self.close_received = true;
        if !self.sender.close_sent {
            self.sender.write_close(code, "", out);
        }
        Ok(())
    }
}

const NOT_UTF8: ConnectionError = ConnectionError::payload("a text is not UTF-8");
