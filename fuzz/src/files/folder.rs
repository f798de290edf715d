//! The folder that is served: made anew by each process, in one place, with the same content and the same times.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flare::files::Files;
use flare::prelude::*;
use flare::testing::TestClient;

use super::oracle;

/// The time of most files: Sun, 09 Sep 2001 01:46:40 GMT.
const TIME: u64 = 1_000_000_000;

/// Name, length, second of the last change, media type. What a second of 1 says is no time.
const FILES: [(&str, usize, u64, &str); 18] = [
    ("index.html", 50, TIME, "text/html; charset=utf-8"),
    ("a.txt", 1000, TIME, "text/plain; charset=utf-8"),
    ("a.txt.br", 300, TIME, OTHER),
    ("a.txt.zst", 400, TIME, OTHER),
    ("a.txt.gz", 500, TIME + 1, "application/gzip"),
    ("b", 100, TIME + 100, OTHER),
    // Older than what it is made of.
    ("b.br", 60, TIME, OTHER),
    ("b.zst", 70, TIME + 100, OTHER),
    ("empty", 0, TIME, OTHER),
    ("old", 200, 1, OTHER),
    ("old.gz", 150, 1, "application/gzip"),
    // Sent from the file itself.
    ("large", 20_000, TIME, OTHER),
    ("d/index.html", 77, TIME, "text/html; charset=utf-8"),
    ("d/c d.css", 88, TIME, "text/css; charset=utf-8"),
    ("d/a%2Fb", 99, TIME, OTHER),
    (".hidden", 40, TIME, OTHER),
    ("d/.x/y", 41, TIME, OTHER),
    ("d/e/f.html", 42, TIME, "text/html; charset=utf-8"),
];

const OTHER: &str = "application/octet-stream";

const DIRECTORIES: [&str; 3] = ["d", "d/.x", "d/e"];

/// The name of the folder, and of a file beside it, which nobody may see.
const HERE: &str = "flare-fuzz-files";

/// A file, and what the handler says of it when it is asked for all of it.
pub(super) struct File {
    name: &'static str,
    pub(super) content: Vec<u8>,
    pub(super) seconds: u64,
    pub(super) kind: &'static str,
    /// Without quotes.
    pub(super) tag: Option<String>,
    /// The one that it has in the place of the original.
    pub(super) coded_tag: Option<String>,
    pub(super) modified: Option<String>,
}

/// The folder, and who serves it.
pub(super) struct Folder {
    files: Vec<File>,
    pub(super) client: TestClient,
}

impl Folder {
    pub(super) fn get() -> &'static Self {
        static FOLDER: OnceLock<Folder> = OnceLock::new();
        FOLDER.get_or_init(|| {
            let base = std::env::temp_dir().join(HERE);
            let root = base.join("root");
            write(&base, &root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
            Self::new(&root)
        })
    }

    fn new(root: &Path) -> Self {
        let mut router = Router::new();
        for options in 0..8 {
            let mut files = Files::new(root).expect("the folder is there");
            if options & 1 != 0 {
                files = files.index("index.html");
            }
            if options & 2 != 0 {
                files = files.hidden();
            }
            if options & 4 != 0 {
                files = files.precompressed();
            }
            router.get(&format!("/{options}/*path"), files).expect("a route");
        }
        let mut folder = Self { files: Vec::new(), client: TestClient::new(router) };
        for (name, length, seconds, kind) in FILES {
            let mut file = File {
                name,
                content: content(name, length),
                seconds,
                kind,
                tag: None,
                coded_tag: None,
                modified: None,
            };
            folder.learn(&mut file);
            folder.files.push(file);
        }
        let mut tags: Vec<_> =
            folder.files.iter().flat_map(|file| [&file.tag, &file.coded_tag]).flatten().collect();
        let count = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count, "the files have lengths of their own, and so tags");
        folder
    }

    /// Its validators, as a plain request gets them.
    fn learn(&self, file: &mut File) {
        let path = file.name.replace(' ', "%20");
        let answer = self.client.get(&format!("/2/{path}"));
        assert!(answer.status == 200 && answer.body == file.content, "{}", file.name);
        let opaque = |tag: &str| {
            tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).expect("a strong tag").to_owned()
        };
        file.tag = answer.header("etag").map(opaque);
        file.modified = answer.header("last-modified").map(str::to_owned);
        let seconds = file.modified.as_ref().map(|date| oracle::date(date.as_bytes()).expect("a date"));
        assert_eq!(seconds, Some(file.seconds).filter(|seconds| *seconds > 1), "{}", file.name);
        if let Some((original, ending)) = file.name.rsplit_once('.').filter(|_| file.tag.is_some())
            && let Some(coding) =
                [("br", "br"), ("zst", "zstd"), ("gz", "gzip")].iter().find(|coding| coding.0 == ending)
        {
            let answer = self
                .client
                .request("GET", &format!("/6/{original}"))
                .header("accept-encoding", coding.1)
                .send();
            file.coded_tag = answer.header("content-encoding").and(answer.header("etag")).map(opaque);
        }
    }

    pub(super) fn file(&self, name: &[u8]) -> Option<&File> {
        self.files.iter().find(|file| file.name.as_bytes() == name)
    }

    pub(super) fn is_directory(&self, name: &[u8]) -> bool {
        DIRECTORIES.iter().any(|directory| directory.as_bytes() == name)
    }

    /// The file beside this one in that coding, if it is not older.
    pub(super) fn coded(&self, file: &File, coding: &str) -> Option<&File> {
        let ending = match coding {
            "br" => ".br",
            "zstd" => ".zst",
            _ => ".gz",
        };
        self.file(format!("{}{ending}", file.name).as_bytes()).filter(|coded| coded.seconds >= file.seconds)
    }
}

/// Bytes that tell their place and their file.
fn content(name: &str, length: usize) -> Vec<u8> {
    let seed = name.bytes().fold(0_usize, |sum, byte| sum * 31 % 251 + usize::from(byte));
    (0..length).map(|at| ((at * 7 + at / 256 * 13 + seed) % 251) as u8).collect()
}

/// Other processes may read the same files meanwhile: so each is put in its place when it is whole.
fn write(base: &Path, root: &Path) -> std::io::Result<()> {
    for directory in DIRECTORIES {
        fs::create_dir_all(root.join(directory))?;
    }
    fs::write(base.join("secret"), "outside of the folder")?;
    let draft = base.join(format!("draft-{}", std::process::id()));
    for (name, length, seconds, _) in FILES {
        fs::write(&draft, content(name, length))?;
        let time: SystemTime = UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::options().write(true).open(&draft)?.set_modified(time)?;
        fs::rename(&draft, root.join(name))?;
    }
    for (name, to) in [("link", "a.txt"), ("out", "../secret"), ("d/up", "..")] {
        match symlink(to, root.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
