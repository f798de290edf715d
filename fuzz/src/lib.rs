//! The bodies of the fuzz targets. libFuzzer drives them (`make fuzz`), and so do plain tests (`make test-fuzz-seeds`).
//!
//! Each target takes bytes, says in its module what they mean, and panics when the code under test is wrong. Wrong is: a panic,
//! memory misused, an outcome that depends on how the input was split, or one that differs from the oracle's, which is the
//! same rules written again the obvious way.

pub mod addresses;
#[cfg(feature = "library")]
pub mod capi;
pub mod capsule;
mod content;
#[cfg(feature = "library")]
pub mod files;
#[cfg(feature = "library")]
pub mod forwarded;
pub mod hpack;
pub mod http1_chunked;
pub mod http1_client;
pub mod http1_connection;
pub mod http1_head;
#[cfg(feature = "library")]
pub mod http1_session;
pub mod http2;
pub mod http2_joined;
#[cfg(feature = "library")]
pub mod http2_session;
pub mod http3;
pub mod http3_client;
pub mod http3_joined;
mod http3_streams;
mod input;
mod lines;
pub mod mux;
mod oracle;
#[cfg(feature = "library")]
pub mod pem;
pub mod proxy_protocol;
pub mod qpack_decode;
pub mod qpack_round_trip;
#[cfg(feature = "library")]
pub mod quic_server;
#[cfg(feature = "library")]
pub mod quic_token;
pub mod random;
#[cfg(feature = "library")]
pub mod router;
mod splits;
#[cfg(feature = "library")]
pub mod tls_connection;
#[cfg(feature = "library")]
pub mod websocket_client;
pub mod websocket_deflate;
pub mod websocket_frames;
pub mod websocket_handshake;
pub mod websocket_joined;

/// What a target is: a name, as in `fuzz/seeds/NAME`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, as far as they are built, by name.
pub const TARGETS: &[Target] = &[
    ("addresses", addresses::run),
    #[cfg(feature = "library")]
    ("capi", capi::run),
    ("capsule", capsule::run),
    #[cfg(feature = "library")]
    ("files", files::run),
    #[cfg(feature = "library")]
    ("forwarded", forwarded::run),
    ("hpack", hpack::run),
    ("http1_chunked", http1_chunked::run),
    ("http1_client", http1_client::run),
    ("http1_connection", http1_connection::run),
    ("http1_head", http1_head::run),
    #[cfg(feature = "library")]
    ("http1_session", http1_session::run),
    ("http2", http2::run),
    ("http2_joined", http2_joined::run),
    #[cfg(feature = "library")]
    ("http2_session", http2_session::run),
    ("http3", http3::run),
    ("http3_client", http3_client::run),
    ("http3_joined", http3_joined::run),
    ("mux", mux::run),
    #[cfg(feature = "library")]
    ("pem", pem::run),
    ("proxy_protocol", proxy_protocol::run),
    ("qpack_decode", qpack_decode::run),
    ("qpack_round_trip", qpack_round_trip::run),
    #[cfg(feature = "library")]
    ("quic_server", quic_server::run),
    #[cfg(feature = "library")]
    ("quic_token", quic_token::run),
    #[cfg(feature = "library")]
    ("router", router::run),
    #[cfg(feature = "library")]
    ("tls_connection", tls_connection::run),
    #[cfg(feature = "library")]
    ("websocket_client", websocket_client::run),
    ("websocket_deflate", websocket_deflate::run),
    ("websocket_frames", websocket_frames::run),
    ("websocket_handshake", websocket_handshake::run),
    ("websocket_joined", websocket_joined::run),
];

/// Whether the code under test is wrapped so that it seems to have a bug. Each target has one, where it says PLANTED.
const PLANTED: bool = cfg!(feature = "planted-bug");

/// Runs a target on the files named on the command line, and names each before it is run.
///
/// # Errors
/// A file cannot be read.
pub fn run_files(target: fn(&[u8])) -> std::io::Result<()> {
    for path in std::env::args_os().skip(1) {
        let input = std::fs::read(&path)?;
        println!("{}", path.display());
        target(&input);
    }
    Ok(())
}
