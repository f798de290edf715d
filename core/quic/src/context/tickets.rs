//! Session tickets: the keys that encrypt them, which change, and which tickets were not used yet.
//!
//! BoringSSL has no sessions that a server keeps for TLS 1.3, only tickets. Where the settings want sessions that are kept here
//! (`resumption.tickets` is off), the initialisation vector of each ticket, which is random, is kept instead: a ticket is taken once, and
//! only while it is among the last `resumption.cache`. So early data can't be sent again to this server, as the settings promise.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use boring::error::ErrorStack;
use boring::hash::MessageDigest;
use boring::hmac::HmacCtxRef;
use boring::ssl::{SslContextBuilder, SslOptions, TicketKeyCallbackResult};
use boring::symm::{Cipher, CipherCtxRef};
use flare_tls::Resumption;

/// The name of a key, and the initialisation vector, are as long.
type Block = [u8; 16];

/// Keys of tickets, shared by all workers, and by contexts that follow one another.
#[derive(Clone)]
pub(super) struct Tickets(Arc<Shared>);

struct Shared {
    lifetime: Duration,
    keys: Mutex<Keys>,
    /// `None`: a ticket may be used again.
    unused: Option<Mutex<Unused>>,
}

/// The key that encrypts, and the one before it, which is still understood.
struct Keys {
    current: Key,
    previous: Option<Key>,
    since: Instant,
}

#[derive(Clone)]
struct Key {
    name: Block,
    encryption: [u8; 16],
    authentication: [u8; 32],
}

/// Tickets that were given out and not used yet, the oldest first.
struct Unused {
    most: usize,
    order: VecDeque<Block>,
    all: HashSet<Block>,
}

impl Tickets {
    /// `None`: clients can't come back with a session.
    pub(super) fn new(resumption: &Resumption) -> Result<Option<Self>, ErrorStack> {
        if resumption.tickets_sent == 0 || !resumption.tickets && resumption.cache == 0 {
            return Ok(None);
        }
        let keys = Keys { current: Key::random()?, previous: None, since: Instant::now() };
        let once = || {
            let (order, all) = (VecDeque::new(), HashSet::new());
            Mutex::new(Unused { most: resumption.cache, order, all })
        };
        Ok(Some(Self(Arc::new(Shared {
            lifetime: resumption.ticket_key_lifetime,
            keys: Mutex::new(keys),
            unused: (!resumption.tickets).then(once),
        }))))
    }

    /// What a context does that gives out no tickets and takes none.
    pub(super) fn none(builder: &mut SslContextBuilder) {
        builder.set_options(SslOptions::NO_TICKET);
    }

    /// Makes a context use these keys, and give out so many tickets at once.
    pub(super) fn install(&self, builder: &mut SslContextBuilder, sent: usize) {
        let tickets = self.clone();
        let callback = move |_: &boring::ssl::SslRef,
                             name: &mut Block,
                             iv: &mut Block,
                             cipher: &mut CipherCtxRef,
                             mac: &mut HmacCtxRef,
                             encrypt: bool| {
            if encrypt {
                tickets.encrypt(name, iv, cipher, mac)
            } else {
                tickets.decrypt(name, iv, cipher, mac)
            }
        };
        #[expect(
            unsafe_code,
            reason = "boring has no safe call for ticket keys, and none for the number of tickets"
        )]
        // SAFETY: the callback upholds the contract of SSL_CTX_set_tlsext_ticket_key_cb: whenever it returns `Success` it has filled name
        // and vector (when it encrypts) and initialised both contexts, with keys of the lengths that their ciphers want. The builder is
        // valid, and SSL_CTX_set_num_tickets caps the number.
        unsafe {
            builder.set_ticket_key_callback(callback);
            boring_sys::SSL_CTX_set_num_tickets(builder.as_ptr(), sent);
        }
    }

    fn encrypt(
        &self,
        name: &mut Block,
        iv: &mut Block,
        cipher: &mut CipherCtxRef,
        mac: &mut HmacCtxRef,
    ) -> TicketKeyCallbackResult {
        let mut make = || -> Result<(), ErrorStack> {
            let key = self.current_key()?;
            *name = key.name;
            boring::rand::rand_bytes(iv)?;
            cipher.init_encrypt(&Cipher::aes_128_cbc(), &key.encryption, iv)?;
            mac.init(&key.authentication, &MessageDigest::sha256())?;
            if let Some(unused) = &self.0.unused {
                unused.lock().unwrap_or_else(PoisonError::into_inner).add(*iv);
            }
            Ok(())
        };
        // Without random numbers there is no ticket, but the connection goes on.
        make().map_or(TicketKeyCallbackResult::Noop, |()| TicketKeyCallbackResult::Success)
    }

    fn decrypt(
        &self,
        name: &Block,
        iv: &Block,
        cipher: &mut CipherCtxRef,
        mac: &mut HmacCtxRef,
    ) -> TicketKeyCallbackResult {
        let Some(key) = self.key(name) else { return TicketKeyCallbackResult::Noop };
        if let Some(unused) = &self.0.unused
            && !unused.lock().unwrap_or_else(PoisonError::into_inner).take(iv)
        {
            return TicketKeyCallbackResult::Noop;
        }
        let ready = cipher
            .init_decrypt(&Cipher::aes_128_cbc(), &key.encryption, iv)
            .and_then(|()| mac.init(&key.authentication, &MessageDigest::sha256()));
        ready.map_or(TicketKeyCallbackResult::Noop, |()| TicketKeyCallbackResult::Success)
    }

    /// The key for new tickets, made anew when its time is over.
    fn current_key(&self) -> Result<Key, ErrorStack> {
        let mut keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.rotate(self.0.lifetime)?;
        Ok(keys.current.clone())
    }

    fn key(&self, name: &Block) -> Option<Key> {
        let mut keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        // Err: there are no random numbers. The old keys are not used for longer because of that.
        keys.rotate(self.0.lifetime).ok()?;
        let all = [Some(&keys.current), keys.previous.as_ref()];
        all.into_iter().flatten().find(|key| key.name == *name).cloned()
    }
}

