//! Every interleaving of the state word and the free list, by loom: the same source, with loom's atomics.

#[allow(dead_code, clippy::duplicate_mod)]
#[path = "free_list.rs"]
mod free_list;
#[allow(dead_code, clippy::duplicate_mod)]
#[path = "state.rs"]
mod state;
mod sync {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

use free_list::FreeList;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use state::State;
use sync::{AtomicU32, AtomicU64, Ordering};

/// A slot whose object is a number; 0 is "taken". Loom fails the model if a read and a write of it can meet.
struct Slot {
    state: State,
    kinds: AtomicU64,
    object: UnsafeCell<u32>,
    taken: AtomicU32,
}

impl Slot {
    fn new() -> Arc<Slot> {
        Arc::new(Slot {
            state: State::free(0),
            kinds: AtomicU64::new(0),
            object: UnsafeCell::new(0),
            taken: AtomicU32::new(0),
        })
    }

    fn fill(&self, object: u32, pins: u16) -> u32 {
        self.object.with_mut(|cell| {
            // SAFETY: the slot is free, and loom checks that nobody else is at the cell.
            unsafe { *cell = object }
        });
        self.kinds.store(u64::from(object), Ordering::Relaxed);
        self.state.publish(pins)
    }

    fn read(&self) -> u32 {
        self.object.with(|cell| {
            // SAFETY: the caller holds a pin, and loom checks that nobody writes.
            unsafe { *cell }
        })
    }

    fn take(&self) {
        self.object.with_mut(|cell| {
            // SAFETY: the caller is the last, and loom checks that nobody else is at the cell.
            unsafe { *cell = 0 }
        });
        // Release, and Acquire below: in a table the free list does this, between two users of a slot.
        self.taken.fetch_add(1, Ordering::Release);
    }

    /// A whole call: look up, read, leave.
    fn call(&self, generation: u32) -> Option<u32> {
        self.state.pin(generation).ok()?;
        let object = self.read();
        if self.state.unpin() {
            self.take();
        }
        Some(object)
    }

    fn release(&self, generation: u32) -> bool {
        let released = self.state.release(generation);
        if released == Ok(true) {
            self.take();
        }
        released.is_ok()
    }

    fn taken(&self) -> u32 {
        self.taken.load(Ordering::Acquire)
    }
}

fn in_thread<R: 'static>(slot: &Arc<Slot>, f: impl FnOnce(&Slot) -> R + 'static) -> thread::JoinHandle<R> {
    let slot = Arc::clone(slot);
    thread::spawn(move || f(&slot))
}

#[test]
fn a_call_and_the_last_release() {
    loom::model(|| {
        let slot = Slot::new();
        slot.fill(1, 0);
        let calls = [in_thread(&slot, |slot| slot.call(0)), in_thread(&slot, |slot| slot.call(0))];
        assert!(slot.release(0));
        for call in calls {
            assert!(matches!(call.join().unwrap(), None | Some(1)));
        }
        assert_eq!(slot.taken(), 1);
    });
}

#[test]
fn too_many_releases() {
    loom::model(|| {
        let slot = Slot::new();
        slot.fill(1, 0);
        let others = [in_thread(&slot, |slot| slot.release(0)), in_thread(&slot, |slot| slot.release(0))];
        let mut released = u32::from(slot.release(0));
        for other in others {
            released += u32::from(other.join().unwrap());
        }
        assert_eq!((released, slot.taken()), (1, 1));
    });
}

#[test]
fn a_retain_and_the_last_release() {
    loom::model(|| {
        let slot = Slot::new();
        slot.fill(1, 0);
        let other = in_thread(&slot, |slot| {
            let retained = slot.state.retain(0).is_ok();
            if retained {
                assert_eq!(slot.call(0), Some(1));
                assert!(slot.release(0));
            }
        });
        assert!(slot.release(0));
        other.join().unwrap();
        assert_eq!(slot.taken(), 1);
    });
}

#[test]
fn a_lent_object_and_an_answer_from_another_thread() {
    loom::model(|| {
        let slot = Slot::new();
        let generation = slot.fill(1, 1);
        slot.state.retain(generation).unwrap();
        let other = in_thread(&slot, move |slot| {
            assert_eq!(slot.call(generation), Some(1));
            assert!(slot.release(generation));
        });
        assert_eq!(slot.read(), 1);
        if slot.state.unpin_and_release(generation) {
            slot.take();
        }
        other.join().unwrap();
        assert_eq!(slot.taken(), 1);
    });
}

