//! Keys that encrypt tickets, and change.

use std::sync::Arc;

use rustls::crypto::GetRandomFailed;
use rustls::server::ProducesTickets;
use rustls::ticketer::TicketRotator;

use crate::config::Resumption;
use crate::provider::ticket_keys;

/// Keys that are replaced when they have lasted as long as the setting says; the one before is still understood.
pub(super) fn ticketer(resumption: &Resumption) -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    let lifetime = u32::try_from(resumption.ticket_key_lifetime.as_secs()).unwrap_or(u32::MAX);
    Ok(Arc::new(TicketRotator::new(lifetime, || {
        let keys = ticket_keys().map_err(|_| GetRandomFailed)?;
        Ok(Box::new(Keys(keys)))
    })?))
}

/// One generation of keys.
#[derive(Debug)]
struct Keys(Arc<dyn ProducesTickets>);

impl ProducesTickets for Keys {
    fn enabled(&self) -> bool {
        self.0.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.0.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt(cipher)
    }
}
