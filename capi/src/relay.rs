//! Answers that come from an upstream: `flare_response_relay`.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use bytes::Bytes;
use flare::{AnswerError, Upstream};

use crate::guard::{Failure, guard};
use crate::object::{RESPONSE, with_exchange};
use crate::response::{checked_status, flare_response};
use crate::text;

/// The content of the request goes to the upstream, behind the prologue and without its framing; behind its end the stream to the
/// upstream is closed in that direction. On a streaming route it flows while the client sends it.
pub const FLARE_RELAY_FORWARD: u32 = 1;

/// Answers with what an upstream sends: its bytes are the content, its end is the end. Any thread may call. The answer belongs to the
/// relay from now on; the handles must not be used to answer afterwards.
///
/// The head is sent with the first byte. An upstream that can't be reached, or fails before its first byte, is answered with 502, one
/// that takes too long with 504; later the connection is cut, so that the client sees that the answer is not whole. The upstream is not
/// read while the client takes nothing, and is closed when the client is lost. A header "content-length" that was set before must be
/// what comes; without one the content is sent in chunks. The deadline of the handler counts until the first byte.
///
/// @param status              200 to 599.
/// @param address             "127.0.0.1:80", "[::1]:80", "unix:/run/app.sock", "name:80". A name is looked up later, which
///                            blocks nobody; all its addresses are tried.
/// @param prologue            Sent to the upstream first, such as a request; copied. May be NULL when `length` is 0.
/// @param connect_timeout_ms  How long it may take to connect, the lookup included. 0 for 5000.
/// @param silence_timeout_ms  How long the upstream may send nothing while the client would take more. 0 for 30000.
/// @param flags               0, or FLARE_RELAY_FORWARD.
/// @return FLARE_ERROR_FINISHED when the exchange was answered or relayed before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when
/// nobody waits for the answer. After an error of an argument the exchange can still be answered.
///
/// # Safety
/// `address` is a NUL-terminated string, `prologue` points to `length` readable bytes.
#[allow(rustdoc::broken_intra_doc_links, reason = "[::1] is an address")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_relay(
    response: *mut flare_response,
    status: i32,
    address: *const c_char,
    prologue: *const c_void,
    length: usize,
    connect_timeout_ms: u32,
    silence_timeout_ms: u32,
    flags: u32,
) -> i32 {
    guard(|| {
        let status = checked_status(status)?;
        // SAFETY: the caller's promises.
        let (address, prologue) =
            unsafe { (text::required(address, "address")?, text::bytes(prologue, length, "prologue")?) };
        if flags & !FLARE_RELAY_FORWARD != 0 {
            return Err(Failure::argument("flags", "has an unknown bit"));
        }
        with_exchange(response, RESPONSE, |exchange| {
            let mut upstream = Upstream::to(address)?
                .prologue(Bytes::copy_from_slice(prologue))
                .forward_content(flags & FLARE_RELAY_FORWARD != 0);
            if connect_timeout_ms > 0 {
                upstream = upstream.connect_timeout(Duration::from_millis(connect_timeout_ms.into()));
            }
            if silence_timeout_ms > 0 {
                upstream = upstream.silence_timeout(Duration::from_millis(silence_timeout_ms.into()));
            }
            // Only who has the right to answer may change the head: a relay that runs already keeps its own.
            exchange.draft(|_| ())?;
            let own = exchange.hand_over().ok_or(AnswerError::Answered)?;
            own.draft(|response| response.set_status(status))?;
            Ok(own.relay(upstream)?)
        })
    })
}
