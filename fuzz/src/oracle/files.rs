//! What a client asks of a file: which one, which bytes of it, in which coding, and on which conditions (RFC 9110 sections 12.5.3, 13
//! and 14), on whole texts.

use super::{cut, trim};

/// The bytes that `Range` is about.
#[derive(Debug, PartialEq)]
pub(crate) enum Bytes {
    /// All of the file, because there is no such field, or it is ignored.
    All,
    /// 416.
    Nothing,
    /// First and last place of each range, in the order of the field.
    Ranges(Vec<(u64, u64)>),
}

/// What comes of the preconditions.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Proceed,
    NotModified,
    Failed,
}

/// The lines of the fields.
pub(crate) struct Fields<'a> {
    pub(crate) range: Vec<&'a [u8]>,
    pub(crate) if_range: Vec<&'a [u8]>,
    pub(crate) if_match: Vec<&'a [u8]>,
    pub(crate) if_none_match: Vec<&'a [u8]>,
    pub(crate) if_modified_since: Vec<&'a [u8]>,
    pub(crate) if_unmodified_since: Vec<&'a [u8]>,
    pub(crate) accept_encoding: Vec<&'a [u8]>,
}

/// What tells one state of a file from another: a strong entity tag without its quotes, and the second of the last change. A file that
/// has the one has the other.
pub(crate) struct State<'a> {
    pub(crate) tag: &'a str,
    pub(crate) modified: u64,
}

/// Section 14.2. More than 64 ranges are ignored, and so is one of the end of an empty file.
pub(crate) fn bytes(lines: &[&[u8]], length: u64) -> Bytes {
    let [line] = lines else { return Bytes::All };
    ranges(line, length).unwrap_or(Bytes::All)
}

fn ranges(line: &[u8], length: u64) -> Option<Bytes> {
    let (unit, set) = cut(line, b'=')?;
    let members: Vec<&[u8]> =
        set.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty()).collect();
    if !unit.eq_ignore_ascii_case(b"bytes") || members.is_empty() || members.len() > 64 {
        return None;
    }
    let mut found = Vec::new();
    for member in members {
        let (first, last) = cut(member, b'-')?;
        match (first, last) {
            (b"", last) => match number(last)? {
                0 => {}
                _ if length == 0 => return None,
                suffix => found.push((length.saturating_sub(suffix), length - 1)),
            },
            (first, b"") => found.push((number(first)?, length.saturating_sub(1))),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                // Of numbers that are beyond all files it is not asked which is larger.
                if last < first && first != u64::MAX {
                    return None;
                }
                found.push((first, last.min(length.saturating_sub(1))));
            }
        }
    }
    found.retain(|range| range.0 < length);
    Some(if found.is_empty() { Bytes::Nothing } else { Bytes::Ranges(found) })
}

/// Digits; the largest number stands for all that are larger.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = String::from_utf8_lossy(text);
    let digits = text.trim_start_matches('0');
    Some(if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) })
}

/// Section 13.2.2, for GET and HEAD.
pub(crate) fn conditions(fields: &Fields<'_>, state: Option<&State<'_>>) -> Outcome {
    let modified_after = |lines: &[&[u8]]| {
        let [line] = lines else { return None };
        Some(state?.modified > date(line)?)
    };
    let named = |lines: &[&[u8]], weak: bool| lines.iter().any(|line| names(line, state, weak));
    // 1 and 2.
    let is_failed = if fields.if_match.is_empty() {
        modified_after(&fields.if_unmodified_since) == Some(true)
    } else {
        !named(&fields.if_match, false)
    };
    // 3 and 4.
    let is_known = if fields.if_none_match.is_empty() {
        modified_after(&fields.if_modified_since) == Some(false)
    } else {
        named(&fields.if_none_match, true)
    };
    match (is_failed, is_known) {
        (true, _) => Outcome::Failed,
        (_, true) => Outcome::NotModified,
        _ => Outcome::Proceed,
    }
}

/// Section 13.1.5: whether `Range` counts.
pub(crate) fn range_counts(lines: &[&[u8]], state: Option<&State<'_>>) -> bool {
    match (lines, state) {
        ([], _) => true,
        ([line], Some(state)) => {
            *line == format!("\"{}\"", state.tag).as_bytes() || date(line) == Some(state.modified)
        }
        _ => false,
    }
}

/// Whether a line is `*`, or a list with this tag in it. What is behind a member that is none is not read.
fn names(line: &[u8], state: Option<&State<'_>>, weak: bool) -> bool {
    if line == b"*" {
        return true;
    }
    let Some(state) = state else { return false };
    let mut rest = line.to_vec();
    loop {
        let Some(begin) = rest.iter().position(|byte| !b" \t,".contains(byte)) else { return false };
        let member = &rest[begin..];
        let (is_weak, opaque) = match member.strip_prefix(b"W/\"") {
            Some(opaque) => (true, opaque),
            None => match member.strip_prefix(b"\"") {
                Some(opaque) => (false, opaque),
                None => return false,
            },
        };
        let Some((opaque, behind)) = cut(opaque, b'"') else { return false };
        if opaque.iter().any(|byte| b" \t".contains(byte)) {
            return false;
        }
        if opaque == state.tag.as_bytes() && (weak || !is_weak) {
            return true;
        }
        match trim(behind) {
            [b',', ..] => rest = behind.to_vec(),
            _ => return false,
        }
    }
}

