//! Opening files below a directory, and nothing outside it.

use rustix::fs::{Mode, OFlags};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// A directory that is open, and the only place where files are looked for.
///
/// A path is resolved by the kernel within the directory (`openat2(2)` with `RESOLVE_BENEATH`, Linux 5.6 and later). Elsewhere it is walked
/// component by component without following any link. Either way, renaming directories meanwhile leads nowhere else.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    #[cfg_attr(
        not(any(target_os = "linux", target_os = "android")),
        expect(dead_code, reason = "a walk follows no link")
    )]
    links: Links,
    /// Whether the kernel resolves paths.
    kernel: bool,
}

/// What becomes of symbolic links below a [`Root`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// A path with a link in it is not found.
    #[default]
    Refused,
    /// Links are followed while they stay below the root. Refused where the system cannot tell (no `openat2`).
    Inside,
}

/// To read, and nothing that waits or takes over: a FIFO would wait for a writer, a terminal would become the process's own.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

#[cfg(any(target_os = "linux", target_os = "android"))]
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// How often a path is resolved again when the tree changed under the kernel's hands.
#[cfg(any(target_os = "linux", target_os = "android"))]
const ATTEMPTS: usize = 8;

impl Root {
    /// Opens a directory. A link in its own path is followed. It stays this directory, whatever is renamed later.
    ///
    /// # Errors
    /// What the system says: mostly `NotFound`, `NotADirectory` or `PermissionDenied`.
    pub fn open(directory: &Path, links: Links) -> io::Result<Root> {
        let directory = rustix::fs::open(directory, DIRECTORY, Mode::empty())?;
        let kernel = kernel_resolves(&directory);
        Ok(Root { directory, links, kernel })
    }

    /// Opens a regular file to be read, and says what it is.
    ///
    /// `path` is relative: components with one slash between them, none of them empty, `.` or `..`, and no NUL anywhere. It need not be
    /// UTF-8. The call blocks while the disk works.
    ///
    /// # Errors
    /// `InvalidInput` for another path, `IsADirectory`, `NotFound` for what is neither a directory nor a regular file and for links that are
    /// refused, and what else the system says.
    pub fn open_file(&self, path: &[u8]) -> io::Result<(File, Metadata)> {
        if !is_below(path) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let opened = if self.kernel { self.resolve(path) } else { self.walk(path) };
        let file = File::from(opened.map_err(not_found)?);
        let metadata = file.metadata()?;
        if metadata.is_file() {
            Ok((file, metadata))
        } else if metadata.is_dir() {
            Err(io::ErrorKind::IsADirectory.into())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn resolve(&self, path: &[u8]) -> io::Result<OwnedFd> {
        use rustix::fs::{ResolveFlags, openat2};

        let mut how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        if self.links == Links::Refused {
            how |= ResolveFlags::NO_SYMLINKS;
        }
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            match openat2(&self.directory, path, READ, Mode::empty(), how) {
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) if attempts > 0 => {}
                result => return Ok(result?),
            }
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn resolve(&self, path: &[u8]) -> io::Result<OwnedFd> {
        self.walk(path)
    }

    fn walk(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let mut rest = path;
        let mut directory: Option<OwnedFd> = None;
        loop {
            let here = directory.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd);
            let Some(slash) = rest.iter().position(|&byte| byte == b'/') else {
                return Ok(rustix::fs::openat(here, rest, READ | OFlags::NOFOLLOW, Mode::empty())?);
            };
            let (name, behind) = rest.split_at(slash);
            let next = rustix::fs::openat(here, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
            directory = Some(next);
            rest = behind.get(1..).unwrap_or_default();
        }
    }
}

/// A link that is refused is not there. `ENXIO` is a socket, or a device without a driver.
fn not_found(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ELOOP | libc::EXDEV | libc::ENXIO) => io::ErrorKind::NotFound.into(),
        _ => error,
    }
}

/// Whether every component is a name.
fn is_below(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').all(|name| !matches!(name, b"" | b"." | b"..") && !name.contains(&0))
}

