//! The handshake of WebSockets (RFC 6455 sections 4 and 9.1) and of permessage-deflate (RFC 7692 section 7.1), on whole texts.

use super::is_token;

/// A part of a list of extensions. White space may stand between any two of them (RFC 2616 section 2.1, "implied *LWS").
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Sign(u8),
    Token(String),
    /// A token in quotes, which is a value and no name.
    Quoted(String),
}

/// A parameter and its value.
type Parameter = (String, Option<String>);

/// What is offered, or agreed on: the parameters of permessage-deflate.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Compression {
    pub(crate) server_no_context_takeover: bool,
    pub(crate) client_no_context_takeover: bool,
    pub(crate) server_max_window_bits: Option<u8>,
    /// The inner one: with a value.
    pub(crate) client_max_window_bits: Option<Option<u8>>,
}

/// What an end wants, with windows that can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wish {
    pub(crate) sends_with_takeover: bool,
    pub(crate) receives_with_takeover: bool,
    pub(crate) sends_with_bits: u8,
    pub(crate) receives_with_bits: u8,
}

/// What an end does in the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    pub(crate) sends_with_takeover: bool,
    pub(crate) receives_with_takeover: bool,
    /// `None`: it sends nothing compressed, as its compressor has no window of 8 bits.
    pub(crate) sends_with_bits: Option<u8>,
    pub(crate) receives_with_bits: u8,
}

/// Why a client ends the connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wrong {
    NoList,
    NotOffered,
}

/// Base64 (RFC 4648 section 4), three bytes at a time.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| usize::from(three.get(at).copied().unwrap_or_default());
        let number = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            text.push(if at <= three.len() { ALPHABET[number >> (18 - 6 * at) & 63] } else { b'=' });
        }
    }
    text
}