/// Seconds since 1970 (section 5.6.7): the format of today, or one of the two that are obsolete. `None`: it is none, or no day of the calendar.
pub(crate) fn date(line: &[u8]) -> Option<u64> {
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut text = std::str::from_utf8(line).ok().filter(|text| text.is_ascii())?.to_owned();
    // Whatever stands between an obsolete date and its time is taken for the space.
    if let Some((name, rest)) = text.split_once(", ").filter(|two| two.1.len() == 22 && two.0.len() > 3) {
        text = format!("{name}, {} {}", &rest[..9], &rest[10..]);
    }
    let words: Vec<&str> = text.split(' ').collect();
    let full = |name: &str| DAYS.iter().position(|day| *day == name);
    let short = |name: &str| DAYS.iter().position(|day| day[..3] == *name);
    let (weekday, day, month, year, time) = match words[..] {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [name, day, month, year, time, "GMT"] => {
            (short(name.strip_suffix(',')?)?, day, month, digits(year, 4)?, time)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        [name, date, time, "GMT"] => {
            let mut parts = date.split('-');
            let (day, month, year) = (parts.next()?, parts.next()?, digits(parts.next()?, 2)?);
            if parts.next().is_some() {
                return None;
            }
            // There was no HTTP before 1970.
            (
                full(name.strip_suffix(',')?)?,
                day,
                month,
                if year < 70 { 2000 + year } else { 1900 + year },
                time,
            )
        }
        // Sun Nov  6 08:49:37 1994
        [name, month, "", day, time, year] => {
            digits(day, 1)?;
            (short(name)?, day, month, digits(year, 4)?, time)
        }
        [name, month, day, time, year] => {
            digits(day, 2)?;
            (short(name)?, day, month, digits(year, 4)?, time)
        }
        _ => return None,
    };
    let day = if words.get(2) == Some(&"") { digits(day, 1)? } else { digits(day, 2)? };
    let month = MONTHS.iter().position(|name| *name == month)?;
    let time: Vec<&str> = time.split(':').collect();
    let [hours, minutes, seconds] = time[..] else { return None };
    let (hours, minutes, seconds) = (digits(hours, 2)?, digits(minutes, 2)?, digits(seconds, 2)?);
    if hours > 23 || minutes > 59 || seconds > 59 || year < 1970 {
        return None;
    }
    // Day by day would be long, month by month is not.
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = |year: u64, month: usize| match month {
        1 => 28 + u64::from(is_leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if day == 0 || day > length(year, month) {
        return None;
    }
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let months: u64 = (0..month).map(|month| length(year, month)).sum();
    let days = years + months + day - 1;
    // 1 January 1970 was a Thursday.
    (days % 7 == weekday as u64).then_some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// A number of so many digits.
fn digits(text: &str, count: usize) -> Option<u64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The names of the codings that a client takes and likes no less than the original, best first; of those that it likes the same, the smallest first.
pub(crate) fn codings(lines: &[&[u8]]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(&lines.join(&b',')).to_ascii_lowercase();
    let mut wishes: Vec<(String, u32)> = Vec::new();
    for member in text.split(',') {
        let parts: Vec<&str> = member.split(';').map(|part| part.trim_matches([' ', '\t'])).collect();
        let weight = match parts[..] {
            [_] => Some(1000),
            [_, weight] => weight.strip_prefix("q=").and_then(thousandths),
            _ => None,
        };
        let name = if parts[0] == "x-gzip" { "gzip" } else { parts[0] };
        // What is malformed is no wish. Of two wishes the later one counts.
        wishes.extend(weight.map(|weight| (name.to_owned(), weight)));
    }
    let wish = |name: &str| wishes.iter().rev().find(|wish| wish.0 == name).map(|wish| wish.1);
    let identity = wish("identity").unwrap_or(0);
    let mut found: Vec<(u32, &str)> = Vec::new();
    for name in ["br", "zstd", "gzip"] {
        let weight = wish(name).or(wish("*")).unwrap_or(0);
        if weight > 0 && weight >= identity {
            let place = found.iter().position(|other| other.0 < weight).unwrap_or(found.len());
            found.insert(place, (weight, name));
        }
    }
    found.into_iter().map(|(_, name)| name).collect()
}

/// `qvalue` (section 12.4.2).
fn thousandths(text: &str) -> Option<u32> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let is_number =
        matches!(whole, "0" | "1") && digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = format!("{whole}{digits:0<3}");
    is_number.then(|| number.parse().ok())?.filter(|number| *number <= 1000)
}

/// The names on the way to a file or directory; the last one is empty for a directory. `None`: the path has something in it that is no
/// name, or one that is hidden.
pub(crate) fn names_of(path: &[u8], hidden: bool) -> Option<Vec<&[u8]>> {
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let (last, ways) = names.split_last()?;
    let is_name = |name: &[u8]| {
        let is_bad =
            name.is_empty() || name == b"." || name == b".." || name.contains(&b'\\') || name.contains(&0);
        !is_bad && (hidden || name[0] != b'.')
    };
    let is_good = ways.iter().all(|name| is_name(name)) && (last.is_empty() || is_name(last));
    is_good.then_some(names)
}

/// The rest of a path as the router gives it: decoded, but an encoded slash stays as it is, in capitals. All its triplets are good.
pub(crate) fn decoded(path: &str) -> Vec<u8> {
    let mut found = Vec::new();
    let mut parts = path.split('%');
    found.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let byte = u8::from_str_radix(&part[..2], 16).expect("a triplet");
        if byte == b'/' {
            found.extend(b"%2F")
        } else {
            found.push(byte)
        }
        found.extend(part[2..].bytes());
    }
    found
}
