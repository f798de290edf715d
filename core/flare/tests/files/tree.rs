//! A directory of files for one test, and a client for it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flare::files::Files;
use flare::prelude::*;
use flare::testing::{TestClient, TestResponse};

/// When all files were changed, in seconds: `Sun, 09 Sep 2001 01:46:40 GMT`.
pub const TIME: u64 = 1_000_000_000;
pub const DATE: &str = "Sun, 09 Sep 2001 01:46:40 GMT";

/// `public` is what is served; `secret` lies beside it. Removed at the end.
pub struct Tree(PathBuf);

impl Tree {
    pub fn new() -> Tree {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let base = std::env::temp_dir().join(format!("flare-files-{}-{number}", std::process::id()));
        std::fs::create_dir_all(base.join("public")).unwrap();
        let tree = Tree(base);
        tree.write("../secret", b"secret");
        tree
    }

    /// A tree with one file.
    pub fn with(name: &str, content: &[u8]) -> Tree {
        let tree = Tree::new();
        tree.write(name, content);
        tree
    }

    pub fn public(&self) -> PathBuf {
        self.path(".")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join("public").join(name)
    }

    /// Writes a file that was changed long ago.
    pub fn write(&self, name: &str, content: &[u8]) {
        self.write_at(name, content, TIME);
    }

    pub fn write_at(&self, name: &str, content: &[u8], seconds: u64) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        touch(&path, UNIX_EPOCH + Duration::from_secs(seconds));
    }

    pub fn link(&self, to: impl AsRef<Path>, name: &str) {
        std::os::unix::fs::symlink(to, self.path(name)).unwrap();
    }

    pub fn files(&self) -> Files {
        Files::new(self.public()).unwrap()
    }

    pub fn client(&self) -> TestClient {
        client(self.files())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn touch(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

pub fn router(files: Files) -> Router {
    let mut router = Router::new();
    router.any("/files/*path", files).unwrap();
    router
}

pub fn client(files: Files) -> TestClient {
    TestClient::new(router(files))
}

/// Sends a request with these header fields, but for those without a value.
pub fn send(client: &TestClient, method: &str, path: &str, fields: &[(&str, Option<&str>)]) -> TestResponse {
    let mut request = client.request(method, path);
    for (name, value) in fields {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    request.send()
}

/// All fields as lines, but for those that the connection adds by itself.
pub fn fields(answer: &TestResponse) -> Vec<String> {
    answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "server"].contains(name))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect()
}
