//! Datagrams of a connection, and the settings of both ends.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::Result;

const LONGEST: usize = 1350;

/// Settings that are the same for a client and a server.
pub(crate) fn config() -> quiche::Result<quiche::Config> {
    let mut config = quiche::Config::new(quiche::PROTOCOL_VERSION)?;
    config.set_application_protos(quiche::h3::APPLICATION_PROTOCOL)?;
    config.set_max_idle_timeout(20_000);
    config.set_max_recv_udp_payload_size(LONGEST);
    config.set_max_send_udp_payload_size(LONGEST);
    config.set_initial_max_data(10_000_000);
    config.set_initial_max_stream_data_bidi_local(1_000_000);
    config.set_initial_max_stream_data_bidi_remote(1_000_000);
    config.set_initial_max_stream_data_uni(1_000_000);
    config.set_initial_max_streams_bidi(100);
    config.set_initial_max_streams_uni(100);
    Ok(config)
}

/// A fresh connection ID.
pub(crate) fn id() -> Result<quiche::ConnectionId<'static>> {
    let mut id = [0; 16];
    boring::rand::rand_bytes(&mut id)?;
    Ok(quiche::ConnectionId::from_vec(id.to_vec()))
}

/// Sends what a connection has to send now.
pub(crate) fn send(socket: &UdpSocket, quic: &mut quiche::Connection) -> Result<()> {
    let mut packet = [0; LONGEST];
    loop {
        match quic.send(&mut packet) {
            Ok((length, info)) => {
                let bytes = packet.get(..length).ok_or("more than there is room for")?;
                socket.send_to(bytes, info.to)?;
            }
            Err(quiche::Error::Done) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for a datagram, at most so long. `None`: none came.
pub(crate) fn receive<'a>(
    socket: &UdpSocket,
    buffer: &'a mut [u8],
    most: Option<Duration>,
) -> Result<Option<(&'a mut [u8], SocketAddr)>> {
    // No time at all would mean for ever.
    socket.set_read_timeout(most.map(|most| most.max(Duration::from_micros(1))))?;
    match socket.recv_from(buffer) {
        Ok((length, from)) => Ok(buffer.get_mut(..length).map(|bytes| (bytes, from))),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
