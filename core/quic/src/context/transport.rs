//! From our settings of the transport to quiche's.

use quiche::{Config, CongestionControlAlgorithm};

use crate::settings::{Congestion, QuicSettings};

/// HTTP/3 is the only protocol (RFC 9114, 3.1).
const ALPN: &[&[u8]] = &[b"h3"];

/// The largest packet that is tried: what fits into Ethernet's 1,500 bytes behind the headers of IPv6 and UDP.
const LARGEST_PACKET: usize = 1452;

/// What must work (RFC 9000, 14).
const SMALLEST_PACKET: usize = 1200;

/// Connection IDs that each side keeps for the other: for the path in use, one that is tried, and replacements. quiche keeps as many paths,
/// and forgets none while the peer gives IDs: so this is also how often a client may change its address, but for the first.
pub(super) const CONNECTION_IDS: u64 = 8;

/// What one unidirectional stream of the peer may be ahead, in bytes. HTTP/3 has three of them, and they are read at once.
const UNIDIRECTIONAL_WINDOW: u64 = 64 << 10;

/// The three of HTTP/3 (RFC 9114, 6.2), and some that are reserved for nothing, which clients open to see whether we bear it (RFC 9114, 7.2.8).
const UNIDIRECTIONAL_STREAMS: u64 = 8;

/// Datagrams of the application that have come and wait for the end of the batch of packets that they came in. More, and the oldest are lost.
const DATAGRAMS_IN: usize = 256;

/// Datagrams of the application that wait for the congestion window.
const DATAGRAMS_OUT: usize = 64;

/// PATH_CHALLENGE frames that wait for their answers.
const PATH_CHALLENGES: usize = 3;

pub(super) fn apply(config: &mut Config, quic: &QuicSettings) -> quiche::Result<()> {
    config.set_application_protos(ALPN)?;
    config.set_max_idle_timeout(u64::try_from(quic.idle_timeout.as_millis()).unwrap_or(u64::MAX));
    config.set_initial_max_data(quic.connection_window);
    config.set_initial_max_stream_data_bidi_local(quic.stream_window);
    config.set_initial_max_stream_data_bidi_remote(quic.stream_window);
    config.set_initial_max_stream_data_uni(UNIDIRECTIONAL_WINDOW.min(quic.stream_window));
    // quiche widens windows for peers that are fast: the settings are what is kept at most.
    config.set_max_connection_window(quic.connection_window);
    config.set_max_stream_window(quic.stream_window);
    config.set_initial_max_streams_bidi(quic.max_streams);
    config.set_initial_max_streams_uni(UNIDIRECTIONAL_STREAMS);
    config.set_active_connection_id_limit(CONNECTION_IDS);
    config.set_path_challenge_recv_max_queue_len(PATH_CHALLENGES);
    config.set_disable_active_migration(!quic.migration);
    if quic.datagrams {
        config.enable_dgram(true, DATAGRAMS_IN, DATAGRAMS_OUT);
    }
    config.set_cc_algorithm(match quic.congestion {
        Congestion::Cubic => CongestionControlAlgorithm::CUBIC,
        Congestion::Bbr2 => CongestionControlAlgorithm::Bbr2Gcongestion,
        Congestion::Reno => CongestionControlAlgorithm::Reno,
    });
    config.enable_pacing(quic.pacing);
    config.discover_pmtu(quic.path_mtu_discovery);
    config.set_max_recv_udp_payload_size(LARGEST_PACKET);
    let largest = if quic.path_mtu_discovery { LARGEST_PACKET } else { SMALLEST_PACKET };
    config.set_max_send_udp_payload_size(largest);
    Ok(())
}
