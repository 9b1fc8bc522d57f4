//! Deadlines that nearly always come to nothing. One that is far off is a place in a list at which the worker's
//! sweep looks; it becomes a timer of the runtime, exact to a millisecond, when it is near.
//!
//! Measured: a timer for each attempt costs 900 instructions to make, enter and take out again, a place 100.

use std::cell::RefCell;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use slab::Slab;
use tokio::time::{Instant, Sleep, sleep_until};

/// Deadlines nearer than this are timers. Above the time between two sweeps, also when one is late.
const NEAR: Duration = Duration::from_millis(300);

/// The far deadlines of one worker.
#[derive(Debug, Default)]
pub(crate) struct Alarms(RefCell<Slab<Place>>);

#[derive(Debug)]
struct Place {
    due: Instant,
    /// The sweep has seen that it is near.
    is_near: bool,
    waker: Waker,
}

/// A wait for one deadline, which may move.
#[derive(Debug)]
pub(crate) struct Alarm<'a> {
    alarms: &'a Alarms,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Far(usize),
    Near(Pin<Box<Sleep>>),
}

impl Alarms {
    /// Wakes those whose deadline is near.
    pub(crate) fn sweep(&self) {
        let soon = Instant::now() + NEAR;
        for (_, place) in self.0.borrow_mut().iter_mut() {
            if place.due <= soon && !place.is_near {
                place.is_near = true;
                place.waker.wake_by_ref();
            }
        }
    }
}

impl<'a> Alarm<'a> {
    /// `now`, or a moment before: what is near from then is a timer at once.
    pub(crate) fn new(alarms: &'a Alarms, now: Instant, deadline: Instant) -> Self {
        let state =
            if deadline <= now + NEAR { State::Near(Box::pin(sleep_until(deadline))) } else { State::New };
        Self { alarms, state }
    }

    /// Ready when the deadline has come, which may be another one at each call.
    pub(crate) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            State::New => {
                let place = Place { due: deadline, is_near: false, waker: cx.waker().clone() };
                self.state = State::Far(self.alarms.0.borrow_mut().insert(place));
                Poll::Pending
            }
            State::Far(index) => {
                let mut places = self.alarms.0.borrow_mut();
                let place = &mut places[*index];
                if place.due != deadline {
                    place.due = deadline;
                    place.is_near = deadline <= Instant::now() + NEAR;
                }
                if !place.is_near {
                    place.waker.clone_from(cx.waker());
                    return Poll::Pending;
                }
                places.remove(*index);
                drop(places);
                self.state = State::Near(Box::pin(sleep_until(deadline)));
                self.poll(deadline, cx)
            }
            State::Near(sleep) => {
                if sleep.deadline() != deadline {
                    sleep.as_mut().reset(deadline);
                }
                sleep.as_mut().poll(cx)
            }
        }
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if let State::Far(index) = self.state {
            self.alarms.0.borrow_mut().remove(index);
        }
    }
}

#[cfg(test)]
mod tests;
