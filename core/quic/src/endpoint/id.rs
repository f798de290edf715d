//! Connection IDs that we give out: the number of a worker behind a mask, random bytes, and a mark by which we know our own. Any worker
//! finds the owner, the kernel does too (`steering.rs`), and nobody else learns anything, also not which IDs belong together (RFC 9000, 5.1
//! and 9.5).
//!
//! ```text
//! 0        2              8                   16
//! | number | random bytes | mark              |
//! ```
//!
//! The mark is a block of AES of what is before it: an ID that a client invented has none but by chance (1 in 2^64). The mask is made of the
//! random bytes by a few multiplications with secret numbers, since the kernel's programs can't do AES. What is behind it is not the number
//! itself but any of the numbers that leave it as the remainder of a division by the count of workers: so an ID alone has nothing by which
//! a guess of the secrets could be checked. Whoever found them out all the same would learn the worker, which is one of a few.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};

/// A connection ID of ours.
pub(crate) type Id = [u8; 16];

/// Its length.
pub(crate) const LENGTH: usize = 16;

/// Where the mark begins.
const MARK: usize = 8;

/// The keys that make IDs, and what belongs to them.
pub(crate) struct IdKeys {
    marks: Aes128,
    resets: Aes128,
    mask: Mask,
    workers: u16,
}

/// The secret numbers of the mask.
#[derive(Clone, Copy)]
pub(crate) struct Mask {
    pub(crate) begin: u32,
    /// Odd ones: multiplying by them loses nothing.
    pub(crate) factors: [u32; 3],
}

impl Mask {
    fn new() -> std::io::Result<Self> {
        let [begin, factors @ ..] = [random()?, random()?, random()?, random()?].map(u32::from_be_bytes);
        Ok(Self { begin, factors: factors.map(|factor| factor | 1) })
    }

    /// The mask for the six random bytes of an ID. `steering.rs` does the same.
    fn of(&self, [a, b, c, d, e, f]: [u8; 6]) -> u16 {
        let [first, second, third] = self.factors;
        let mut mask = (u32::from_be_bytes([a, b, c, d]) ^ self.begin).wrapping_mul(first);
        mask = (mask ^ mask >> 16 ^ u32::from(u16::from_be_bytes([e, f]))).wrapping_mul(second);
        mask = (mask ^ mask >> 15).wrapping_mul(third);
        (mask >> 16) as u16
    }
}

impl IdKeys {
    /// `workers`: how many there are, at least one.
    pub(crate) fn new(workers: u16) -> std::io::Result<Self> {
        Ok(Self {
            marks: Aes128::new(&random()?.into()),
            resets: Aes128::new(&random()?.into()),
            mask: Mask::new()?,
            workers: workers.max(1),
        })
    }

    pub(crate) fn workers(&self) -> u16 {
        self.workers
    }

    pub(crate) fn mask(&self) -> Mask {
        self.mask
    }

    /// A fresh ID for a connection of this worker, whose number is below their count. `None`: there are no random numbers.
    pub(crate) fn make(&self, worker: u16) -> Option<Id> {
        // As many numbers below 2^16 leave this remainder.
        let numbers = (u32::from(u16::MAX) - u32::from(worker)) / u32::from(self.workers) + 1;
        let which = u32::from_be_bytes(random().ok()?) % numbers;
        let number = (u32::from(worker) + which * u32::from(self.workers)) as u16;
        let bytes: [u8; 6] = random().ok()?;
        let [high, low] = (number ^ self.mask.of(bytes)).to_be_bytes();
        let [a, b, c, d, e, f] = bytes;
        let said = [high, low, a, b, c, d, e, f];
        let mut id = [0; LENGTH];
        let (front, back) = id.split_at_mut(MARK);
        front.copy_from_slice(&said);
        back.copy_from_slice(&self.mark(said));
        Some(id)
    }

    /// The worker that made this ID. `None`: nobody did.
    pub(crate) fn owner(&self, id: &Id) -> Option<u16> {
        let (said, mark) = id.split_first_chunk::<MARK>()?;
        if mark != self.mark(*said) {
            return None;
        }
        let [high, low, bytes @ ..] = *said;
        Some((u16::from_be_bytes([high, low]) ^ self.mask.of(bytes)) % self.workers)
    }

    fn mark(&self, said: [u8; MARK]) -> [u8; LENGTH - MARK] {
        let mut block = [0; LENGTH];
        block[..MARK].copy_from_slice(&said);
        let mut block = block.into();
        self.marks.encrypt_block(&mut block);
        let [a, b, c, d, e, f, g, h, ..]: Id = block.into();
        [a, b, c, d, e, f, g, h]
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
        for workers in [1, 2, 3, 7, 1000, u16::MAX] {
            let (ours, others) = (IdKeys::new(workers).unwrap(), IdKeys::new(workers).unwrap());
            for worker in (0..workers.min(1000)).chain([workers - 1]) {
                let id = ours.make(worker).unwrap();
                assert_eq!(ours.owner(&id), Some(worker), "{workers}");
                assert_ne!(ours.make(worker).unwrap(), id);
                assert_eq!(others.owner(&id), None);
            }
        }
    }

    #[test]
    fn an_id_with_one_bit_changed_is_nobodys() {
        let keys = IdKeys::new(4).unwrap();
        let id = keys.make(3).unwrap();
        for bit in 0..8 * LENGTH {
            let mut changed = id;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(keys.owner(&changed), None, "bit {bit}");
        }
    }

    #[test]
    fn the_bytes_of_ids_tell_nothing_of_their_worker() {
        // Each bit is set as often with one worker as with the other: 4,096 IDs each, and 5 sigma.
        let keys = IdKeys::new(2).unwrap();
        let set = |worker| {
            let mut set = [0_i32; 8 * LENGTH];
            for _ in 0..4096 {
                let id = keys.make(worker).unwrap();
                for (bit, count) in set.iter_mut().enumerate() {
                    *count += i32::from(id[bit / 8] >> (bit % 8) & 1);
                }
            }
            set
        };
        for (bit, (one, other)) in set(0).into_iter().zip(set(1)).enumerate() {
            assert!((one - other).abs() < 5 * 46, "bit {bit}: {one} and {other}");
        }
    }

    #[test]
    fn reset_tokens_belong_to_an_id_and_a_key() {
        let (ours, others) = (IdKeys::new(4).unwrap(), IdKeys::new(4).unwrap());
        let id = ours.make(3).unwrap();
        assert_eq!(ours.reset_token(&id), ours.reset_token(&id));
        assert_ne!(ours.reset_token(&id), ours.reset_token(&ours.make(3).unwrap()));
        assert_ne!(ours.reset_token(&id), others.reset_token(&id));
        assert_ne!(ours.reset_token(&id), id);
    }
}
