//! Options by name, for languages that can't chain calls.

use super::Files;

/// An option that can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError {
    /// The name of the option.
    pub option: String,
    /// What is wrong with it.
    pub problem: String,
}

impl std::fmt::Display for OptionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "option {}: {}", self.option, self.problem)
    }
}

impl std::error::Error for OptionError {}

impl Files {
    /// Sets options from a text: `index=index.html; precompressed=1; cache_control=public, max-age=60`. They are separated by semicolons;
    /// white space around names and values is dropped.
    ///
    /// | option | value | as |
    /// |---|---|---|
    /// | `index` | a file name | [`Files::index`] |
    /// | `cache_control` | a field value | [`Files::cache_control`] |
    /// | `precompressed` | 0 or 1 | [`Files::precompressed`] |
    /// | `hidden` | 0 or 1 | [`Files::hidden`] |
    /// | `links_inside` | 0 or 1 | [`Files::links_inside`] |
    ///
    /// # Errors
    /// The first option that does not exist, has no value, or does not take the value.
    pub fn options(self, text: &str) -> Result<Self, OptionError> {
        text.split(';').map(str::trim).filter(|option| !option.is_empty()).try_fold(self, |files, option| {
            let Some((name, value)) = option.split_once('=') else {
                return Err(wrong(option, "has no value"));
            };
            files.option(name.trim(), value.trim())
        })
    }

    fn option(mut self, name: &str, value: &str) -> Result<Self, OptionError> {
        match name {
            "index" if value.is_empty() || value.contains('/') => return Err(wrong(name, "is no file name")),
            "index" => self.index = Some(value.to_owned()),
            "cache_control" => {
                return self.cache_control(value).map_err(|error| wrong(name, error.to_string()));
            }
            "precompressed" => self.precompressed = switch(name, value)?,
            "hidden" => self.hidden = switch(name, value)?,
            "links_inside" if switch(name, value)? => {
                return self.links_inside().map_err(|error| wrong(name, error.to_string()));
            }
            "links_inside" => {}
            _ => return Err(wrong(name, "does not exist")),
        }
        Ok(self)
    }
}

fn switch(name: &str, value: &str) -> Result<bool, OptionError> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(wrong(name, "is not 0 or 1")),
    }
}

fn wrong(option: &str, problem: impl Into<String>) -> OptionError {
    OptionError { option: option.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<Files, OptionError> {
        Files::new(std::env::temp_dir()).unwrap().options(text)
    }

    #[test]
    fn options_are_read() {
        let files =
            with(" index = a.html;cache_control=max-age=1, public ;; hidden=1; precompressed=1;").unwrap();
        assert_eq!(files.index.as_deref(), Some("a.html"));
        assert_eq!(files.cache_control.as_deref(), Some("max-age=1, public"));
        assert!(files.hidden && files.precompressed);
        let files = with("hidden=0; precompressed=0; links_inside=0").unwrap();
        assert!(!files.hidden && !files.precompressed);
        assert!(with("").is_ok() && with("links_inside=1").is_ok());
    }

    #[test]
    fn a_wrong_option_is_named() {
        for (text, option) in [
            ("hidden", "hidden"),
            ("hidden=yes", "hidden"),
            ("links_inside=2", "links_inside"),
            ("index=", "index"),
            ("index=a/b", "index"),
            ("cache_control=a\r\nb: c", "cache_control"),
            ("hidden=1; shown=1", "shown"),
            ("Hidden=1", "Hidden"),
        ] {
            let error = with(text).unwrap_err();
            assert_eq!(error.option, option, "{text}");
            assert!(error.to_string().starts_with(&format!("option {option}: ")));
        }
    }
}
