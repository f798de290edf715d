//! Secrets of connections for who has to look into their traffic, in the format of `SSLKEYLOGFILE`.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::ConfigError;

/// The file of the setting `key_log`.
#[derive(Debug)]
pub struct KeyLog(Mutex<File>);

impl KeyLog {
    /// Opens the file to append to it; a new one only its owner may read.
    ///
    /// # Errors
    /// It can't be written.
    pub fn open(path: &Path) -> Result<Arc<Self>, ConfigError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            ConfigError::new("key_log", format!("can't be written: {error}")).of(path.display())
        })?;
        Ok(Arc::new(Self(Mutex::new(file))))
    }

    /// Appends a line, which is given without its end.
    pub fn append(&self, line: &str) {
        let line = format!("{line}\n");
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Err: a full disk must not end connections. The log is for finding faults, and a missing line shows there.
        let _ = file.write_all(line.as_bytes());
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = String::with_capacity(label.len() + 2 * (client_random.len() + secret.len()) + 2);
        line.push_str(label);
        for bytes in [client_random, secret] {
            line.push(' ');
            for byte in bytes {
                // A string takes everything.
                let _ = write!(line, "{byte:02x}");
            }
        }
        self.append(&line);
    }
}
