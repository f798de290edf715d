//! The content of an answer with ranges (RFC 9110 section 14.6 and 15.3.7).

use flare::testing::TestResponse;

/// Parts may be joined across so many bytes that nobody asked for (15.3.7.2: less than the overhead of a part, "around 80").
const MOST_BETWEEN: usize = 80;

/// A part: where it begins, and what it holds.
type Part<'a> = (usize, &'a [u8]);

/// Checks that the answer has the bytes of these ranges, each of them once, in the order in which they were asked for. Err: what is wrong.
pub(super) fn check(
    answer: &TestResponse,
    ranges: &[(u64, u64)],
    content: &[u8],
    kind: &str,
) -> Result<(), String> {
    let parts = match answer.header("content-type") {
        Some(value) if value == kind => {
            let range = answer.header("content-range").ok_or("no content-range")?;
            vec![(start(range, answer.body.len(), content.len())?, &answer.body[..])]
        }
        Some(value) => {
            let boundary =
                value.strip_prefix("multipart/byteranges; boundary=").ok_or("another content-type")?;
            let parts = split(&answer.body, boundary, content.len(), kind)?;
            if parts.len() < 2 || answer.header("content-range").is_some() {
                return Err(format!("{} parts, or a content-range for all", parts.len()));
            }
            parts
        }
        None => return Err("no content-type".to_owned()),
    };
    let mut wanted = vec![false; content.len()];
    for (first, last) in ranges {
        wanted[*first as usize..=*last as usize].fill(true);
    }
    let mut sent = vec![false; content.len()];
    for (start, bytes) in &parts {
        let span = *start..start + bytes.len();
        if content.get(span.clone()) != Some(bytes) || bytes.is_empty() {
            return Err(format!("other bytes at {start}"));
        }
        if sent[span.clone()].contains(&true) || !wanted[span.start] || !wanted[span.end - 1] {
            return Err(format!("bytes twice, or such that nobody wants, at {start}"));
        }
        if wanted[span.clone()].split(|wanted| *wanted).any(|gap| gap.len() > MOST_BETWEEN) {
            return Err(format!("too much between, at {start}"));
        }
        sent[span].fill(true);
    }
    if wanted.iter().zip(&sent).any(|(wanted, sent)| *wanted && !*sent) {
        return Err("bytes are missing".to_owned());
    }
    in_order(&parts, ranges)
}

/// Each part stands where the first range in it was asked for, and none touches another.
fn in_order(parts: &[Part<'_>], ranges: &[(u64, u64)]) -> Result<(), String> {
    let holds =
        |part: &Part<'_>, range: &(u64, u64)| (part.0..part.0 + part.1.len()).contains(&(range.0 as usize));
    let places: Vec<_> =
        parts.iter().map(|part| ranges.iter().position(|range| holds(part, range))).collect();
    let is_near = |one: &Part<'_>, other: &Part<'_>| one.0 + one.1.len() == other.0;
    if !places.is_sorted() || parts.iter().any(|one| parts.iter().any(|other| is_near(one, other))) {
        return Err(format!("another order, or parts that touch: {places:?}"));
    }
    Ok(())
}

/// Where a part begins, by a `Content-Range` that fits its length.
fn start(range: &str, part: usize, length: usize) -> Result<usize, String> {
    let numbers = range.strip_prefix("bytes ").and_then(|rest| rest.strip_suffix(&format!("/{length}")));
    let numbers = numbers.and_then(|numbers| numbers.split_once('-')).ok_or(format!("no range: {range}"))?;
    match (numbers.0.parse::<usize>(), numbers.1.parse::<usize>()) {
        (Ok(first), Ok(last)) if first + part == last + 1 => Ok(first),
        _ => Err(format!("{range} for {part} bytes")),
    }
}

fn split<'a>(mut body: &'a [u8], boundary: &str, length: usize, kind: &str) -> Result<Vec<Part<'a>>, String> {
    let mut parts = Vec::new();
    let begin = format!("--{boundary}\r\ncontent-type: {kind}\r\ncontent-range: bytes ");
    loop {
        let rest = body.strip_prefix(begin.as_bytes()).ok_or("no head of a part")?;
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no end of a head")?;
        let range = String::from_utf8_lossy(&rest[..end]);
        let rest = &rest[end + 4..];
        let delimiter = format!("\r\n--{boundary}");
        let end = rest
            .windows(delimiter.len())
            .position(|text| text == delimiter.as_bytes())
            .ok_or("no end of a part")?;
        parts.push((start(&format!("bytes {range}"), end, length)?, &rest[..end]));
        body = &rest[end + 2..];
        if body == format!("--{boundary}--\r\n").as_bytes() {
            return Ok(parts);
        }
    }
}
