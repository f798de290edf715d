//! Files of a folder: which one a path names, `Range`, preconditions, and `Accept-Encoding`. Status, fields and bytes are those that the
//! oracle expects. Nothing comes from outside of the folder, and nothing that is hidden.
//!
//! Byte 0: bit 0 directories have an index, bit 1 hidden files are shown, bit 2 compressed files are sent, bit 3 HEAD. Then lines: the path and
//! query, and fields, see [`read`](crate::lines::read), of `r` `Range`, `i` `If-Range`, `m` `If-Match`, `n` `If-None-Match`, `s` `If-Modified-Since`,
//! `u` `If-Unmodified-Since`, `e` `Accept-Encoding`. In values `$` stands for the entity tag of the file, `&` for that of its form in
//! Brotli, each without quotes, and `@` for the time of its last change.

mod folder;
mod parts;

use flare::testing::TestResponse;

use crate::input::Input;
use crate::oracle::files::{self as oracle, Bytes, Fields, Outcome, State};
use crate::{PLANTED, lines};
use folder::{File, Folder};

const NAMES: [(u8, &str); 7] = [
    (b'r', "range"),
    (b'i', "if-range"),
    (b'm', "if-match"),
    (b'n', "if-none-match"),
    (b's', "if-modified-since"),
    (b'u', "if-unmodified-since"),
    (b'e', "accept-encoding"),
];

/// Longer paths, encoded, are too long for the server.
const MOST_PATH: usize = 600;

/// What a path names.
enum Named<'a> {
    File(&'a File),
    /// A directory without its slash.
    Directory,
    Nothing,
}

/// What an input asks for.
struct Asked<'a> {
    index: bool,
    hidden: bool,
    precompressed: bool,
    head: bool,
    path: String,
    query: Option<String>,
    lines: Vec<(u8, &'a [u8])>,
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let folder = Folder::get();
    let mut input = Input::new(data);
    let options = input.byte();
    let text = String::from_utf8_lossy(input.rest());
    let (target, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = encoded(path);
    let name = oracle::decoded(&path);
    let named = lookup(folder, &name, options & 1 != 0, options & 2 != 0);
    let rest = filled(rest, folder, &named);
    let asked = Asked {
        index: options & 1 != 0,
        hidden: options & 2 != 0,
        precompressed: options & 4 != 0,
        head: options & 8 != 0,
        path,
        query: query.map(encoded),
        lines: lines::read(rest.as_bytes()),
    };
    let answer = ask(folder, &asked);
    check(folder, &asked, &named, &name, &answer);
}

/// With each byte encoded that can't stand in a path.
fn encoded(text: &str) -> String {
    let bytes = &text.as_bytes()[..text.len().min(MOST_PATH)];
    let mut found = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let is_triplet = *byte == b'%'
            && bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        if is_triplet || byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(byte) {
            found.push(char::from(*byte));
        } else {
            found.push_str(&format!("%{byte:02x}"));
        }
    }
    found
}

fn filled(text: &str, folder: &Folder, named: &Named<'_>) -> String {
    let Named::File(file) = named else { return text.to_owned() };
    let coded = folder.coded(file, "br").and_then(|file| file.coded_tag.as_deref());
    let text =
        text.replace('$', file.tag.as_deref().unwrap_or_default()).replace('&', coded.unwrap_or_default());
    text.replace('@', file.modified.as_deref().unwrap_or_default())
}

fn ask(folder: &Folder, asked: &Asked<'_>) -> TestResponse {
    let handler = u8::from(asked.index) | u8::from(asked.hidden) << 1 | u8::from(asked.precompressed) << 2;
    let mut target = format!("/{handler}/{}", asked.path);
    if let Some(query) = &asked.query {
        target = format!("{target}?{query}");
    }
    let mut request = folder.client.request(if asked.head { "HEAD" } else { "GET" }, &target);
    for (letter, value) in &asked.lines {
        if let Some((_, name)) = NAMES.iter().find(|name| name.0 == *letter) {
            request = request.header(name, std::str::from_utf8(value).expect("lines are read from a text"));
        }
    }
    let mut answer = request.send();
    // PLANTED: a range of less than eight bytes is empty.
    if PLANTED && answer.status == 206 && answer.body.len() < 8 {
        answer.body.clear();
    }
    answer
}

