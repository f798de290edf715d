//! The state word, one thread. `models.rs` has the interleavings.

use super::state::{MOST, Refusal, State};

#[test]
fn a_free_slot_is_not_found() {
    let state = State::free(7);
    assert!(!state.is_live(7) && !state.is_occupied());
    assert_eq!(state.pin(7), Err(Refusal::Stale));
    assert_eq!(state.retain(7), Err(Refusal::Stale));
    assert_eq!(state.release(7), Err(Refusal::Stale));
}

#[test]
fn the_last_release_ends_the_generation() {
    let state = State::free(7);
    assert_eq!(state.publish(0), 7);
    assert_eq!(state.retain(7), Ok(()));
    assert_eq!(state.release(7), Ok(false));
    assert!(state.is_live(7));
    assert_eq!(state.release(7), Ok(true));
    assert_eq!(state.release(7), Err(Refusal::Stale));
    assert_eq!(state.publish(0), 8);
    assert_eq!(state.pin(7), Err(Refusal::Stale));
}

#[test]
fn a_pin_puts_the_end_off() {
    let state = State::free(0);
    state.publish(0);
    assert_eq!(state.pin(0), Ok(()));
    assert_eq!(state.pin(0), Ok(()));
    assert_eq!(state.release(0), Ok(false));
    assert_eq!(state.pin(0), Err(Refusal::Stale));
    assert!(!state.unpin());
    assert!(state.is_occupied());
    assert!(state.unpin());
    assert!(!state.is_occupied());
}

#[test]
fn full_counts_refuse() {
    let state = State::free(0);
    state.publish(0);
    for _ in 1..MOST {
        assert_eq!(state.retain(0), Ok(()));
        assert_eq!(state.pin(0), Ok(()));
    }
    assert_eq!(state.retain(0), Err(Refusal::Full));
    assert_eq!(state.pin(0), Ok(()));
    assert_eq!(state.pin(0), Err(Refusal::Full));
    assert!(!state.unpin());
    assert_eq!(state.pin(0), Ok(()));
}

#[test]
fn a_lent_object_ends_with_its_call() {
    let state = State::free(3);
    assert_eq!(state.publish(1), 3);
    assert!(state.unpin_and_release(3));
    assert!(!state.is_live(3));
}

#[test]
fn a_lent_object_that_was_retained_lives_on() {
    let state = State::free(3);
    state.publish(1);
    assert_eq!(state.retain(3), Ok(()));
    assert!(!state.unpin_and_release(3));
    assert_eq!(state.release(3), Ok(true));
}

#[test]
fn a_reference_that_was_stolen_is_not_taken_twice() {
    let state = State::free(3);
    state.publish(1);
    assert_eq!(state.release(3), Ok(false));
    assert!(state.unpin_and_release(3));
    assert_eq!(state.publish(0), 4);
}

#[test]
fn a_slot_retires_before_its_generation_wraps() {
    let state = State::free(u32::MAX - 1);
    assert!(!state.is_retired());
    let generation = state.publish(0);
    assert_eq!(state.release(generation), Ok(true));
    assert!(state.is_retired());
    assert_eq!(state.pin(u32::MAX), Err(Refusal::Stale));
}
