//! The names of connections and listeners, and how they travel through the operating system as a 64-bit token.

// A token carries an index and a generation. With 32-bit tokens the generation would be lost, and stale events with it.
const _: () = assert!(usize::BITS == 64, "flare-net needs a 64-bit target");

/// Indexes from here on name listeners, so a driver holds at most this many connections.
pub(crate) const LISTENERS: u32 = 1 << 31;
/// Indexes from here on name UDP sockets.
const UDP_SOCKETS: u32 = 3 << 30;
/// The index that names the mailbox.
const MAILBOX: u32 = u32::MAX;
/// The index that names the timer.
const TIMER: u32 = u32::MAX - 1;
/// How many listeners there may be: what the numbers from `LISTENERS` on leave.
pub(crate) const MOST_LISTENERS: u32 = UDP_SOCKETS - LISTENERS;
/// How many UDP sockets there may be at a time: what the numbers from `UDP_SOCKETS` on leave.
pub(crate) const MOST_UDP_SOCKETS: u32 = TIMER - UDP_SOCKETS;

/// Names one connection of a [`Driver`](crate::Driver), from accept (or insert) until close, or something that has no socket of its own, from
/// [`reserve`](crate::Driver::reserve) until release. A key is never valid again after its connection was closed, even though its index is
/// reused.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl Key {
    /// The place of the connection in a table: small numbers, reused after close. Less than 2^31.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// The whole key as one number, for instance as the token of a timer.
    pub const fn to_u64(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The key that [`Key::to_u64`] made. Any other number gives a key that names no connection, or a stale one.
    pub const fn from_u64(number: u64) -> Key {
        Key { index: number as u32, generation: (number >> 32) as u32 }
    }
}

/// Names one listener of a [`Driver`](crate::Driver). Never reused within a driver.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub struct ListenerKey(pub(crate) u32);

impl ListenerKey {
    /// The place of the listener in the order of `listen` calls, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names one UDP socket of a [`Driver`](crate::Driver), from bind until close. It is never valid again after that, even though its index is
/// reused.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub struct UdpKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl UdpKey {
    /// The place of the socket in a table: small numbers, reused after close.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// What a readiness event is about.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) enum Target {
    Connection(Key),
    Listener(ListenerKey),
    Udp(UdpKey),
    Mailbox,
    Timer,
}

impl Target {
    pub(crate) const fn to_token(self) -> mio::Token {
        mio::Token(match self {
            Target::Connection(key) => key.to_u64() as usize,
            Target::Listener(ListenerKey(index)) => (LISTENERS | index) as usize,
            Target::Udp(UdpKey { index, generation }) => {
                Key { index: UDP_SOCKETS | index, generation }.to_u64() as usize
            }
            Target::Mailbox => MAILBOX as usize,
            Target::Timer => TIMER as usize,
        })
    }

    pub(crate) const fn from_token(token: mio::Token) -> Target {
        let key = Key::from_u64(token.0 as u64);
        match key.index {
            MAILBOX => Target::Mailbox,
            TIMER => Target::Timer,
            index if index >= UDP_SOCKETS => {
                Target::Udp(UdpKey { index: index - UDP_SOCKETS, generation: key.generation })
            }
            index if index >= LISTENERS => Target::Listener(ListenerKey(index - LISTENERS)),
            _ => Target::Connection(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_survive_the_way_through_a_token() {
        let edges = [
            Target::Connection(Key { index: 0, generation: 0 }),
            Target::Connection(Key { index: LISTENERS - 1, generation: u32::MAX }),
            Target::Listener(ListenerKey(0)),
            Target::Listener(ListenerKey(MOST_LISTENERS - 1)),
            Target::Udp(UdpKey { index: 0, generation: u32::MAX }),
            Target::Udp(UdpKey { index: MOST_UDP_SOCKETS - 1, generation: 7 }),
            Target::Mailbox,
            Target::Timer,
        ];
        for target in edges {
            assert_eq!(Target::from_token(target.to_token()), target);
        }
    }

    #[test]
    fn keys_survive_the_way_through_a_number() {
        let key = Key { index: 7, generation: 9 };
        assert_eq!(Key::from_u64(key.to_u64()), key);
        assert_eq!(key.index(), 7);
    }
}
