//! Connection IDs that we give out: a worker number and random bytes as one block of AES. Any worker finds the owner, and nobody else
//! learns anything, also not which IDs belong together (RFC 9000, 5.1 and 9.5).

use aes::Aes128;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};

/// A connection ID of ours.
pub(crate) type Id = [u8; 16];

/// Its length.
pub(crate) const LENGTH: usize = 16;

/// The keys that make IDs, and what belongs to them.
pub(crate) struct IdKeys {
    ids: Aes128,
    resets: Aes128,
}

impl IdKeys {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { ids: Aes128::new(&random()?.into()), resets: Aes128::new(&random()?.into()) })
    }

    /// A fresh ID for a connection of this worker. `None`: there are no random numbers.
    pub(crate) fn make(&self, worker: u16) -> Option<Id> {
        let mut id: Id = random().ok()?;
        let [high, low, ..] = &mut id;
        [*high, *low] = worker.to_be_bytes();
        let mut block = id.into();
        self.ids.encrypt_block(&mut block);
        Some(block.into())
    }

    /// The worker that made this ID; any number, if nobody did.
    pub(crate) fn owner(&self, id: &Id) -> u16 {
        let mut block = (*id).into();
        self.ids.decrypt_block(&mut block);
        let [high, low, ..]: Id = block.into();
        u16::from_be_bytes([high, low])
    }

    /// The token that says that the connection with this ID is not known any more (RFC 9000, 10.3). One block of AES is a pseudorandom
    /// function of the ID, which is as long as a block.
    pub(crate) fn reset_token(&self, id: &Id) -> [u8; 16] {
        let mut block = (*id).into();
        self.resets.encrypt_block(&mut block);
        block.into()
    }
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    boring::rand::rand_bytes(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_worker_to_who_has_the_keys_and_to_nobody_else() {
        let (ours, others) = (IdKeys::new().unwrap(), IdKeys::new().unwrap());
        let mut hits = 0;
        for worker in 0..1000 {
            let id = ours.make(worker).unwrap();
            assert_eq!(ours.owner(&id), worker);
            assert_ne!(ours.make(worker).unwrap(), id);
            hits += usize::from(others.owner(&id) == worker);
        }
        assert!(hits < 10, "{hits} of 1000 owners were guessed");
    }

    #[test]
    fn reset_tokens_belong_to_an_id_and_a_key() {
        let (ours, others) = (IdKeys::new().unwrap(), IdKeys::new().unwrap());
        let id = ours.make(3).unwrap();
        assert_eq!(ours.reset_token(&id), ours.reset_token(&id));
        assert_ne!(ours.reset_token(&id), ours.reset_token(&ours.make(3).unwrap()));
        assert_ne!(ours.reset_token(&id), others.reset_token(&id));
        assert_ne!(ours.reset_token(&id), id);
    }
}
