use std::sync::Arc;
use std::time::Duration;

use super::{ConnectionState, Phase, WriteProgress};
use crate::coarse_clock::CoarseClock;

const IDLE: Duration = Duration::from_secs(60);

fn state() -> ConnectionState {
    ConnectionState::new(Arc::new(CoarseClock::new()), IDLE)
}

impl ConnectionState {
    fn pass(&self, time: Duration) {
        self.clock.pass(time);
    }
}

#[test]
fn a_client_that_takes_one_byte_now_and_then_stands_still() {
    let state = state();
    state.enter(Phase::Answering);
    state.note_write(WriteProgress::Blocked);
    for _ in 0..61 {
        assert!(!state.is_stalled());
        state.pass(Duration::from_secs(1));
        state.note_write(WriteProgress::Taken(1));
        state.note_write(WriteProgress::Blocked);
    }
    assert!(state.is_stalled());
}

#[test]
fn a_client_that_keeps_the_minimum_rate_may_take_any_time() {
    let state = state();
    state.enter(Phase::Answering);
    for _ in 0..1_000 {
        state.note_write(WriteProgress::Blocked);
        state.pass(Duration::from_secs(1));
        state.note_write(WriteProgress::Taken(17));
        assert!(!state.is_stalled());
    }
}

#[test]
fn a_client_that_has_taken_everything_owes_nothing() {
    let state = state();
    state.enter(Phase::Answering);
    state.note_write(WriteProgress::Blocked);
    state.note_write(WriteProgress::Taken(1));
    state.note_write(WriteProgress::Flushed);
    state.pass(IDLE * 2);
    assert!(!state.is_stalled());
}

#[test]
fn a_client_that_has_closed_its_half_is_waited_for_a_moment_until_its_answer_begins() {
    let state = state();
    state.enter(Phase::Active);
    state.note_left();
    assert!(!state.is_abandoned());
    state.pass(Duration::from_secs(2));
    state.note_left();
    assert!(state.is_abandoned());
    state.begin_answer();
    assert!(!state.is_abandoned());
}

#[test]
fn the_time_of_a_head_that_came_in_part_runs_from_the_answer_before() {
    let state = state();
    state.enter(Phase::Active);
    state.pass(IDLE);
    state.set_head_begun(true);
    state.end_answer(true);
    assert_eq!(state.phase(), Phase::Head);
    assert!(state.in_phase_for() < IDLE);
    state.set_head_begun(false);
    state.end_answer(true);
    assert_eq!(state.phase(), Phase::Idle);
    state.end_answer(false);
    assert_eq!(state.phase(), Phase::LateBody);
}
