//! Systems whose timers nobody has tried yet.

use mio::{Registry, Token};
use std::convert::Infallible;
use std::io;
use std::time::Duration;

pub(crate) struct TimerSource {
    never: Infallible,
}

impl TimerSource {
    pub(crate) fn new(_: &Registry, _: Token) -> io::Result<TimerSource> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn arm(&mut self, _: &Registry, _: Duration) -> io::Result<()> {
        match self.never {}
    }

    pub(crate) fn disarm(&mut self, _: &Registry) -> io::Result<()> {
        match self.never {}
    }
}
