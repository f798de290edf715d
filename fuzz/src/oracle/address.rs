//! Addresses and names of hosts, as programs write them: `127.0.0.1:80`, `[::1]:80`, `name:80`, `unix:/path`.

use flare_net::HostNameError;

/// What a text names.
#[derive(Debug, PartialEq)]
pub(crate) enum Place {
    V4([u8; 4], u16),
    /// With the number of an interface.
    V6([u16; 8], u32, u16),
    Unix(String),
    Name(String, u16),
}

/// RFC 3986 section 3.2.2: no zeros in front.
pub(crate) fn ipv4(text: &str) -> Option<[u8; 4]> {
    let octet = |text: &str| -> Option<u8> {
        let is_short = text == "0" || !text.starts_with('0');
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_short && is_number)
    };
    let octets: Vec<u8> = text.split('.').map(octet).collect::<Option<_>>()?;
    octets.try_into().ok()
}

/// RFC 3986 section 3.2.2: eight groups, or fewer with `::` for one at least; the last two may be an IPv4 address.
pub(crate) fn ipv6(text: &str) -> Option<[u16; 8]> {
    let groups = |half: &str, is_last: bool| -> Option<Vec<u16>> {
        let mut all = Vec::new();
        let mut texts: Vec<&str> = half.split(':').filter(|_| !half.is_empty()).collect();
        let end = texts.last().filter(|_| is_last).and_then(|last| ipv4(last));
        if end.is_some() {
            texts.pop();
        }
        for text in texts {
            let is_group = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            all.push(u16::from_str_radix(text, 16).ok().filter(|_| is_group)?);
        }
        if let Some([a, b, c, d]) = end {
            all.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
        }
        Some(all)
    };
    let halves: Vec<&str> = text.split("::").collect();
    let all = match halves[..] {
        [all] => groups(all, true)?,
        [front, back] => {
            let (mut front, back) = (groups(front, false)?, groups(back, true)?);
            let missing = 8_usize.checked_sub(front.len() + back.len()).filter(|&missing| missing > 0)?;
            front.extend(vec![0; missing]);
            [front, back].concat()
        }
        _ => return None,
    };
    all.try_into().ok()
}

/// One or more digits.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// What is wrong with it first, or the name in lower case.
pub(crate) fn host_name(text: &str) -> Result<String, HostNameError> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let labels: Vec<&str> = name.split('.').collect();
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_label =
        |label: &&str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    let last = labels[labels.len() - 1].to_ascii_lowercase();
    let hexadecimal = last.strip_prefix("0x");
    if !(1..=253).contains(&name.len()) {
        Err(HostNameError::Length)
    } else if !name.bytes().all(is_known) {
        Err(HostNameError::Character)
    } else if !labels.iter().all(is_label) {
        Err(HostNameError::Label)
    } else if last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        Err(HostNameError::Number)
    } else {
        Ok(text.to_ascii_lowercase())
    }
}

/// What a text names. `None`: nothing.
pub(crate) fn place(text: &str) -> Option<Place> {
    if let Some(path) = text.strip_prefix("unix:") {
        return (!path.is_empty() && !path.contains('\0')).then(|| Place::Unix(path.to_owned()));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = number(port)?;
    if let Some(literal) = host.strip_prefix('[') {
        let literal = literal.strip_suffix(']')?;
        let (address, interface) = match literal.split_once('%') {
            Some((address, interface)) => (address, number(interface)?),
            None => (literal, 0),
        };
        return Some(Place::V6(ipv6(address)?, interface, port));
    }
    if let Some(address) = ipv4(host) {
        return Some(Place::V4(address, port));
    }
    // An address with a dot behind it ends in a number too.
    host_name(host).ok().map(|name| Place::Name(name, port))
}
