//! Static files from a directory, safely.
//!
//! ```no_run
//! use flare::files::Files;
//! use flare::prelude::*;
//!
//! # fn main() -> Result<(), flare::Error> {
//! let mut router = Router::new();
//! router.get("/files/*path", Files::new("public")?.index("index.html").precompressed())?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is served
//!
//! Regular files below the directory, and nothing else: whatever the path says, and whatever is renamed meanwhile, the system itself
//! refuses to leave it ([`flare_net::Root`]). Everything that is refused is 404, so that nobody learns what is there: `.` and `..`, empty
//! names, backslashes, names that begin with a dot, symbolic links, directories, devices, FIFOs, sockets, and files that may not be read.
//!
//! An encoded slash (`%2F`) never separates. It reaches the directory as these three characters.
//!
//! # HTTP
//!
//! GET and HEAD; `Last-Modified` and a strong `ETag` (weak while the file is younger than 2 seconds, because clocks of file systems are
//! coarse; neither when its time is 0 or 1, as builders of images leave it); preconditions in the order of RFC 9110, 13.2.2; ranges of bytes,
//! one or several (up to 64, joined where they touch; more are ignored and the whole file is sent); `X-Content-Type-Options: nosniff`.
//! `Content-Type` follows from the extension, and text is said to be UTF-8.
//!
//! A file that is made shorter while it is sent ends the connection, as its length was promised.
//!
//! # Cost
//!
//! Opening a file takes the worker some microseconds, and files above 16 KiB leave by `sendfile`. Where opening may wait for a slow disk or a
//! network, give the route [`RouteOptions::blocking`](crate::RouteOptions::blocking).

mod answer;
mod coding;
mod conditional;
mod entity_tag;
mod media_type;
mod multipart;
mod options;
mod path;
mod range;
mod validators;

use std::io;
use std::path::{Path, PathBuf};

use flare_net::{Links, Root};

pub use options::OptionError;

use crate::exchange::Exchange;
use crate::handler::Handler;
use crate::message::{Headers, InvalidField};

/// A handler that serves the files below a directory. The last parameter of its route says which one: `/files/*path`.
#[derive(Debug)]
pub struct Files {
    root: Root,
    directory: PathBuf,
    index: Option<String>,
    cache_control: Option<String>,
    hidden: bool,
    precompressed: bool,
}

impl Files {
    /// Serves the files below a directory, which is opened once: the handler stays with it when its path is given to another one.
    ///
    /// # Errors
    /// What the system says when the directory can't be opened; the message names it.
    pub fn new(directory: impl AsRef<Path>) -> io::Result<Self> {
        let directory = directory.as_ref();
        Ok(Self {
            root: open(directory, Links::Refused)?,
            directory: directory.to_owned(),
            index: None,
            cache_control: None,
            hidden: false,
            precompressed: false,
        })
    }

    /// Serves this file of a directory for the directory, which is asked for with a final slash; without it, the client is sent there
    /// (301). By default directories are 404.
    #[must_use]
    pub fn index(mut self, name: impl Into<String>) -> Self {
        self.index = Some(name.into());
        self
    }

    /// Serves names that begin with a dot too, as `.well-known`.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Follows symbolic links that stay below the directory. Where the system can't tell (Linux before 5.6, other systems) they are
    /// refused as by default.
    ///
    /// # Errors
    /// What the system says when the directory can't be opened again.
    pub fn links_inside(mut self) -> io::Result<Self> {
        self.root = open(&self.directory, Links::Inside)?;
        Ok(self)
    }

    /// Sends `name.br`, `name.zst` or `name.gz` instead of `name` to clients that take it (RFC 9110, 12.5.3), when it is there and not
    /// older than `name`. Every answer then says `Vary: accept-encoding`.
    #[must_use]
    pub fn precompressed(mut self) -> Self {
        self.precompressed = true;
        self
    }

    /// Sends this `Cache-Control` with every file, as `public, max-age=3600` (RFC 9111, 5.2.2).
    ///
    /// # Errors
    /// When it can't be a field value.
    pub fn cache_control(mut self, value: impl Into<String>) -> Result<Self, InvalidField> {
        let value = value.into();
        Headers::new().append("cache-control", &value)?;
        self.cache_control = Some(value);
        Ok(self)
    }
}

fn open(directory: &Path, links: Links) -> io::Result<Root> {
    Root::open(directory, links)
        .map_err(|error| io::Error::new(error.kind(), format!("directory {}: {error}", directory.display())))
}

impl Handler for Files {
    fn handle(&self, exchange: Exchange) {
        let drafted = exchange.draft(|response| self.answer(exchange.request(), response));
        if drafted.is_ok() {
            // Err: the exchange is over.
            let _ = exchange.finish();
        }
    }
}
