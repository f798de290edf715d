//! The timer wheel against the simplest thing that can be right: a list that is searched.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use flare_net::{Millis, TimerId, Wheel};

/// A deterministic generator (xorshift): a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Mostly small, sometimes very large.
    fn distance(&mut self) -> u64 {
        let bits = 1 + self.below(34);
        self.below(1 << bits)
    }
}

struct Armed {
    at: u64,
    token: u64,
    id: TimerId,
}

/// Takes all that expired and compares it with the list.
fn expire(wheel: &mut Wheel, armed: &mut Vec<Armed>, stale: &mut Vec<TimerId>, now: u64) {
    let mut last = 0;
    while let Some(token) = wheel.expire(Millis(now)) {
        let place =
            armed.iter().position(|timer| timer.token == token).expect("expired twice or never armed");
        let timer = armed.swap_remove(place);
        assert!(timer.at <= now, "{} expired at {now}", timer.at);
        assert!(timer.at >= last, "{} expired after {last}", timer.at);
        last = timer.at;
        stale.push(timer.id);
    }
    assert!(armed.iter().all(|timer| timer.at > now), "one was forgotten at {now}");
    assert_eq!(wheel.len(), armed.len());
}

#[test]
fn the_wheel_agrees_with_a_list() {
    for seed in 1..64 {
        let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.rotate_left(seed));
        let mut now = random.distance();
        let mut wheel = Wheel::new(Millis(now));
        let mut armed: Vec<Armed> = Vec::new();
        let mut stale: Vec<TimerId> = Vec::new();
        for step in 0..3_000 {
            match random.below(8) {
                0..=3 => {
                    let at = now + 1 + random.distance();
                    let id = wheel.arm(Millis(at), step);
                    assert!(!stale.contains(&id));
                    armed.push(Armed { at, token: step, id });
                }
                4 if !armed.is_empty() => {
                    let timer = armed.swap_remove(random.below(armed.len() as u64) as usize);
                    assert!(wheel.cancel(timer.id));
                    stale.push(timer.id);
                }
                5 if !stale.is_empty() => {
                    assert!(!wheel.cancel(stale[random.below(stale.len() as u64) as usize]));
                }
                6 => {
                    // As the worker does: wait until the wheel says.
                    if let Some(next) = wheel.next_deadline() {
                        now = now.max(next.0);
                    }
                    expire(&mut wheel, &mut armed, &mut stale, now);
                }
                _ => {
                    now += random.distance() >> random.below(20);
                    expire(&mut wheel, &mut armed, &mut stale, now);
                }
            }
            let first = armed.iter().map(|timer| timer.at).min();
            match (wheel.next_deadline(), first) {
                (None, None) => {}
                (Some(bound), Some(first)) => {
                    assert!(bound.0 <= first && bound.0 > now, "{bound:?} for {first} at {now}");
                }
                (bound, first) => panic!("{bound:?} for {first:?}"),
            }
        }
    }
}

#[test]
fn following_the_wheel_reaches_each_deadline_exactly() {
    let mut wheel = Wheel::new(Millis(1_000_003));
    let mut deadlines: Vec<u64> = (0..40).map(|bit| 1_000_003 + (1 << bit)).collect();
    for at in &deadlines {
        wheel.arm(Millis(*at), *at);
    }
    deadlines.reverse();
    while let Some(now) = wheel.next_deadline() {
        while let Some(at) = wheel.expire(now) {
            assert_eq!(Some(at), deadlines.pop());
            assert_eq!(at, now.0);
        }
    }
    assert!(deadlines.is_empty());
}

#[test]
fn the_past_expires_at_once_and_the_far_future_not_at_all() {
    let mut wheel = Wheel::new(Millis(100));
    wheel.arm(Millis(7), 1);
    wheel.arm(Millis(100), 2);
    let never = wheel.arm(Millis::NEVER, 3);
    assert_eq!(wheel.next_deadline(), Some(Millis(100)));
    let mut tokens: Vec<_> = std::iter::from_fn(|| wheel.expire(Millis(100))).collect();
    tokens.sort();
    assert_eq!(tokens, [1, 2]);
    assert_eq!(wheel.expire(Millis(u64::MAX - 1)), None);
    assert_eq!(wheel.len(), 1);
    assert!(wheel.cancel(never));
    assert_eq!(wheel.next_deadline(), None);
    assert!(wheel.is_empty());
}

#[test]
fn time_that_goes_back_is_ignored() {
    let mut wheel = Wheel::new(Millis(1_000));
    wheel.arm(Millis(1_500), 1);
    assert_eq!(wheel.expire(Millis(1_400)), None);
    assert_eq!(wheel.expire(Millis(10)), None);
    wheel.arm(Millis(1_450), 2);
    assert_eq!(wheel.expire(Millis(1_449)), None);
    assert_eq!(wheel.expire(Millis(1_450)), Some(2));
    assert_eq!(wheel.expire(Millis(1_500)), Some(1));
}

#[test]
fn a_place_is_reused_but_not_its_name() {
    let mut wheel = Wheel::new(Millis(0));
    let first = wheel.arm(Millis(5), 1);
    assert!(wheel.cancel(first));
    let second = wheel.arm(Millis(5), 2);
    assert_ne!(first, second);
    assert!(!wheel.cancel(first));
    assert_eq!(wheel.len(), 1);
    assert_eq!(wheel.expire(Millis(5)), Some(2));
    assert!(!wheel.cancel(second));
}

#[test]
fn timers_of_one_millisecond_can_be_cancelled_between() {
    let mut wheel = Wheel::new(Millis(0));
    let ids: Vec<_> = (0..3).map(|token| wheel.arm(Millis(9), token)).collect();
    let first = wheel.expire(Millis(9)).unwrap();
    for (token, id) in ids.into_iter().enumerate() {
        assert_eq!(wheel.cancel(id), token as u64 != first);
    }
    assert_eq!(wheel.expire(Millis(9)), None);
}
