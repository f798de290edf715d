//! Frames of RFC 6455, from the whole text.

/// What an end tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, Vec<u8>),
}

/// What an end tells, what it answers, and the code it fails with. The answer of a failure is not in `out`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) seen: Vec<Seen>,
    pub(crate) out: Vec<u8>,
    pub(crate) error: Option<u16>,
}

/// What an end has to say to these bytes. Keys of a client are all zero. `most`: the longest message and the longest frame. `burst`: how many frames may come
/// that bring nothing, less messages.
pub(crate) fn decode(bytes: &[u8], is_client: bool, most: (usize, usize), burst: u32) -> Said {
    let mut said = Said::default();
    said.error = frames(bytes, is_client, most, burst, &mut said).err();
    said
}

fn frames(
    mut bytes: &[u8],
    is_client: bool,
    (most_message, most_frame): (usize, usize),
    burst: u32,
    said: &mut Said,
) -> Result<(), u16> {
    // Whether it is a text, and what came of it.
    let mut message: Option<(bool, Vec<u8>)> = None;
    let mut spent = 0;
    loop {
        let [first, second, ..] = *bytes else { return Ok(()) };
        let extra = match second & 127 {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let head = 2 + extra + if second & 128 != 0 { 4 } else { 0 };
        if bytes.len() < head {
            // A length is looked at as soon as it is there, and it alone.
            let length = bytes.get(2..2 + extra).map_or(0, number);
            return if extra > 0 && bytes.len() >= 2 + extra { check_length(extra, length) } else { Ok(()) };
        }
        let length = if extra == 0 { u64::from(second & 127) } else { number(&bytes[2..2 + extra]) };
        check_length(extra, length)?;
        let (is_last, opcode) = (first & 128 != 0, first & 15);
        let is_control = opcode >= 8;
        let is_known = matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10);
        let is_fitting = !is_control || is_last && length <= 125;
        if first & 0x70 != 0 || !is_known || !is_fitting || (second & 128 == 0) != is_client {
            return Err(1002);
        }
        if !is_control {
            if (opcode == 0) != message.is_some() {
                return Err(1002);
            }
            let so_far = message.as_ref().map_or(0, |(_, bytes)| bytes.len()) as u128;
            if length > most_frame as u64 || so_far + u128::from(length) > most_message as u128 {
                return Err(1009);
            }
        }
        if is_control || length == 0 && !is_last {
            if spent >= burst {
                return Err(1008);
            }
            spent += 1;
        }
        if opcode == 1 || opcode == 2 {
            message = Some((opcode == 1, Vec::new()));
        }
        let there = &bytes[head..];
        let is_whole = there.len() as u64 >= length;
        let there = if is_whole { &there[..length as usize] } else { there };
        let key = if is_client { &[0; 4] } else { &bytes[head - 4..head] };
        let payload: Vec<u8> = there.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        bytes = &bytes[head + there.len()..];
        if is_control {
            if !is_whole {
                return Ok(());
            }
            if control(opcode, payload, is_client, said)? {
                return Ok(());
            }
            continue;
        }
        let (is_text, text) = message.as_mut().expect("a data frame has a message");
        text.extend(payload);
        if *is_text
            && let Err(error) = std::str::from_utf8(text)
            && (error.error_len().is_some() || is_whole && is_last)
        {
            return Err(1007);
        }
        if !is_whole {
            return Ok(());
        }
        if is_last && let Some((is_text, bytes)) = message.take() {
            said.seen.push(if is_text { Seen::Text(bytes) } else { Seen::Binary(bytes) });
            spent = spent.saturating_sub(1);
        }
    }
}

/// A control frame. `true`: it was a Close.
fn control(opcode: u8, payload: Vec<u8>, is_client: bool, said: &mut Said) -> Result<bool, u16> {
    match opcode {
        9 => {
            answer(0x8a, &payload, is_client, &mut said.out);
            said.seen.push(Seen::Ping(payload));
        }
        10 => said.seen.push(Seen::Pong(payload)),
        _ => {
            let code = match payload.len() {
                0 => None,
                1 => return Err(1002),
                _ => Some(number(&payload[..2]) as u16),
            };
            if code.is_some_and(|code| !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)) {
                return Err(1002);
            }
            let reason = payload.get(2..).unwrap_or_default().to_vec();
            if std::str::from_utf8(&reason).is_err() {
                return Err(1007);
            }
            answer(0x88, &payload[..payload.len().min(2)], is_client, &mut said.out);
            said.seen.push(Seen::Close(code, reason));
            return Ok(true);
        }
    }
    Ok(false)
}

fn answer(first: u8, payload: &[u8], is_client: bool, out: &mut Vec<u8>) {
    out.push(first);
    out.push(payload.len() as u8 | if is_client { 128 } else { 0 });
    if is_client {
        out.extend([0; 4]);
    }
    out.extend(payload);
}

fn check_length(extra: usize, length: u64) -> Result<(), u16> {
    let least = match extra {
        2 => 126,
        8 => 65_536,
        _ => 0,
    };
    if length < least || length >> 63 != 0 { Err(1002) } else { Ok(()) }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
