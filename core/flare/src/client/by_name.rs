//! Settings by name, for languages that have no access to the methods.

use std::time::Duration;

use super::Client;
use crate::Error;
use crate::server::ConfigError;

/// The longest time limit: a day.
const MOST: i64 = 24 * 60 * 60 * 1000;

impl Client {
    /// Sets a number by name: `timeout_ms` (1 to 86400000) or `max_content` (from 0), see [`Client::set_timeout`] and
    /// [`Client::set_max_content`].
    ///
    /// # Errors
    /// There is no such setting, or the value does not fit it.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<(), Error> {
        let wrong = |problem: String| ConfigError { field: name.to_owned(), problem };
        match name {
            "timeout_ms" => {
                let number = u64::try_from(value).ok().filter(|_| (1..=MOST).contains(&value));
                let number = number.ok_or_else(|| wrong(format!("{value} is not within 1 to {MOST}")))?;
                self.timeout = Duration::from_millis(number);
            }
            "max_content" => {
                self.max_content =
                    usize::try_from(value).map_err(|_| wrong(format!("{value} is negative")))?;
            }
            _ => return Err(wrong("there is no such number setting".to_owned()).into()),
        }
        Ok(())
    }
}
