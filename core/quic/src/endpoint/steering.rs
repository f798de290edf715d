//! The same judgement as `id.rs` makes, in the language of the kernel (classic BPF): the worker's number out of a datagram. So most
//! datagrams come to their worker at once, also from a client whose address has changed.
//!
//! An Initial or 0-RTT packet is never judged, whatever its connection ID is: clients invent those, so they could choose the worker. A
//! worker is chosen for a new connection by its addresses alone. Nor is the mark looked at, which is AES: an ID that nobody made goes to
//! some worker, which finds that there is no such connection.

use super::id::{LENGTH, Mask};
use super::packet::VERSION_1;

/// An instruction of classic BPF, as `struct sock_filter` of Linux has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// What is done.
    pub code: u16,
    /// How many instructions are skipped when a comparison holds.
    pub if_true: u8,
    /// The same when it does not.
    pub if_false: u8,
    /// What it is done with.
    pub operand: u32,
}

/// What says that no worker is chosen.
const NOBODY: u32 = u32::MAX;

/// Whoever has a connection sends more (RFC 9001, 5.4.2); up to here all is there that is looked at.
const SHORTEST: u32 = 6 + LENGTH as u32;

/// Codes (linux/bpf_common.h): A and X are registers, M memory, P the packet, k the operand.
mod code {
    pub(super) const A_LENGTH: u16 = 0x80;
    pub(super) const A_BYTE: u16 = 0x30; // P[k]
    pub(super) const A_WORD: u16 = 0x20; // P[k..k + 4]
    pub(super) const A_WORD_AT_X: u16 = 0x40; // P[X + k..]
    pub(super) const A_HALF_AT_X: u16 = 0x48;
    pub(super) const X_NUMBER: u16 = 0x01;
    pub(super) const X_MEMORY: u16 = 0x61;
    pub(super) const MEMORY_A: u16 = 0x02;
    pub(super) const MEMORY_X: u16 = 0x03;
    pub(super) const X_IS_A: u16 = 0x07;
    pub(super) const AND: u16 = 0x54;
    pub(super) const SHIFT_RIGHT: u16 = 0x74;
    pub(super) const MULTIPLY: u16 = 0x24;
    pub(super) const REMAINDER: u16 = 0x94;
    pub(super) const XOR: u16 = 0xa4;
    pub(super) const XOR_X: u16 = 0xac;
    pub(super) const GO: u16 = 0x05;
    pub(super) const IF_EQUAL: u16 = 0x15;
    pub(super) const IF_LEAST: u16 = 0x35;
    pub(super) const IF_SET: u16 = 0x45;
    pub(super) const RETURN: u16 = 0x06;
    pub(super) const RETURN_A: u16 = 0x16;
}