/// SHA-1 (RFC 3174), for texts of up to some megabytes.
fn sha1(text: &[u8]) -> [u8; 20] {
    let mut padded = text.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((text.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> = block
            .chunks(4)
            .map(|four| four.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
            .collect();
        for at in 16..80 {
            let word: u32 = words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16];
            words.push(word.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (mixed, constant) = match at / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(*word)
                .wrapping_add(constant);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *old = old.wrapping_add(new);
        }
    }
    let mut sum = [0; 20];
    for (place, byte) in sum.iter_mut().zip(state.iter().flat_map(|word| word.to_be_bytes())) {
        *place = byte;
    }
    sum
}

/// `Sec-WebSocket-Key` of these bytes.
pub(crate) fn key(random: &[u8; 16]) -> Vec<u8> {
    base64(random)
}

/// `Sec-WebSocket-Accept` of a key. `None`: it is not the base64 of 16 bytes, or one whose last bits are not zeros, which section 3.5 of
/// RFC 4648 lets a decoder refuse.
pub(crate) fn accept(key: &[u8]) -> Option<Vec<u8>> {
    let (signs, ending) = key.split_at_checked(22)?;
    let is_sign = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // The last sign has two bits of the sixteenth byte, and four zeros.
    if ending != b"==" || !signs.iter().all(is_sign) || !b"AQgw".contains(&signs[21]) {
        return None;
    }
    Some(base64(&sha1(&[key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat())))
}

/// The subprotocols of all lines; `None`: they are no list of tokens, each of them once. No line is no list, and nothing wrong.
pub(crate) fn subprotocols(lines: &[&[u8]]) -> Option<Vec<String>> {
    let text = lines.join(&b',');
    let names: Vec<String> = text
        .split(|byte| *byte == b',')
        .map(super::trim)
        .filter(|name| !name.is_empty())
        .map(|name| is_token(name).then(|| String::from_utf8_lossy(name).into_owned()))
        .collect::<Option<_>>()?;
    let is_twice = (0..names.len()).any(|at| names[..at].contains(&names[at]));
    (!is_twice && (lines.is_empty() || !names.is_empty())).then_some(names)
}

/// All extensions of a text. `None`: it is no list of them.
fn extensions(text: &[u8]) -> Option<Vec<(String, Vec<Parameter>)>> {
    let parts = parts(text)?;
    let elements = parts.split(|part| *part == Part::Sign(b',')).filter(|element| !element.is_empty());
    elements.map(extension).collect()
}

fn extension(parts: &[Part]) -> Option<(String, Vec<Parameter>)> {
    let mut pieces = parts.split(|part| *part == Part::Sign(b';'));
    let name = match pieces.next()? {
        [Part::Token(name)] => name.clone(),
        _ => return None,
    };
    let parameters = pieces.map(|piece| match piece {
        [Part::Token(name)] => Some((name.clone(), None)),
        [Part::Token(name), Part::Sign(b'='), Part::Token(value) | Part::Quoted(value)] => {
            Some((name.clone(), Some(value.clone())))
        }
        _ => None,
    });
    Some((name, parameters.collect::<Option<_>>()?))
}

fn parts(text: &[u8]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b' ' | b'\t' => at += 1,
            sign @ (b',' | b';' | b'=') => {
                parts.push(Part::Sign(sign));
                at += 1;
            }
            b'"' => {
                let (mut value, mut place) = (Vec::new(), at + 1);
                while *text.get(place)? != b'"' {
                    place += usize::from(text[place] == b'\\');
                    value.push(*text.get(place)?);
                    place += 1;
                }
                // "the value after quoted-string unescaping MUST conform to the 'token' ABNF"
                parts.push(Part::Quoted(is_token(&value).then(|| String::from_utf8(value).ok())??));
                at = place + 1;
            }
            _ => {
                let length = text[at..].iter().take_while(|byte| is_token(&[**byte])).count();
                if length == 0 {
                    return None;
                }
                parts.push(Part::Token(String::from_utf8_lossy(&text[at..at + length]).into_owned()));
                at += length;
            }
        }
    }
    Some(parts)
}

/// The parameters, if all are known, each of them once, with a value that it can have.
fn compression(parameters: &[Parameter]) -> Option<Compression> {
    let mut found = Compression::default();
    let bits = |value: &str| (8..=15).find(|bits: &u8| bits.to_string() == value);
    for (at, (name, value)) in parameters.iter().enumerate() {
        if parameters[..at].iter().any(|other| other.0 == *name) {
            return None;
        }
        match (name.as_str(), value) {
            ("server_no_context_takeover", None) => found.server_no_context_takeover = true,
            ("client_no_context_takeover", None) => found.client_no_context_takeover = true,
            ("server_max_window_bits", Some(value)) => found.server_max_window_bits = Some(bits(value)?),
            ("client_max_window_bits", None) => found.client_max_window_bits = Some(None),
            ("client_max_window_bits", Some(value)) => {
                found.client_max_window_bits = Some(Some(bits(value)?))
            }
            _ => return None,
        }
    }
    Some(found)
}

/// The one extension of a text, which is one of ours.
pub(crate) fn only_compression(text: &[u8]) -> Option<Compression> {
    match extensions(text)?.as_slice() {
        [(name, parameters)] if name == "permessage-deflate" => compression(parameters),
        _ => None,
    }
}

/// What a server answers to all lines of an offer.
pub(crate) fn answer(lines: &[&[u8]], wish: &Wish) -> Result<Option<(Terms, Compression)>, Wrong> {
    let offers = extensions(&lines.join(&b',')).ok_or(Wrong::NoList)?;
    let ours = offers.iter().filter(|offer| offer.0 == "permessage-deflate");
    Ok(ours.filter_map(|offer| compression(&offer.1)).find_map(|offer| answer_one(&offer, wish)))
}

fn answer_one(offer: &Compression, wish: &Wish) -> Option<(Terms, Compression)> {
    // 7.1.2.1: the server must not use a larger window than it is asked for, and it can do none of 8 bits.
    let sends = wish.sends_with_bits.min(offer.server_max_window_bits.unwrap_or(15));
    if sends == 8 {
        return None;
    }
    // 7.1.2.2: only a client that has the parameter in its offer can be asked for a smaller window.
    let receives = match offer.client_max_window_bits {
        None => 15,
        Some(None) => wish.receives_with_bits,
        Some(Some(bits)) => bits.min(wish.receives_with_bits),
    };
    let terms = Terms {
        sends_with_takeover: wish.sends_with_takeover && !offer.server_no_context_takeover,
        receives_with_takeover: wish.receives_with_takeover && !offer.client_no_context_takeover,
        sends_with_bits: Some(sends),
        receives_with_bits: receives,
    };
    let answer = Compression {
        server_no_context_takeover: !terms.sends_with_takeover,
        client_no_context_takeover: !terms.receives_with_takeover,
        server_max_window_bits: offer.server_max_window_bits.is_some().then_some(sends),
        client_max_window_bits: (receives != 15).then_some(Some(receives)),
    };
    Some((terms, answer))
}

/// What a client offers.
pub(crate) fn offer(wish: &Wish) -> Compression {
    Compression {
        server_no_context_takeover: !wish.receives_with_takeover,
        client_no_context_takeover: !wish.sends_with_takeover,
        server_max_window_bits: (wish.receives_with_bits != 15).then_some(wish.receives_with_bits),
        client_max_window_bits: Some((wish.sends_with_bits != 15).then_some(wish.sends_with_bits)),
    }
}

/// What a client that made this [`offer`] makes of all lines of an answer.
pub(crate) fn agreed(lines: &[&[u8]], wish: &Wish) -> Result<Option<Terms>, Wrong> {
    // Line by line, because of what is wrong first, not second, the client tells.
    let mut found = None;
    for line in lines {
        for (name, parameters) in extensions(line).ok_or(Wrong::NoList)? {
            if found.is_some() || name != "permessage-deflate" {
                return Err(Wrong::NotOffered);
            }
            let answer = compression(&parameters).ok_or(Wrong::NotOffered)?;
            found = Some(agreed_one(&answer, wish).ok_or(Wrong::NotOffered)?);
        }
    }
    Ok(found)
}

fn agreed_one(answer: &Compression, wish: &Wish) -> Option<Terms> {
    let asked = offer(wish);
    // 7.1.1.1: a server that accepts such an offer has the parameter in its answer.
    if asked.server_no_context_takeover && !answer.server_no_context_takeover {
        return None;
    }
    // 7.1.2.1: the same, with the same value or a smaller one.
    let receives = answer.server_max_window_bits.unwrap_or(15);
    if receives > asked.server_max_window_bits.unwrap_or(15) {
        return None;
    }
    // 7.1.2.2: in an answer it has a value. A larger one than the client's own hint changes nothing for it.
    let most = match answer.client_max_window_bits {
        None => 15,
        Some(value) => value?,
    };
    let sends = most.min(wish.sends_with_bits);
    Some(Terms {
        sends_with_takeover: wish.sends_with_takeover && !answer.client_no_context_takeover,
        receives_with_takeover: !answer.server_no_context_takeover,
        sends_with_bits: (sends != 8).then_some(sends),
        receives_with_bits: receives,
    })
}

/// What a client that offered these makes of the subprotocols in an answer: `Err` ends the connection.
pub(crate) fn chosen(lines: &[&[u8]], offered: &[String]) -> Result<Option<String>, ()> {
    match lines {
        [] => Ok(None),
        [line] => offered.iter().find(|name| name.as_bytes() == *line).cloned().map(Some).ok_or(()),
        _ => Err(()),
    }
}
