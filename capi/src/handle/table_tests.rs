//! One thread, and misuse of every kind.

use super::chunks::CHUNK;
use super::state::MOST;
use super::*;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const REQUEST: Kind = Kind::new(1);
const RESPONSE: Kind = Kind::new(2);
const SERVER: Kind = Kind::new(3);
const EXCHANGE: Kinds = REQUEST.and(RESPONSE);

/// Counts its drops.
struct Counted(Arc<AtomicU32>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counted() -> (Counted, impl Fn() -> u32) {
    let drops = Arc::new(AtomicU32::new(0));
    (Counted(Arc::clone(&drops)), move || drops.load(Ordering::Relaxed))
}

fn read(table: &Table<u32>, token: Token, kind: Kind) -> Result<u32, HandleError> {
    table.with(token, kind, |object| Ok(*object))
}

/// Both ways to find an object must agree.
fn find(table: &Table<u32>, token: Token, kind: Kind) -> Result<u32, HandleError> {
    let pinned = table.pin(token, kind).map(|pinned| *pinned);
    assert_eq!(read(table, token, kind), pinned);
    pinned
}

#[test]
fn both_faces_of_an_object_are_found() {
    let table = Table::new();
    let token = table.insert(EXCHANGE, 5).unwrap();
    assert_eq!(find(&table, token, REQUEST), Ok(5));
    assert_eq!(find(&table, token.with_kind(RESPONSE), RESPONSE), Ok(5));
}

#[test]
fn a_wrong_kind_is_told_apart() {
    let table = Table::new();
    let exchange = table.insert(EXCHANGE, 5).unwrap();
    let server = table.insert(SERVER.only(), 6).unwrap();
    assert_eq!(find(&table, exchange, RESPONSE), Err(HandleError::WrongKind));
    assert_eq!(find(&table, server, REQUEST), Err(HandleError::WrongKind));
    assert_eq!(table.retain(server, REQUEST), Err(HandleError::WrongKind));
    assert_eq!(table.release(server, REQUEST), Err(HandleError::WrongKind));
    // A token that says what its object is not was never given out.
    assert_eq!(find(&table, server.with_kind(REQUEST), REQUEST), Err(HandleError::Invalid));
    assert_eq!(table.retain(server.with_kind(REQUEST), REQUEST), Err(HandleError::Invalid));
    assert_eq!(table.release(server.with_kind(REQUEST), REQUEST), Err(HandleError::Invalid));
    table.release(server, SERVER).unwrap();
    assert_eq!(find(&table, server, REQUEST), Err(HandleError::Invalid));
}

#[test]
fn a_freed_handle_is_stale_for_ever() {
    let table = Table::new();
    let old = table.insert(SERVER.only(), 1).unwrap();
    assert_eq!(table.release(old, SERVER), Ok(()));
    for round in 0..if cfg!(miri) { 100 } else { 1000 } {
        let new = table.insert(SERVER.only(), round).unwrap();
        assert_ne!(new, old);
        assert_eq!(find(&table, old, SERVER), Err(HandleError::Invalid));
        assert_eq!(table.retain(old, SERVER), Err(HandleError::Invalid));
        assert_eq!(table.release(old, SERVER), Err(HandleError::Invalid));
        assert_eq!(find(&table, new, SERVER), Ok(round));
        table.release(new, SERVER).unwrap();
    }
    assert_eq!(table.slots(), 1);
}

#[test]
fn references_are_counted() {
    let table = Table::new();
    let (object, drops) = counted();
    let token = table.insert(SERVER.only(), object).unwrap();
    const { assert!(cfg!(miri) || MOST == 65_535) }; // as HandleError::Limit says
    for _ in 1..MOST {
        assert_eq!(table.retain(token, SERVER), Ok(()));
    }
    assert_eq!(table.retain(token, SERVER), Err(HandleError::Limit));
    for _ in 0..MOST {
        assert_eq!(drops(), 0);
        assert_eq!(table.release(token, SERVER), Ok(()));
    }
    assert_eq!(drops(), 1);
    assert_eq!(table.release(token, SERVER), Err(HandleError::Invalid));
    assert_eq!(drops(), 1);
}

#[test]
fn pins_are_counted() {
    let table = Table::new();
    let token = table.insert(SERVER.only(), 1).unwrap();
    let pins: Vec<_> = (0..MOST).map(|_| table.pin(token, SERVER).unwrap()).collect();
    assert_eq!(find(&table, token, SERVER), Err(HandleError::Limit));
    assert_eq!(table.retain(token, SERVER), Ok(()));
    drop(pins);
    assert_eq!(find(&table, token, SERVER), Ok(1));
}

#[test]
fn anything_else_is_invalid() {
    let table = Table::new();
    let token = table.insert(SERVER.only(), 1).unwrap();
    let on_stack = 7_u64;
    let on_heap = Box::new(7_u64);
    let mut foreign = vec![0, 1, token.to_pointer::<u8>().addr() + 1, usize::MAX, isize::MAX as usize];
    foreign.push((&raw const on_stack).addr());
    foreign.push((&raw const *on_heap).addr());
    foreign.push(anything_else_is_invalid as fn() as usize);
    // Each single bit turned over, and then a fixed run of pseudo-random numbers.
    foreign.extend((0..64).map(|bit| token.to_pointer::<u8>().addr() ^ 1 << bit));
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    foreign.extend((0..if cfg!(miri) { 500 } else { 100_000 }).map(|_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize
    }));
    for number in foreign {
        let forged = Token::from_pointer(std::ptr::without_provenance::<u8>(number));
        for kind in [REQUEST, SERVER] {
            assert_eq!(find(&table, forged, kind), Err(HandleError::Invalid), "{number:#x}");
            assert_eq!(table.retain(forged, kind), Err(HandleError::Invalid), "{number:#x}");
            assert_eq!(table.release(forged, kind), Err(HandleError::Invalid), "{number:#x}");
        }
    }
    assert_eq!(find(&table, token, SERVER), Ok(1));
}