impl Keys {
    fn rotate(&mut self, lifetime: Duration) -> Result<(), ErrorStack> {
        let age = self.since.elapsed();
        if age < lifetime {
            return Ok(());
        }
        let next = Key::random()?;
        let last = std::mem::replace(&mut self.current, next);
        // After two lifetimes nobody may come back with the last one either.
        self.previous = (age < lifetime * 2).then_some(last);
        self.since = Instant::now();
        Ok(())
    }
}

impl Key {
    fn random() -> Result<Self, ErrorStack> {
        let mut key = Self { name: [0; 16], encryption: [0; 16], authentication: [0; 32] };
        boring::rand::rand_bytes(&mut key.name)?;
        boring::rand::rand_bytes(&mut key.encryption)?;
        boring::rand::rand_bytes(&mut key.authentication)?;
        Ok(key)
    }
}

impl Unused {
    fn add(&mut self, ticket: Block) {
        while self.order.len() >= self.most {
            let Some(oldest) = self.order.pop_front() else { return };
            self.all.remove(&oldest);
        }
        self.order.push_back(ticket);
        self.all.insert(ticket);
    }

    /// Whether it was there. It is not any more; its place in the order goes when it is the oldest.
    fn take(&mut self, ticket: &Block) -> bool {
        self.all.remove(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_tickets_are_kept_and_each_is_taken_once() {
        let mut unused = Unused { most: 3, order: VecDeque::new(), all: HashSet::new() };
        for number in 0..5 {
            unused.add([number; 16]);
        }
        assert!(!unused.take(&[1; 16]), "an old one");
        assert!(unused.take(&[2; 16]));
        assert!(!unused.take(&[2; 16]), "again");
        for number in 5..100 {
            unused.add([number; 16]);
        }
        assert_eq!((unused.order.len(), unused.all.len()), (3, 3));
    }

    #[test]
    fn a_key_is_understood_for_one_to_two_lifetimes() {
        let settings = Resumption { ticket_key_lifetime: Duration::from_secs(60), ..Resumption::default() };
        let tickets = Tickets::new(&settings).unwrap().unwrap();
        let first = tickets.current_key().unwrap().name;
        let age = |seconds| {
            let mut keys = tickets.0.keys.lock().unwrap();
            keys.since = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        };
        assert_eq!(tickets.current_key().unwrap().name, first);
        age(61);
        let second = tickets.current_key().unwrap().name;
        assert_ne!(second, first);
        assert!(tickets.key(&first).is_some());
        age(61);
        assert!(tickets.key(&first).is_none());
        assert!(tickets.key(&second).is_some());
        age(121);
        assert!(tickets.key(&second).is_none());
    }

    #[test]
    fn without_tickets_and_sessions_nobody_comes_back() {
        let settings = Resumption { tickets: false, cache: 0, ..Resumption::default() };
        assert!(Tickets::new(&settings).unwrap().is_none());
        let settings = Resumption { tickets_sent: 0, ..Resumption::default() };
        assert!(Tickets::new(&settings).unwrap().is_none());
    }
}
