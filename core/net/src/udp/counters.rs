//! What a UDP socket has done so far.

/// Numbers of one UDP socket since it was bound: [`Driver::udp_counters`](crate::Driver::udp_counters). They only grow.
#[derive(Copy, Clone, Default, PartialEq, Eq, Debug)]
pub struct UdpCounters {
    /// Datagrams that were received whole.
    pub received: u64,
    /// Their bytes, without headers of UDP and IP.
    pub received_bytes: u64,
    /// System calls that received something: `received` by this is what batches save.
    pub receive_calls: u64,
    /// Messages of the system that were longer than a buffer, and so lost a part or all of theirs.
    pub truncated: u64,
    /// Errors that the system reported instead of a datagram, such as an unreachable peer. Nothing of them is lost here.
    pub receive_errors: u64,
    /// Datagrams that the system took. What becomes of them on the way nobody tells.
    pub sent: u64,
    /// Their bytes, without headers of UDP and IP.
    pub sent_bytes: u64,
    /// System calls that sent something.
    pub send_calls: u64,
    /// Datagrams that the system refused: too long for the path (EMSGSIZE), no route, forbidden by a filter.
    pub refused: u64,
    /// Datagrams that were dropped here because too much waited to be sent already
    /// ([`UdpOptions::unsent_limit`](crate::UdpOptions::unsent_limit)).
    pub overflowed: u64,
}
