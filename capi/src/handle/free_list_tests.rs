//! The free list, one thread. `models.rs` has the interleavings.

use super::free_list::FreeList;
use super::sync::{AtomicU32, AtomicU64};

#[test]
fn the_last_in_is_the_first_out() {
    let links: Vec<AtomicU32> = (0..3).map(|_| AtomicU32::new(0)).collect();
    let list = FreeList::new(AtomicU64::new(FreeList::EMPTY));
    let pop = || list.pop(|slot| links.get(slot as usize));
    assert_eq!(pop(), None);
    for slot in 0..3 {
        list.push(slot, &links[slot as usize]);
    }
    assert_eq!((pop(), pop()), (Some(2), Some(1)));
    list.push(2, &links[2]);
    assert_eq!((pop(), pop(), pop()), (Some(2), Some(0), None));
}

#[test]
fn the_turns_may_wrap() {
    let links = [AtomicU32::new(0), AtomicU32::new(0)];
    let list = FreeList::new(AtomicU64::new(u64::MAX));
    list.push(1, &links[1]);
    list.push(0, &links[0]);
    let pop = || list.pop(|slot| links.get(slot as usize));
    assert_eq!((pop(), pop(), pop()), (Some(0), Some(1), None));
}
