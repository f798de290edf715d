//! Several threads on the same handles.

use super::*;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

const KIND: Kind = Kind::new(9);
const OTHER: Kind = Kind::new(10);
const KINDS: Kinds = KIND.and(OTHER);

/// Rounds for each test. Miri and other slow checkers may ask for fewer.
fn rounds() -> u32 {
    if cfg!(miri) { 1_000 } else { 1_000_000 }
}

static MADE: AtomicU32 = AtomicU32::new(0);
static DROPPED: AtomicU32 = AtomicU32::new(0);

const ALIVE: u64 = 0x0A11_5E11;
const DEAD: u64 = 0xDEAD;

/// Knows whether it is still there, and counts.
struct Canary(AtomicU64);

impl Canary {
    fn new() -> Canary {
        MADE.fetch_add(1, Ordering::Relaxed);
        Canary(AtomicU64::new(ALIVE))
    }

    fn check(&self) {
        assert_eq!(self.0.load(Ordering::Relaxed), ALIVE, "used after it was dropped");
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        assert_eq!(self.0.swap(DEAD, Ordering::Relaxed), ALIVE, "dropped twice");
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn load(place: &AtomicU64) -> Token {
    Token::from_pointer(std::ptr::without_provenance::<u8>(place.load(Ordering::Relaxed) as usize))
}

fn store(place: &AtomicU64, token: Token) {
    place.store(token.to_pointer::<u8>().addr() as u64, Ordering::Relaxed);
}

/// One random deed on a handle that all threads share and misuse freely.
fn deed(table: &Table<Canary>, places: &[AtomicU64], random: &mut Random) {
    let place = &places[random.below(places.len() as u64) as usize];
    let token = load(place);
    let yields = random.below(64) == 0;
    let check = |canary: &Canary| {
        if yields {
            thread::yield_now();
        }
        canary.check();
        Ok::<_, HandleError>(())
    };
    // Each may find the token stale: that is an answer, too.
    let _ = match random.below(8) {
        0 => table.insert(KINDS, Canary::new()).map(|token| store(place, token)),
        1 => table.release(token, KIND),
        2 => table.with(token, KIND, check),
        3 => table.with(token.with_kind(OTHER), OTHER, check),
        4 => table.pin(token, KIND).and_then(|pinned| check(&pinned)),
        5 => table.retain(token, KIND).and_then(|()| {
            let _ = table.with(token, KIND, check);
            table.release(token, KIND)
        }),
        6 => table.enter(token, KIND, |canary| {
            let _ = table.release(token, KIND);
            let _ = table.with(token, KIND, check);
            check(canary)
        }),
        _ => table
            .lend(KINDS, Canary::new(), |token, canary| {
                store(place, token);
                if yields {
                    let _ = table.retain(token, KIND);
                }
                let _ = table.with(token, KIND, check);
                check(canary)
            })
            .and_then(|checked| checked),
    };
}

#[test]
fn misuse_from_many_threads_never_touches_a_dropped_object() {
    let table = Table::new();
    let places: Vec<AtomicU64> = (0..4).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for seed in 1..=4 {
            let (table, places) = (&table, &places);
            scope.spawn(move || {
                let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
                for _ in 0..rounds() / 4 {
                    deed(table, places, &mut random);
                }
            });
        }
    });
    let made = MADE.load(Ordering::Relaxed);
    assert!(made > rounds() / 16, "the rounds must do something: {made}");
    // Handles whose last token was overwritten are still in the table; it drops them.
    drop(table);
    assert_eq!(DROPPED.load(Ordering::Relaxed), made);
}

#[test]
fn a_producer_and_a_consumer_do_not_grow_the_table() {
    let table = Table::new();
    let (sender, receiver) = mpsc::sync_channel::<Token>(16);
    thread::scope(|scope| {
        let table = &table;
        scope.spawn(move || {
            for number in 0..rounds() {
                sender.send(table.insert(KINDS, number).unwrap()).unwrap();
            }
        });
        scope.spawn(move || {
            for (number, token) in receiver.into_iter().enumerate() {
                assert_eq!(*table.pin(token, KIND).unwrap(), number as u32);
                table.release(token, KIND).unwrap();
            }
        });
    });
    // 16 in the channel, one with each thread, and one for the moment between taking a slot out and putting it back.
    assert!(table.slots() <= 20, "{}", table.slots());
}

#[test]
fn a_slot_of_a_thread_that_ended_is_used_by_others() {
    let table = Table::new();
    // Miri takes longer for each thread that there was.
    for number in 0..if cfg!(miri) { 20 } else { 200 } {
        let token = thread::scope(|scope| {
            let insert = scope.spawn(|| table.insert(KINDS, number).unwrap());
            insert.join().unwrap()
        });
        assert_eq!(table.with(token, KIND, |object| Ok::<_, HandleError>(*object)), Ok(number));
        table.release(token, KIND).unwrap();
    }
    assert_eq!(table.slots(), 1);
}

#[test]
fn the_limit_holds_against_many_threads() {
    let table = Table::with_limit(100);
    let inserted = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while table.insert(KINDS, ()).is_ok() {
                    inserted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((inserted.into_inner(), table.slots()), (100, 100));
}

#[test]
fn the_last_call_drops_the_object_on_its_own_thread() {
    struct Tells(mpsc::Sender<thread::ThreadId>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().id());
        }
    }
    let table = Table::new();
    let (tell, told) = mpsc::channel();
    let token = table.insert(KINDS, Tells(tell)).unwrap();
    let (inside, is_inside) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let table = &table;
        let call = scope.spawn(move || {
            let pinned = table.pin(token, KIND).unwrap();
            inside.send(()).unwrap();
            may_go_on.recv().unwrap();
            drop(pinned);
            thread::current().id()
        });
        is_inside.recv().unwrap();
        table.release(token, KIND).unwrap();
        assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Empty), "a call is still inside");
        go_on.send(()).unwrap();
        assert_eq!(call.join().unwrap(), told.recv().unwrap());
    });
}