#[test]
fn a_free_during_a_call_is_put_off() {
    let table = Table::new();
    let (object, drops) = counted();
    let token = table.insert(EXCHANGE, object).unwrap();
    let outcome = table.enter(token, REQUEST, |_| {
        assert_eq!(table.release(token, REQUEST), Ok(()));
        assert_eq!(drops(), 0);
        // Stale at once, although the object is still there.
        assert_eq!(table.release(token, REQUEST), Err(HandleError::Invalid));
        assert!(table.pin(token, REQUEST).is_err());
        table.with(token, REQUEST, |_| Ok::<_, HandleError>(()))
    });
    assert_eq!(outcome, Err(HandleError::Invalid));
    assert_eq!(drops(), 1);
}

#[test]
fn a_lent_object_ends_with_the_call() {
    let table = Table::new();
    let (object, drops) = counted();
    let token = table.lend(EXCHANGE, object, |token, _| {
        let response = token.with_kind(RESPONSE);
        assert_eq!(table.with(token, REQUEST, |_| Ok::<_, HandleError>(1)), Ok(1));
        assert_eq!(table.with(response, RESPONSE, |_| Ok::<_, HandleError>(2)), Ok(2));
        assert_eq!(table.with(token, RESPONSE, |_| Ok(())), Err(HandleError::WrongKind));
        assert_eq!(table.with(token.with_kind(SERVER), SERVER, |_| Ok(())), Err(HandleError::Invalid));
        assert_eq!(drops(), 0);
        token
    });
    assert_eq!(drops(), 1);
    assert!(table.pin(token.unwrap(), REQUEST).is_err());
}

#[test]
fn a_lent_object_that_was_retained_lives_on() {
    let table = Table::new();
    let (object, drops) = counted();
    let token = table
        .lend(EXCHANGE, object, |token, _| {
            table.retain(token, REQUEST).unwrap();
            token.with_kind(RESPONSE)
        })
        .unwrap();
    assert_eq!(drops(), 0);
    assert!(table.pin(token, RESPONSE).is_ok());
    // References belong to the object: either face may let go of them.
    assert_eq!(table.release(token, RESPONSE), Ok(()));
    assert_eq!(drops(), 1);
}

#[test]
fn a_lent_object_released_too_often_is_dropped_once() {
    let table = Table::new();
    let (object, drops) = counted();
    let lent = table.lend(EXCHANGE, object, |token, _| {
        assert_eq!(table.release(token, REQUEST), Ok(()));
        assert_eq!(table.release(token, REQUEST), Err(HandleError::Invalid));
        assert_eq!(drops(), 0);
    });
    assert_eq!((lent, drops()), (Ok(()), 1));
}

