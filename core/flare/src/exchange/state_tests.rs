//! Who answers, who is told, step by step.

use super::AnswerError;
use super::state::*;

#[test]
fn an_answer_in_the_call_is_not_told() {
    let state = State::default();
    assert_eq!(state.answer(false), Ok(false));
    assert_eq!(state.detach(), (Progress::Whole, false));
}

#[test]
fn a_later_answer_is_told_once() {
    let state = State::default();
    assert_eq!(state.detach(), (Progress::Open, false));
    assert_eq!(state.answer(true), Ok(true));
    assert!(!state.tell(), "told twice");
    assert_eq!(state.look(), Progress::Streamed);
    assert!(state.tell(), "not told after a look");
}

#[test]
fn the_second_answer_is_refused() {
    let state = State::default();
    assert_eq!(state.answer(false), Ok(false));
    assert_eq!(state.answer(false), Err(AnswerError::Answered));
}

#[test]
fn an_answer_after_a_cancel_says_why() {
    let state = State::default();
    assert!(state.cancel(CancelReason::Deadline));
    assert!(!state.cancel(CancelReason::PeerGone), "cancelled twice");
    assert_eq!(state.answer(false), Err(AnswerError::Cancelled(CancelReason::Deadline)));
    assert_eq!(state.detach(), (Progress::Open, false));
}

#[test]
fn what_happens_in_the_call_is_found_on_return() {
    let state = State::default();
    assert!(!state.tell());
    assert_eq!(state.detach(), (Progress::Open, true));
    assert!(!state.tell(), "the worker is still to look");
    assert_eq!(state.look(), Progress::Open);
    assert!(state.tell());
}

#[test]
fn what_happens_in_a_call_that_is_attended_is_found_on_return() {
    let state = State::default();
    assert_eq!(state.answer(true), Ok(false));
    assert_eq!(state.detach(), (Progress::Streamed, false));
    state.attend();
    assert_eq!(state.detach(), (Progress::Streamed, false), "nothing happened");
    state.attend();
    assert!(!state.tell(), "the worker is about to look");
    assert_eq!(state.detach(), (Progress::Streamed, true));
    assert_eq!(state.look(), Progress::Streamed);
    assert!(state.tell(), "it is told again");
}
