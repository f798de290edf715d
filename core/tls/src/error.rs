//! What is wrong with a configuration, and where.

use std::fmt;

/// A configuration that can't be: which setting, which file, which PEM block, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting, such as `identities[0].key`.
    pub setting: String,
    /// The file, or `(bytes in memory)`, if it is about the content of one.
    pub source: Option<String>,
    /// The PEM block, if it is about one.
    pub block: Option<Place>,
    /// What is wrong, and what was expected.
    pub problem: String,
}

/// Where a PEM block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The number of the block in its file, from 1.
    pub number: usize,
    /// The line of its `BEGIN`, from 1.
    pub line: usize,
    /// Its label, such as `CERTIFICATE`.
    pub label: String,
}

impl ConfigError {
    /// This problem with this setting.
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), source: None, block: None, problem: problem.into() }
    }

    /// The same, about the content of this file.
    #[must_use]
    pub fn of(mut self, source: impl fmt::Display) -> Self {
        self.source = Some(source.to_string());
        self
    }

    pub(crate) fn at(mut self, block: &Place) -> Self {
        self.block = Some(block.clone());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS setting {}: ", self.setting)?;
        if let Some(source) = &self.source {
            write!(f, "{source}: ")?;
        }
        if let Some(block) = &self.block {
            write!(f, "block {} ({}, line {}): ", block.number, block.label, block.line)?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for ConfigError {}