#[test]
fn callbacks_inside_callbacks_find_both_objects() {
    let table = Table::new();
    let other = Table::new();
    // The same identity in another table is another object.
    let twin = other.insert(REQUEST.only(), 70).unwrap();
    let lent = table.lend(REQUEST.only(), 7, |outer, _| {
        assert_eq!(twin, outer);
        assert_eq!(read(&other, twin, REQUEST), Ok(70));
        let inner = table.lend(REQUEST.only(), 8, |inner, _| {
            assert_eq!(read(&table, outer, REQUEST), Ok(7));
            assert_eq!(read(&table, inner, REQUEST), Ok(8));
            inner
        });
        assert_eq!(read(&table, outer, REQUEST), Ok(7));
        assert_eq!(read(&table, inner.unwrap(), REQUEST), Err(HandleError::Invalid));
        outer
    });
    assert_eq!(read(&table, lent.unwrap(), REQUEST), Err(HandleError::Invalid));
    assert_eq!(read(&other, twin, REQUEST), Ok(70));
}

#[test]
fn a_panic_in_a_call_leaves_the_object_free() {
    let table = Table::new();
    let (object, drops) = counted();
    let seen = RefCell::new(None);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        table.lend(REQUEST.only(), object, |token, _| {
            *seen.borrow_mut() = Some(token);
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(drops(), 1);
    assert!(table.pin(seen.into_inner().unwrap(), REQUEST).is_err());
    assert!(table.insert(REQUEST.only(), counted().0).is_ok());
    assert_eq!(table.slots(), 1);
}

#[test]
fn a_full_table_refuses_and_drops_what_it_was_given() {
    let table = Table::with_limit(2);
    let tokens: Vec<Token> = (0..2).map(|_| table.insert(SERVER.only(), counted().0).unwrap()).collect();
    let (object, drops) = counted();
    assert_eq!(table.insert(SERVER.only(), object), Err(HandleError::Limit));
    assert_eq!(drops(), 1);
    let (object, drops) = counted();
    assert_eq!(table.lend(SERVER.only(), object, |_, _| panic!("not called")), Err(HandleError::Limit));
    assert_eq!(drops(), 1);
    table.release(tokens[0], SERVER).unwrap();
    assert!(table.insert(SERVER.only(), counted().0).is_ok());
    assert_eq!(table.slots(), 2);
}

#[test]
fn slots_are_found_in_every_chunk() {
    // Two chunks, and a part of a third.
    const SLOTS: u32 = CHUNK as u32 * 5 / 2;
    let table = Table::new();
    let tokens: Vec<Token> = (0..SLOTS).map(|number| table.insert(SERVER.only(), number).unwrap()).collect();
    for (number, token) in tokens.iter().enumerate() {
        assert_eq!(find(&table, *token, SERVER), Ok(number as u32));
        table.release(*token, SERVER).unwrap();
    }
    let again = table.insert(SERVER.only(), 1).unwrap();
    assert_eq!(
        again.to_pointer::<u8>().addr() & 0xFF_FFFF,
        SLOTS as usize - 1,
        "the last freed is the first used"
    );
    assert_eq!(table.slots(), SLOTS);
}

#[test]
fn a_table_drops_what_is_left() {
    let (object, drops) = counted();
    let (freed, freed_drops) = counted();
    let table = Table::new();
    table.insert(SERVER.only(), object).unwrap();
    let token = table.insert(SERVER.only(), freed).unwrap();
    table.release(token, SERVER).unwrap();
    drop(table);
    assert_eq!((drops(), freed_drops()), (1, 1));
}

#[test]
fn a_destructor_may_use_the_table() {
    static TABLE: Table<Node> = Table::new();
    struct Node(Option<Token>);
    impl Drop for Node {
        fn drop(&mut self) {
            if let Some(next) = self.0 {
                assert_eq!(TABLE.release(next, SERVER), Ok(()));
            }
        }
    }
    let last = TABLE.insert(SERVER.only(), Node(None)).unwrap();
    let first = TABLE.insert(SERVER.only(), Node(Some(last))).unwrap();
    assert_eq!(TABLE.release(first, SERVER), Ok(()));
    assert!(TABLE.pin(last, SERVER).is_err());
}
