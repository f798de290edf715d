//! From HTTP/1.1 to HTTP/2 on the same connection: `Upgrade: h2c` (RFC 7540, 3.2). RFC 9113 has dropped it, and clients such as curl
//! still ask.

use std::sync::Arc;

use flare_net::Output;
use flare_proto::http2::{ServerConnection, StreamKey};
use flare_proto::{ContentLength, Headers, ResponseParts};

use super::{Becomes, Http1};
use crate::exchange::{Block, SharedBlock};
use crate::server::environment::Environment;

/// A connection that goes on with HTTP/2, and was told so.
pub(crate) struct ToHttp2 {
    pub(crate) wire: ServerConnection,
    /// The request that asked for it, and the stream of its answer.
    pub(crate) block: SharedBlock,
    pub(crate) stream: StreamKey,
}

impl Http1 {
    /// Goes on with HTTP/2 if the client asks for it. The block comes back if it does not, or may not.
    #[cold]
    pub(super) fn go_on_with_http2(
        &mut self,
        block: SharedBlock,
        env: &Environment,
        out: &mut Output,
    ) -> Result<(), SharedBlock> {
        let Some((wire, stream)) = asked_for(&block, env) else { return Err(block) };
        let mut headers = Headers::new();
        let set = headers.set("upgrade", "h2c");
        debug_assert!(set.is_ok());
        let parts = ResponseParts { status: 101, headers: &headers, body: ContentLength::None, origin: None };
        if self.wire.send_head(out.buffer(), &parts).is_err() {
            return Err(block);
        }
        self.becomes = Some(Becomes::Http2(Box::new(ToHttp2 { wire, block, stream })));
        Ok(())
    }
}

fn asked_for(block: &Block, env: &Environment) -> Option<(ServerConnection, StreamKey)> {
    let headers = block.head.headers();
    let mut offers = headers.get_str("upgrade")?.split(',');
    let asks = offers.any(|offer| offer.trim().eq_ignore_ascii_case("h2c"));
    // Over TLS it is agreed in the handshake (RFC 9113, 3.2).
    if !asks || !env.service.config.http2_enabled || env.draining || block.ends.tls.is_some() {
        return None;
    }
    let mut settings = headers.get_all("http2-settings");
    // None: without settings, or with two, it is answered as if nobody had asked.
    let (Some(settings), None) = (settings.next(), settings.next()) else { return None };
    ServerConnection::upgraded(Arc::clone(&env.service.http2_limits), settings, block.head.method())
}
