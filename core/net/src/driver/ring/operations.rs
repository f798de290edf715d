//! What is under way in the ring, and how it is named in 64 bits.

use crate::Key;

/// One operation of the ring.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Operation {
    /// The bytes of a connection.
    Receive(Key),
    /// The connections of a listener.
    Accept(u32),
    /// A piece of the batch.
    Send(u32),
    /// The last bytes of a connection that was closed.
    Farewell(u32),
    /// The readiness of everything else.
    Poll,
    /// One whose end nobody waits for.
    Unwatched,
}

/// Indexes of connections have this many bits here; the four above say what it is. A connection with a larger one stays with readiness.
const INDEX_BITS: u32 = 28;
/// How many connections the ring can name.
pub(super) const MOST_CONNECTIONS: u32 = 1 << INDEX_BITS;

const RECEIVE: u32 = 0;
const ACCEPT: u32 = 1;
const SEND: u32 = 2;
const FAREWELL: u32 = 3;
const POLL: u32 = 4;
const UNWATCHED: u32 = 5;

impl Operation {
    pub(super) const fn to_u64(self) -> u64 {
        let (kind, index, upper) = match self {
            Operation::Receive(Key { index, generation }) => (RECEIVE, index, generation),
            Operation::Accept(number) => (ACCEPT, 0, number),
            Operation::Send(number) => (SEND, 0, number),
            Operation::Farewell(number) => (FAREWELL, 0, number),
            Operation::Poll => (POLL, 0, 0),
            Operation::Unwatched => (UNWATCHED, 0, 0),
        };
        (upper as u64) << 32 | (kind << INDEX_BITS | index & (MOST_CONNECTIONS - 1)) as u64
    }

    pub(super) const fn from_u64(number: u64) -> Operation {
        let (lower, upper) = (number as u32, (number >> 32) as u32);
        match lower >> INDEX_BITS {
            RECEIVE => Operation::Receive(Key { index: lower, generation: upper }),
            ACCEPT => Operation::Accept(upper),
            SEND => Operation::Send(upper),
            FAREWELL => Operation::Farewell(upper),
            POLL => Operation::Poll,
            _ => Operation::Unwatched,
        }
    }
}

/// The end of an operation, or one step of it.
#[derive(Copy, Clone, Debug)]
pub(super) struct Completion {
    pub(super) operation: Operation,
    /// What the system call would have returned: negative for an error.
    pub(super) result: i32,
    /// The number of the buffer with the received bytes.
    pub(super) buffer: Option<u16>,
    /// Whether the operation goes on.
    pub(super) more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_survive_the_way_through_a_number() {
        let edges = [
            Operation::Receive(Key { index: 0, generation: 0 }),
            Operation::Receive(Key { index: MOST_CONNECTIONS - 1, generation: u32::MAX }),
            Operation::Accept(u32::MAX),
            Operation::Send(0),
            Operation::Send(u32::MAX),
            Operation::Farewell(7),
            Operation::Poll,
            Operation::Unwatched,
        ];
        for operation in edges {
            assert_eq!(Operation::from_u64(operation.to_u64()), operation);
        }
    }
}
