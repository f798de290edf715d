//! How both ends agree on permessage-deflate (RFC 7692 section 7.1).

use std::fmt::Write;

use super::error::HandshakeError;
use super::extensions::{Extension, parse};
use crate::websocket::deflate::{Deflate, DeflateConfig, LEAST_BITS, LEAST_SEND_BITS, MOST_BITS, Terms};

const NAME: &str = "permessage-deflate";

/// The parameters of an offer or an answer.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// An offer has it with or without a value.
    client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    /// `None`: some are unknown, repeated, or have a value that they can't have.
    fn of(extension: &Extension<'_>) -> Option<Self> {
        let mut found = Parameters::default();
        for (name, value) in &extension.parameters {
            let is_new = match (*name, value) {
                (b"server_no_context_takeover", None) => {
                    !replace(&mut found.server_no_context_takeover, true)
                }
                (b"client_no_context_takeover", None) => {
                    !replace(&mut found.client_no_context_takeover, true)
                }
                (b"server_max_window_bits", Some(value)) => {
                    found.server_max_window_bits.replace(window_bits(value)?).is_none()
                }
                (b"client_max_window_bits", None) => found.client_max_window_bits.replace(None).is_none(),
                (b"client_max_window_bits", Some(value)) => {
                    found.client_max_window_bits.replace(Some(window_bits(value)?)).is_none()
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(found)
    }

    fn write(&self) -> String {
        let mut text = NAME.to_owned();
        if self.server_no_context_takeover {
            text += "; server_no_context_takeover";
        }
        if self.client_no_context_takeover {
            text += "; client_no_context_takeover";
        }
        // Writing to a text does not fail.
        if let Some(bits) = self.server_max_window_bits {
            let _ = write!(text, "; server_max_window_bits={bits}");
        }
        match self.client_max_window_bits {
            Some(Some(bits)) => drop(write!(text, "; client_max_window_bits={bits}")),
            Some(None) => text += "; client_max_window_bits",
            None => {}
        }
        text
    }
}

fn replace(place: &mut bool, value: bool) -> bool {
    std::mem::replace(place, value)
}

/// A number from 8 to 15, without zeros in front.
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// For a server: takes the first offer that it can keep to, of all values of `Sec-WebSocket-Extensions`. `None`: there is none, and nothing is compressed.
/// The text is the value of `Sec-WebSocket-Extensions` of the answer.
///
/// An offer with a parameter that is unknown, repeated or malformed is declined, and one that wants a window of 8 bits of the server, which its compressor can't
/// keep to; the client's next offer may be better. Other extensions are not known here.
///
/// # Errors
/// [`HandshakeError::Extensions`].
pub fn accept_deflate<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    config: &DeflateConfig,
) -> Result<Option<(Deflate, String)>, HandshakeError> {
    let mut accepted = None;
    for value in values {
        for extension in parse(value)? {
            if accepted.is_none() && extension.name == NAME.as_bytes() {
                accepted = Parameters::of(&extension).and_then(|offer| accept(offer, config));
            }
        }
    }
    Ok(accepted.map(|(terms, answer)| (Deflate::new(config, terms), answer.write())))
}

fn accept(offer: Parameters, config: &DeflateConfig) -> Option<(Terms, Parameters)> {
    let send_window_bits = send_bits(config).min(offer.server_max_window_bits.unwrap_or(MOST_BITS));
    if send_window_bits < LEAST_SEND_BITS {
        return None;
    }
    // Only a client that offered it knows the parameter.
    let receive_window_bits = match offer.client_max_window_bits {
        Some(offered) => receive_bits(config).min(offered.unwrap_or(MOST_BITS)),
        None => MOST_BITS,
    };
    let terms = Terms {
        send_takeover: config.send_takeover && !offer.server_no_context_takeover,
        receive_takeover: config.receive_takeover && !offer.client_no_context_takeover,
        send_window_bits: Some(send_window_bits),
        receive_window_bits,
    };
    let answer = Parameters {
        server_no_context_takeover: !terms.send_takeover,
        client_no_context_takeover: !terms.receive_takeover,
        server_max_window_bits: offer.server_max_window_bits.map(|_| send_window_bits),
        client_max_window_bits: (receive_window_bits < MOST_BITS).then_some(Some(receive_window_bits)),
    };
    Some((terms, answer))
}

/// For a client: the value of `Sec-WebSocket-Extensions` that offers compression.
#[must_use]
pub fn offer_deflate(config: &DeflateConfig) -> String {
    let send = send_bits(config);
    let receive = receive_bits(config);
    Parameters {
        server_no_context_takeover: !config.receive_takeover,
        client_no_context_takeover: !config.send_takeover,
        server_max_window_bits: (receive < MOST_BITS).then_some(receive),
        client_max_window_bits: Some((send < MOST_BITS).then_some(send)),
    }
    .write()
}

/// For a client that [offered](offer_deflate) compression with this configuration: what was agreed on, by all values of `Sec-WebSocket-Extensions` of the
/// answer. `None`: the server does not want to. If it wants a window of 8 bits of the client, whose compressor can't keep to that, then the client sends its
/// messages uncompressed, as it always may.
///
/// # Errors
/// [`HandshakeError::Extensions`], [`HandshakeError::ExtensionNotOffered`]: the connection is to be ended.
pub fn agreed_deflate<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    config: &DeflateConfig,
) -> Result<Option<Deflate>, HandshakeError> {
    let mut agreed = None;
    for value in values {
        for extension in parse(value)? {
            if agreed.is_some() || extension.name != NAME.as_bytes() {
                return Err(HandshakeError::ExtensionNotOffered);
            }
            let terms = Parameters::of(&extension).and_then(|answer| agree(answer, config));
            agreed = Some(terms.ok_or(HandshakeError::ExtensionNotOffered)?);
        }
    }
    Ok(agreed.map(|terms| Deflate::new(config, terms)))
}

fn agree(answer: Parameters, config: &DeflateConfig) -> Option<Terms> {
    // What was asked for has to be in the answer (RFC 7692 sections 7.1.1.1 and 7.1.2.1).
    if !config.receive_takeover && !answer.server_no_context_takeover {
        return None;
    }
    let receive_window_bits = answer.server_max_window_bits.unwrap_or(MOST_BITS);
    if receive_window_bits > receive_bits(config) {
        return None;
    }
    let most = match answer.client_max_window_bits {
        None => MOST_BITS,
        Some(bits) => bits?,
    };
    let send_window_bits = send_bits(config).min(most);
    Some(Terms {
        send_takeover: config.send_takeover && !answer.client_no_context_takeover,
        receive_takeover: !answer.server_no_context_takeover,
        send_window_bits: (send_window_bits >= LEAST_SEND_BITS).then_some(send_window_bits),
        receive_window_bits,
    })
}

fn send_bits(config: &DeflateConfig) -> u8 {
    config.send_window_bits.clamp(LEAST_SEND_BITS, MOST_BITS)
}

fn receive_bits(config: &DeflateConfig) -> u8 {
    config.receive_window_bits.clamp(LEAST_BITS, MOST_BITS)
}
