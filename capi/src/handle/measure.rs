//! What a handle costs, in ns. `cargo test --release -p flare-capi measure -- --ignored --nocapture`

use super::*;
use std::hint::black_box;
use std::time::Instant;

const KIND: Kind = Kind::new(1);
const ROUNDS: u32 = 20_000_000;

static TABLE: Table<[u64; 2]> = Table::new();

/// The best of five runs, in ns for each round.
fn best(mut round: impl FnMut()) -> f64 {
    let runs = (0..5).map(|_| {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            round();
        }
        start.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
    });
    runs.fold(f64::MAX, f64::min)
}

fn first(object: &[u64; 2]) -> Result<u64, HandleError> {
    Ok(black_box(object)[0])
}

#[test]
#[ignore = "a measurement: run it alone, in release"]
fn measure() {
    println!("an empty round        {:6.2}", best(|| _ = black_box(7)));
    let token = TABLE.insert(KIND.only(), [1, 2]).unwrap();
    let pin = best(|| {
        black_box(TABLE.pin(black_box(token), KIND).map(|pinned| pinned[0]).unwrap());
    });
    println!("pin and unpin         {pin:6.2}");
    let with = best(|| {
        black_box(TABLE.with(black_box(token), KIND, first).unwrap());
    });
    println!("with, not current     {with:6.2}");
    let current = TABLE.enter(token, KIND, |_| {
        Ok::<_, HandleError>(best(|| {
            black_box(TABLE.with(black_box(token), KIND, first).unwrap());
        }))
    });
    println!("with, current         {:6.2}", current.unwrap());
    let stale = best(|| {
        black_box(TABLE.with(black_box(token.with_kind(Kind::new(2))), KIND, first).is_err());
    });
    println!("a refused token       {stale:6.2}");
    let retain = best(|| {
        TABLE.retain(black_box(token), KIND).unwrap();
        TABLE.release(black_box(token), KIND).unwrap();
    });
    println!("retain and release    {retain:6.2}");
    let insert = best(|| {
        let token = TABLE.insert(KIND.only(), black_box([3, 4])).unwrap();
        TABLE.release(black_box(token), KIND).unwrap();
    });
    println!("insert and release    {insert:6.2}");
    let lend = best(|| {
        black_box(TABLE.lend(KIND.only(), black_box([3, 4]), |token, _| token).unwrap());
    });
    println!("lend                  {lend:6.2}");
}