/// The program for IDs behind this mask.
pub(super) fn program(mask: Mask, workers: u16) -> Vec<Instruction> {
    let step = |code, operand| Instruction { code, if_true: 0, if_false: 0, operand };
    // Skips one instruction, the one that gives up, when it holds.
    let when = |code, operand| Instruction { code, if_true: 1, if_false: 0, operand };
    let give_up = step(code::RETURN, NOBODY);
    let [first, second, third] = mask.factors;
    // Where the ID is, and the mask on the way.
    let (at, on_the_way) = (0, 1);
    vec![
        step(code::A_LENGTH, 0),
        when(code::IF_LEAST, SHORTEST),
        give_up,
        step(code::A_BYTE, 0),
        Instruction { code: code::IF_SET, if_true: 2, if_false: 0, operand: 0x80 },
        // A short header: the ID is behind the first byte.
        step(code::X_NUMBER, 1),
        step(code::GO, 10),
        // A long one: a Handshake packet of version 1, with an ID as long as ours.
        step(code::AND, 0xf0),
        when(code::IF_EQUAL, 0xe0),
        give_up,
        step(code::A_WORD, 1),
        when(code::IF_EQUAL, VERSION_1),
        give_up,
        step(code::A_BYTE, 5),
        when(code::IF_EQUAL, LENGTH as u32),
        give_up,
        step(code::X_NUMBER, 6),
        // The mask.
        step(code::MEMORY_X, at),
        step(code::A_WORD_AT_X, 2),
        step(code::XOR, mask.begin),
        step(code::MULTIPLY, first),
        step(code::X_IS_A, 0),
        step(code::SHIFT_RIGHT, 16),
        step(code::XOR_X, 0),
        step(code::MEMORY_A, on_the_way),
        step(code::X_MEMORY, at),
        step(code::A_HALF_AT_X, 6),
        step(code::X_MEMORY, on_the_way),
        step(code::XOR_X, 0),
        step(code::MULTIPLY, second),
        step(code::X_IS_A, 0),
        step(code::SHIFT_RIGHT, 15),
        step(code::XOR_X, 0),
        step(code::MULTIPLY, third),
        step(code::SHIFT_RIGHT, 16),
        step(code::MEMORY_A, on_the_way),
        // The number behind it.
        step(code::X_MEMORY, at),
        step(code::A_HALF_AT_X, 0),
        step(code::X_MEMORY, on_the_way),
        step(code::XOR_X, 0),
        step(code::REMAINDER, u32::from(workers)),
        step(code::RETURN_A, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::id::IdKeys;
    use super::*;

    /// What the kernel does with a program. Reading beyond the end returns 0, as there.
    fn run(program: &[Instruction], packet: &[u8]) -> u32 {
        let bytes = |at: u32, count: usize| {
            let bytes = packet.get(at as usize..at as usize + count)?;
            Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
        };
        let (mut a, mut x, mut memory, mut next) = (0_u32, 0_u32, [0_u32; 16], 0);
        loop {
            let Instruction { code, if_true, if_false, operand: k } = program[next];
            next += 1;
            let load = match code {
                code::A_BYTE => Some(bytes(k, 1)),
                code::A_WORD => Some(bytes(k, 4)),
                code::A_WORD_AT_X => Some(bytes(x + k, 4)),
                code::A_HALF_AT_X => Some(bytes(x + k, 2)),
                _ => None,
            };
            match load {
                Some(Some(loaded)) => a = loaded,
                Some(None) => return 0,
                None => {}
            }
            let mut branch = |holds: bool| next += usize::from(if holds { if_true } else { if_false });
            match code {
                code::A_BYTE | code::A_WORD | code::A_WORD_AT_X | code::A_HALF_AT_X => {}
                code::A_LENGTH => a = packet.len() as u32,
                code::X_NUMBER => x = k,
                code::X_MEMORY => x = memory[k as usize],
                code::MEMORY_A => memory[k as usize] = a,
                code::MEMORY_X => memory[k as usize] = x,
                code::X_IS_A => x = a,
                code::AND => a &= k,
                code::SHIFT_RIGHT => a >>= k,
                code::MULTIPLY => a = a.wrapping_mul(k),
                code::REMAINDER => a %= k,
                code::XOR => a ^= k,
                code::XOR_X => a ^= x,
                code::GO => next += k as usize,
                code::IF_EQUAL => branch(a == k),
                code::IF_LEAST => branch(a >= k),
                code::IF_SET => branch(a & k != 0),
                code::RETURN => return k,
                code::RETURN_A => return a,
                _ => panic!("code {code:#x}"),
            }
        }
    }

    fn short(id: &[u8]) -> Vec<u8> {
        [&[0x40], id, &[7; 30]].concat()
    }

    fn long(first: u8, version: u32, id: &[u8]) -> Vec<u8> {
        [&[first], &version.to_be_bytes()[..], &[id.len() as u8], id, &[7; 30]].concat()
    }

    #[test]
    fn packets_behind_an_answer_go_to_the_worker_of_their_id() {
        for workers in [1, 2, 3, 16, 1024] {
            let keys = IdKeys::new(workers).unwrap();
            let program = program(keys.mask(), workers);
            for worker in 0..workers {
                let id = keys.make(worker).unwrap();
                assert_eq!(run(&program, &short(&id)), u32::from(worker));
                for first in 0xe0..=0xef {
                    assert_eq!(run(&program, &long(first, VERSION_1, &id)), u32::from(worker));
                }
            }
        }
    }

    #[test]
    fn what_a_client_sends_first_chooses_no_worker_whatever_its_id_is() {
        let keys = IdKeys::new(4).unwrap();
        let program = program(keys.mask(), 4);
        let id = keys.make(3).unwrap();
        for first in (0x80..=0xff).filter(|first| first & 0xf0 != 0xe0) {
            assert_eq!(run(&program, &long(first, VERSION_1, &id)), NOBODY, "{first:#x}");
        }
        // Versions and IDs of others.
        assert_eq!(run(&program, &long(0xe0, 2, &id)), NOBODY);
        assert_eq!(run(&program, &long(0xe0, VERSION_1, &id[..15])), NOBODY);
        assert_eq!(run(&program, &long(0xe0, VERSION_1, &[0; 17])), NOBODY);
    }

    #[test]
    fn what_is_cut_off_chooses_no_worker() {
        let keys = IdKeys::new(4).unwrap();
        let program = program(keys.mask(), 4);
        let id = keys.make(3).unwrap();
        for packet in [short(&id), long(0xe0, VERSION_1, &id)] {
            for length in 0..SHORTEST as usize {
                assert_eq!(run(&program, &packet[..length]), NOBODY, "{length}");
            }
            assert_eq!(run(&program, &packet[..SHORTEST as usize]), 3);
        }
    }

    #[test]
    fn ids_that_nobody_made_are_spread() {
        let keys = IdKeys::new(4).unwrap();
        let program = program(keys.mask(), 4);
        let mut hits = [0; 4];
        for _ in 0..4000 {
            hits[run(&program, &short(&super::super::random::<16>().unwrap())) as usize] += 1;
        }
        assert!(hits.iter().all(|hits| (850..1150).contains(hits)), "{hits:?}");
    }
}
