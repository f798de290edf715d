//! In a build without TLS no connection is encrypted: these types have no value.

use std::io;
use std::time::Duration;

use flare_net::{Driver, Key, Millis, Stream, Target};

use super::config::ConnectConfig;
use super::error::ConnectFailure;
use super::patience::Patience;
use crate::Error;
use crate::message::TlsSession;

#[derive(Debug)]
pub(super) enum SecureContext {}

impl SecureContext {
    pub(super) fn of(_: &ConnectConfig) -> Result<Option<Self>, Error> {
        Ok(None)
    }

    pub(super) fn check(&self, _: &Target) -> Result<(), String> {
        match *self {}
    }

    pub(super) fn begin(
        &self,
        _: &Target,
        _: &mut Driver,
        _: Key,
        _: Millis,
    ) -> Result<Handshake, ConnectFailure> {
        match *self {}
    }
}

pub(super) enum Handshake {}

impl Handshake {
    pub(super) fn deadline(&self) -> Millis {
        match *self {}
    }

    pub(super) fn timeout(&self) -> Duration {
        match *self {}
    }

    pub(super) fn is_complete(&self) -> bool {
        match *self {}
    }

    pub(super) fn received(&mut self, _: &mut Driver, _: Key, _: &mut [u8]) -> Result<(), ConnectFailure> {
        match *self {}
    }

    pub(super) fn into_secure(self) -> Secure {
        match self {}
    }
}

pub(super) enum Secure {}

impl Secure {
    pub(super) fn session(&self) -> Option<&TlsSession> {
        match *self {}
    }

    pub(super) fn read(&self, _: &Stream, _: &mut [u8], _: Patience) -> io::Result<usize> {
        match *self {}
    }

    pub(super) fn write(&self, _: &Stream, _: &[u8], _: Patience) -> io::Result<usize> {
        match *self {}
    }

    pub(super) fn flush(&self, _: &Stream, _: Patience) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn close_write(&self, _: &Stream, _: Patience) -> io::Result<()> {
        match *self {}
    }
}
