//! The rules of the frame mux, written the obvious way: over all frames at once.

use std::collections::HashMap;

use flare_proto::mux::ProtocolError;

/// How many streams the peer may have open.
pub(crate) const MAX_STREAMS: usize = 3;
/// How much the target sends at a time.
pub(crate) const SENT: u64 = 70_000;
const FIRST_CREDIT: u64 = 65_536;
const MOST_CREDIT: u64 = (1 << 31) - 1;

/// An event. Data events that follow each other are one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Opened(u64),
    Data(u64, Vec<u8>),
    Done(u64),
    Error(u64, String),
    Cancelled(u64),
    Writable(u64),
}

/// All that came of the frames.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    seen: Vec<Seen>,
    pub(crate) error: Option<ProtocolError>,
    /// How many streams are open at the end.
    pub(crate) open: usize,
}

impl Said {
    pub(crate) fn see(&mut self, event: Seen) {
        if let (Some(Seen::Data(last, all)), Seen::Data(id, bytes)) = (self.seen.last_mut(), &event)
            && last == id
        {
            all.extend_from_slice(bytes);
        } else {
            self.seen.push(event);
        }
    }
}

struct Stream {
    from_peer: bool,
    may_send: u64,
    may_receive: u64,
    blocked: bool,
    done: bool,
}

/// What the target must see, when it has one stream open, `own`.
pub(crate) fn decode(frames: &[u8], max_frame: u32, own: u64) -> Said {
    let mut said = Said::default();
    let mut streams = HashMap::new();
    let new = |from_peer| Stream {
        from_peer,
        may_send: FIRST_CREDIT,
        may_receive: FIRST_CREDIT,
        blocked: false,
        done: false,
    };
    streams.insert(own, new(false));
    let mut rest = frames;
    while said.error.is_none() && rest.len() >= 13 {
        let length = u32::from_be_bytes(rest[..4].try_into().expect("4 bytes"));
        let id = u64::from_be_bytes(rest[4..12].try_into().expect("8 bytes"));
        let kind = rest[12];
        rest = &rest[13..];
        let payload = &rest[..rest.len().min(length as usize)];
        let is_whole = payload.len() == length as usize;
        rest = &rest[payload.len()..];
        let data = |said: &mut Said| {
            if !payload.is_empty() {
                said.see(Seen::Data(id, payload.to_vec()));
            }
        };
        said.error = match (kind, streams.get_mut(&id)) {
            (6.., _) => Some(ProtocolError::UnknownKind(kind)),
            _ if length > max_frame => Some(ProtocolError::FrameTooLong(length)),
            (0, Some(_)) => Some(ProtocolError::OpenedTwice(id)),
            (5, _) if length != 4 => Some(ProtocolError::MalformedCredit(id)),
            (1 | 2, Some(stream)) if stream.done => Some(ProtocolError::AfterDone(id)),
            (0, None) => {
                let of_peer = streams.values().filter(|stream| stream.from_peer).count();
                if of_peer < MAX_STREAMS && u64::from(length) <= FIRST_CREDIT {
                    let mut stream = new(true);
                    stream.may_receive -= u64::from(length);
                    if id % 2 == 1 {
                        (stream.may_send, stream.blocked) = (0, true);
                    }
                    streams.insert(id, stream);
                    said.see(Seen::Opened(id));
                    data(&mut said);
                }
                None
            }
            (1 | 2, Some(stream)) if stream.may_receive < u64::from(length) => {
                streams.remove(&id);
                said.see(Seen::Error(id, "more bytes than the credit allows".to_owned()));
                None
            }
            (1 | 2, Some(stream)) => {
                stream.may_receive -= u64::from(length);
                data(&mut said);
                if kind == 2 && is_whole {
                    stream.done = true;
                    said.see(Seen::Done(id));
                    if id % 4 != 0 {
                        streams.remove(&id);
                    }
                }
                None
            }
            (3, Some(_)) if is_whole => {
                streams.remove(&id);
                let text = &payload[..payload.len().min(1024)];
                said.see(Seen::Error(id, String::from_utf8_lossy(text).into_owned()));
                None
            }
            (4, Some(_)) => {
                streams.remove(&id);
                said.see(Seen::Cancelled(id));
                None
            }
            (5, Some(stream)) if is_whole => {
                let credit = u32::from_be_bytes(payload.try_into().expect("4 bytes"));
                stream.may_send += u64::from(credit);
                if stream.may_send > MOST_CREDIT {
                    Some(ProtocolError::TooMuchCredit(id))
                } else {
                    if stream.blocked && stream.may_send > 0 {
                        said.see(Seen::Writable(id));
                        stream.blocked = stream.may_send < SENT;
                        stream.may_send = stream.may_send.saturating_sub(SENT);
                    }
                    None
                }
            }
            _ => None,
        };
    }
    said.open = if said.error.is_some() { 0 } else { streams.len() };
    said
}
