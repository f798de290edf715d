//! Datagrams of an exchange (RFC 9297): `flare_response_switch_to_datagrams` and its kin.

use std::ffi::{c_char, c_void};

use flare::DatagramError;

use crate::guard::{Failure, guard, guard_number};
use crate::object::{REQUEST, RESPONSE, with_exchange};
use crate::request::flare_request;
use crate::request_write::{offer, on_client};
use crate::response::flare_response;
use crate::status::{FLARE_ERROR_LIMIT, FLARE_ERROR_WOULD_BLOCK};
use crate::text;

/// A datagram has come; not from a queue. See flare_response_switch_to_datagrams() and flare_request_offer_datagrams().
pub const FLARE_EVENT_DATAGRAM: i32 = 9;

impl From<DatagramError> for Failure {
    fn from(error: DatagramError) -> Self {
        match error {
            DatagramError::TooLarge { .. } => Failure::new(FLARE_ERROR_LIMIT, error.to_string()),
            DatagramError::Closed(error) => error.into(),
            _ => Failure::new(FLARE_ERROR_WOULD_BLOCK, error.to_string()),
        }
    }
}

/// Accepts a protocol that the client offers (flare_request_offered_protocol()) and that has datagrams (RFC 9297), with the header fields that
/// were set and "Capsule-Protocol: ?1". From then on FLARE_EVENT_DATAGRAM or flare_request_read_datagram() gives what the client sends,
/// flare_response_send_datagram() sends, flare_response_finish() closes. Ask for events behind this call. A stream on which nothing goes either way
/// ends after the setting stream_timeout_ms.
///
/// Datagrams are QUIC DATAGRAM frames where both ends of an HTTP/3 connection agreed on them (the setting http3_datagrams), and otherwise capsules
/// in the byte stream. They may be lost: of those that nobody reads 128 and 128 KiB wait, more are dropped.
///
/// @param protocol  One of those that were offered, in any case.
/// @return As flare_response_switch_protocol().
///
/// # Safety
/// `protocol` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_switch_to_datagrams(
    response: *mut flare_response,
    protocol: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let protocol = unsafe { text::required(protocol, "protocol") }?;
        with_exchange(response, RESPONSE, |exchange| Ok(exchange.switch_to_datagrams(protocol)?))
    })
}

/// Sends a datagram to the client, which is copied whole or refused. That it was taken does not say that it arrives. Any thread may send.
///
/// @param data    The datagram; may be NULL when `length` is 0.
/// @return FLARE_ERROR_LIMIT when it is longer than flare_response_max_datagram_size(); FLARE_ERROR_WOULD_BLOCK when so many wait for the client that
/// it was not taken: send a newer one later. FLARE_ERROR_INVALID_ARGUMENT when the exchange has no datagrams; FLARE_ERROR_FINISHED after the end;
/// FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when it is over.
///
/// # Safety
/// `data` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_response_send_datagram(
    response: *mut flare_response,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        with_exchange(response, RESPONSE, |exchange| Ok(exchange.send_datagram(data)?))
    })
}

/// How long a datagram to the client may be now, in bytes; 0 when the exchange has none, or is over. It changes with the path to the client.
///
/// @return The number of bytes, or a negative code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_response_max_datagram_size(response: *mut flare_response) -> i32 {
    guard_number(|| {
        with_exchange(response, RESPONSE, |exchange| {
            // At most 64 KiB.
            Ok(i32::try_from(exchange.max_datagram_size()).unwrap_or(i32::MAX))
        })
    })
}

/// Takes a datagram that has come and went to no callback: those go to flare_request_on_event() where it was called. After flare_queue_watch()
/// FLARE_EVENT_READABLE says when to read, until there is none.
///
/// @param buffer    Where to put it; may be NULL when `capacity` is 0.
/// @param capacity  How much fits. What does not fit is lost.
/// @param length    Gets the length of the whole datagram, which may be 0, or more than fits.
/// @return FLARE_ERROR_WOULD_BLOCK when there is none; FLARE_ERROR_INVALID_ARGUMENT when the exchange has no datagrams; FLARE_ERROR_FINISHED,
/// _CLOSED, _TIMEOUT or _CANCELLED when it is over.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written; `length` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_read_datagram(
    request: *mut flare_request,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    guard(|| {
        let length = text::place(length, "length")?;
        let room = if capacity == 0 { None } else { Some(text::place(buffer, "buffer")?) };
        with_exchange(request, REQUEST, |exchange| {
            let datagram = exchange
                .read_datagram()?
                .ok_or_else(|| Failure::new(FLARE_ERROR_WOULD_BLOCK, "no datagram has come"))?;
            if let Some(room) = room {
                let count = datagram.len().min(capacity);
                // SAFETY: at most `capacity` bytes, and the caller promises that many behind `buffer`.
                unsafe { datagram.as_ptr().copy_to_nonoverlapping(room.cast::<u8>(), count) };
            }
            // SAFETY: not NULL, and the caller promises that it may be written.
            unsafe { length.write(datagram.len()) };
            Ok(())
        })
    })
}

/// Offers to go on with a protocol that has datagrams (RFC 9297), as flare_request_offer_protocol() does with one that has none. When
/// FLARE_EVENT_SWITCHED says that the server took it, FLARE_EVENT_DATAGRAM gives what comes, flare_request_send_datagram() sends, and
/// flare_request_finish() closes this side.
///
/// @return As flare_request_offer_protocol().
///
/// # Safety
/// `protocol` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_offer_datagrams(
    request: *mut flare_request,
    protocol: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let protocol = unsafe { text::required(protocol, "protocol") }?;
        offer(request, protocol, true)
    })
}

/// Sends a datagram to the server, which is copied whole or refused. That it was taken does not say that it arrives.
///
/// @param data    The datagram; may be NULL when `length` is 0.
/// @return FLARE_ERROR_LIMIT when it is longer than flare_request_max_datagram_size(); FLARE_ERROR_WOULD_BLOCK when so many wait for the server that
/// it was not taken; FLARE_ERROR_INVALID_ARGUMENT when the server has not taken a protocol with datagrams; otherwise as flare_request_write().
///
/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_send_datagram(
    request: *mut flare_request,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        on_client(request, |_, client, link| {
            Ok(client.with(|client| client.send_datagram(link.exchange, data))?)
        })
    })
}

/// How long a datagram to the server may be now, in bytes; 0 when it has not taken a protocol with datagrams. With HTTP/3 it changes with the path.
///
/// @return The number of bytes, or a negative code, as flare_request_write().
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_max_datagram_size(request: *mut flare_request) -> i32 {
    guard_number(|| {
        on_client(request, |_, client, link| {
            let most = client.with(|client| client.max_datagram_size(link.exchange));
            // At most 64 KiB.
            Ok(i32::try_from(most).unwrap_or(i32::MAX))
        })
    })
}