/// Whether there is `openat2`: old kernels lack it (`ENOSYS`), and some sandboxes forbid it (`EPERM`).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn kernel_resolves(directory: &OwnedFd) -> bool {
    use rustix::fs::{ResolveFlags, openat2};

    openat2(directory, ".", DIRECTORY, Mode::empty(), ResolveFlags::BENEATH).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn kernel_resolves(_: &OwnedFd) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A tree with everything in it that a root has to judge. Removed at the end.
    struct Tree(PathBuf);

    impl Tree {
        fn new() -> Tree {
            static NUMBER: AtomicUsize = AtomicUsize::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let base = std::env::temp_dir().join(format!("flare-beneath-{}-{number}", std::process::id()));
            std::fs::create_dir_all(base.join("root/a/b")).unwrap();
            std::fs::write(base.join("outside"), "outside").unwrap();
            let root = base.join("root");
            std::fs::write(root.join("top"), "top").unwrap();
            std::fs::write(root.join("a/b/deep"), "deep").unwrap();
            symlink("a/b/deep", root.join("to-file")).unwrap();
            symlink("a", root.join("to-directory")).unwrap();
            symlink("../outside", root.join("out")).unwrap();
            symlink("..", root.join("up")).unwrap();
            symlink(base.join("outside"), root.join("absolute")).unwrap();
            symlink(root.join("top"), root.join("absolute-inside")).unwrap();
            symlink("nowhere", root.join("dangling")).unwrap();
            symlink("circle", root.join("circle")).unwrap();
            std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
            let fifo =
                std::ffi::CString::new(root.join("fifo").into_os_string().into_encoded_bytes()).unwrap();
            // SAFETY: a NUL-terminated path that outlives the call.
            assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o600) }, 0);
            Tree(base)
        }

        fn root(&self, links: Links, kernel: bool) -> Root {
            let mut root = Root::open(&self.0.join("root"), links).unwrap();
            root.kernel &= kernel;
            root
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn read(root: &Root, path: &str) -> Option<String> {
        let (mut file, metadata) = root.open_file(path.as_bytes()).ok()?;
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(metadata.len(), text.len() as u64);
        Some(text)
    }

    #[test]
    fn files_below_are_opened_and_nothing_else() {
        let tree = Tree::new();
        for (links, kernel) in [(Links::Refused, true), (Links::Refused, false), (Links::Inside, true)] {
            let root = tree.root(links, kernel);
            assert_eq!(read(&root, "top").as_deref(), Some("top"));
            assert_eq!(read(&root, "a/b/deep").as_deref(), Some("deep"));
            for directory in ["a", "a/b"] {
                let error = root.open_file(directory.as_bytes()).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::IsADirectory, "{directory}");
            }
            for refused in
                ["out", "up", "up/outside", "absolute", "dangling", "circle", "fifo", "socket", "none"]
            {
                let error = root.open_file(refused.as_bytes()).unwrap_err();
                // Without the kernel a link on the way is just no directory.
                let kinds = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
                assert!(kinds.contains(&error.kind()), "{refused}: {error}");
            }
            for wrong in [
                "",
                "/",
                "/top",
                "top/",
                "a//b/deep",
                ".",
                "..",
                "./top",
                "a/../top",
                "../outside",
                "top\0",
                "a\0/b",
            ] {
                let error = root.open_file(wrong.as_bytes()).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{wrong:?}");
            }
            assert_eq!(root.open_file(b"top/below").unwrap_err().kind(), io::ErrorKind::NotADirectory);
            assert!(root.open_file(&[b'x'; 300]).is_err());
            assert_eq!(root.open_file(b"\xff").unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn links_inside_are_followed_only_on_demand() {
        let tree = Tree::new();
        for kernel in [true, false] {
            let strict = tree.root(Links::Refused, kernel);
            for link in ["to-file", "to-directory/b/deep", "absolute-inside"] {
                assert!(strict.open_file(link.as_bytes()).is_err(), "{link}");
            }
        }
        let lenient = tree.root(Links::Inside, true);
        if lenient.kernel {
            assert_eq!(read(&lenient, "to-file").as_deref(), Some("deep"));
            assert_eq!(read(&lenient, "to-directory/b/deep").as_deref(), Some("deep"));
            // It names a place outside, even if it comes back.
            assert!(lenient.open_file(b"absolute-inside").is_err());
        }
        assert!(tree.root(Links::Inside, false).open_file(b"to-file").is_err());
    }

    #[test]
    fn a_root_stays_the_directory_it_was() {
        let tree = Tree::new();
        let root = tree.root(Links::Refused, true);
        std::fs::rename(tree.0.join("root"), tree.0.join("moved")).unwrap();
        assert_eq!(read(&root, "top").as_deref(), Some("top"));
    }

    #[test]
    fn a_root_is_a_directory() {
        let tree = Tree::new();
        assert!(Root::open(&tree.0.join("outside"), Links::Refused).is_err());
        assert!(Root::open(&tree.0.join("none"), Links::Refused).is_err());
    }
}