#[test]
fn a_lent_object_whose_reference_is_stolen() {
    loom::model(|| {
        let slot = Slot::new();
        slot.fill(1, 1);
        let thief = in_thread(&slot, |slot| slot.release(0));
        assert_eq!(slot.read(), 1);
        if slot.state.unpin_and_release(0) {
            slot.take();
        }
        thief.join().unwrap();
        assert_eq!(slot.taken(), 1);
    });
}

#[test]
fn a_stale_token_never_finds_the_next_object() {
    loom::model(|| {
        let slot = Slot::new();
        slot.fill(1, 0);
        // As `Slot::answers` and then `State::pin`: the kinds that were read belong to the object that is pinned.
        let other = in_thread(&slot, |slot| {
            if slot.state.is_live(0) {
                let kinds = slot.kinds.load(Ordering::Relaxed);
                if let Some(object) = slot.call(0) {
                    assert_eq!((object, kinds), (1, 1));
                }
            }
        });
        // The next object comes when the state says that the slot is free, from whichever thread ended the first.
        slot.release(0);
        if slot.taken() == 1 {
            assert_eq!(slot.fill(2, 0), 1);
            assert_eq!(slot.call(1), Some(2));
        }
        other.join().unwrap();
    });
}

#[test]
fn a_guessed_token_finds_a_whole_object_or_none() {
    loom::model(|| {
        let slot = Slot::new();
        // No thread handed the token over: only the word says that the object is there.
        let guesses = [
            in_thread(&slot, |slot| assert!(matches!(slot.call(0), None | Some(1)))),
            in_thread(&slot, |slot| {
                if slot.state.is_live(0) {
                    assert_eq!(slot.kinds.load(Ordering::Relaxed), 1);
                }
            }),
        ];
        slot.fill(1, 0);
        for guess in guesses {
            guess.join().unwrap();
        }
    });
}

#[test]
fn a_retained_token_keeps_its_kinds() {
    loom::model(|| {
        let slot = Slot::new();
        slot.fill(1, 0);
        let other = in_thread(&slot, |slot| {
            if slot.state.is_live(0) {
                let kinds = slot.kinds.load(Ordering::Relaxed);
                if slot.state.retain(0).is_ok() {
                    assert_eq!(kinds, 1);
                    assert!(slot.release(0));
                }
            }
        });
        slot.release(0);
        if slot.taken() == 1 {
            slot.fill(2, 0);
        }
        other.join().unwrap();
    });
}

/// A free list of three slots, each with a mark that says whether it is out.
struct Shelf {
    list: FreeList,
    links: [AtomicU32; 3],
    out: [UnsafeCell<bool>; 3],
}

impl Shelf {
    fn full() -> Arc<Shelf> {
        let shelf = Shelf {
            list: FreeList::new(AtomicU64::new(FreeList::EMPTY)),
            links: [AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0)],
            out: [UnsafeCell::new(false), UnsafeCell::new(false), UnsafeCell::new(false)],
        };
        (0..3).for_each(|slot| shelf.list.push(slot, &shelf.links[slot as usize]));
        Arc::new(shelf)
    }

    fn pop(&self) -> Option<u32> {
        let slot = self.list.pop(|slot| self.links.get(slot as usize))?;
        self.mark(slot, true);
        Some(slot)
    }

    fn push(&self, slot: u32) {
        self.mark(slot, false);
        self.list.push(slot, &self.links[slot as usize]);
    }

    fn mark(&self, slot: u32, out: bool) {
        self.out[slot as usize].with_mut(|cell| {
            // SAFETY: a slot that was popped is the caller's alone, and loom checks that it is.
            let before = unsafe { std::mem::replace(&mut *cell, out) };
            assert_ne!(before, out, "slot {slot} was given out twice");
        });
    }
}

#[test]
fn a_slot_is_given_to_one_thread() {
    loom::model(|| {
        let shelf = Shelf::full();
        let other = {
            let shelf = Arc::clone(&shelf);
            // Two out and the first back: the pattern that confuses a list without turns.
            thread::spawn(move || {
                let first = shelf.pop();
                let second = shelf.pop();
                first.into_iter().for_each(|slot| shelf.push(slot));
                usize::from(second.is_some())
            })
        };
        let mut out = usize::from(shelf.pop().is_some());
        out += usize::from(shelf.pop().is_some());
        out += other.join().unwrap();
        let rest = std::iter::from_fn(|| shelf.pop()).count();
        assert_eq!(out + rest, 3);
    });
}
