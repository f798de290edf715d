//! What both ends agreed on about compression (RFC 7692).

/// permessage-deflate, as it was agreed on in the handshake.
#[derive(Debug)]
pub struct Deflate {
    _agreed: (),
}