fn lookup<'a>(folder: &'a Folder, path: &[u8], index: bool, hidden: bool) -> Named<'a> {
    let Some(names) = oracle::names_of(path, hidden) else { return Named::Nothing };
    let mut wanted = names.join(&b'/');
    if names.last().is_some_and(|name| name.is_empty()) {
        if !index {
            return Named::Nothing;
        }
        wanted.extend(b"index.html");
    }
    match folder.file(&wanted) {
        Some(file) => Named::File(file),
        None if folder.is_directory(&wanted) && index => Named::Directory,
        None => Named::Nothing,
    }
}

fn check(folder: &Folder, asked: &Asked<'_>, named: &Named<'_>, name: &[u8], answer: &TestResponse) {
    let shown = || {
        let lines = asked
            .lines
            .iter()
            .map(|(letter, value)| format!("{}{}", char::from(*letter), value.escape_ascii()));
        let lines = lines.collect::<Vec<_>>().join("\n");
        format!("{}{}{} {}\n{lines}\n{answer:?}", asked.index, asked.hidden, asked.precompressed, asked.path)
    };
    match named {
        _ if name.contains(&0) => assert_eq!(answer.status, 400, "{}", shown()),
        Named::Nothing => assert_eq!(answer.status, 404, "{}", shown()),
        Named::Directory => {
            let last = asked.path.rsplit('/').next().unwrap_or_default();
            let query = asked.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
            let location = format!("./{last}/{query}");
            assert_eq!((answer.status, answer.header("location")), (301, Some(&*location)), "{}", shown());
        }
        Named::File(file) => {
            let problem = check_file(folder, asked, file, answer).err();
            assert!(problem.is_none(), "{}: {}", problem.unwrap_or_default(), shown());
        }
    }
}

/// Err: what is wrong.
fn check_file(
    folder: &Folder,
    asked: &Asked<'_>,
    original: &File,
    answer: &TestResponse,
) -> Result<(), String> {
    let of = |letter| lines::of(&asked.lines, letter);
    let fields = Fields {
        range: of(b'r'),
        if_range: of(b'i'),
        if_match: of(b'm'),
        if_none_match: of(b'n'),
        if_modified_since: of(b's'),
        if_unmodified_since: of(b'u'),
        accept_encoding: of(b'e'),
    };
    let wanted = if asked.precompressed { oracle::codings(&fields.accept_encoding) } else { Vec::new() };
    let coded = wanted.iter().find_map(|coding| Some((*coding, folder.coded(original, coding)?)));
    let (file, tag) = match &coded {
        Some((_, file)) => (*file, &file.coded_tag),
        None => (original, &original.tag),
    };
    let state = tag.as_deref().map(|tag| State { tag, modified: file.seconds });
    let length = file.content.len() as u64;
    let outcome = oracle::conditions(&fields, state.as_ref());
    let counts = !asked.head && oracle::range_counts(&fields.if_range, state.as_ref());
    let bytes = if counts { oracle::bytes(&fields.range, length) } else { Bytes::All };
    let status = match (&outcome, &bytes) {
        (Outcome::Failed, _) => 412,
        (Outcome::NotModified, _) => 304,
        (_, Bytes::All) => 200,
        (_, Bytes::Ranges(_)) => 206,
        (_, Bytes::Nothing) => 416,
    };
    same("status", answer.status, status)?;
    let has_content = matches!(status, 200 | 206);
    let quoted = tag.as_ref().map(|tag| format!("\"{tag}\""));
    same("vary", answer.header("vary"), asked.precompressed.then_some("accept-encoding"))?;
    same("etag", answer.header("etag"), quoted.as_deref().filter(|_| has_content || status == 304))?;
    same("last-modified", answer.header("last-modified"), file.modified.as_deref().filter(|_| has_content))?;
    let coding = coded.as_ref().map(|coded| coded.0).filter(|_| has_content);
    same("content-encoding", answer.header("content-encoding"), coding)?;
    let takes_ranges = has_content || status == 416;
    same("accept-ranges", answer.header("accept-ranges"), takes_ranges.then_some("bytes"))?;
    let range = answer.header("content-range");
    match bytes {
        _ if !has_content && status != 416 => {
            same("content-range", range, None)?;
            same("content", answer.body.is_empty(), status == 304 || asked.head)
        }
        Bytes::Nothing => same("content-range", range, Some(&*format!("bytes */{length}"))),
        Bytes::All => {
            same("content-range", range, None)?;
            same("content-type", answer.header("content-type"), Some(original.kind))?;
            same("length", answer.header("content-length"), Some(&*length.to_string()))?;
            let expected: &[u8] = if asked.head { b"" } else { &file.content };
            same("content", answer.body == expected, true)
        }
        Bytes::Ranges(ranges) => parts::check(answer, &ranges, &file.content, original.kind),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}")) }
}
