//! The limits in time of single requests that share a connection of HTTP/2: an answer that its client does not
//! take, a body that still comes after the answer. Only what waits is looked at, by the sweep.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::connection::ConnectionState;
use crate::request_body::{BodySource, pace};
use crate::stats::Counter;
use crate::worker::Worker;

/// Bytes of an answer that are handed over at a time, at most, and then some: what each of the requests of a
/// connection gets of it before one gets more.
const FAIR_SHARE: u64 = 128 * 1024;

/// A request of HTTP/2, as the sweep sees it.
#[derive(Debug)]
pub(crate) struct Stream {
    connection: Arc<ConnectionState>,
    idle: Cell<Duration>,
    /// The piece of the answer that its client has not taken yet.
    handed: Cell<Option<Handed>>,
    is_watched: Cell<bool>,
    is_ended: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Debug, Clone, Copy)]
struct Handed {
    at: Instant,
    /// What the connection had written by then.
    written: u64,
}

/// What waits for clients.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    answers: RefCell<Vec<Rc<Stream>>>,
    bodies: RefCell<Vec<(BodySource, Duration)>>,
}

/// Runs what serves a request, until it is done or the sweep ends it. A request that is dropped is reset.
pub(crate) async fn drive(worker: Rc<Worker>, stream: Rc<Stream>, serving: impl Future<Output = ()>) {
    let mut serving = pin!(serving);
    poll_fn(|cx| {
        if stream.is_ended.get() || serving.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if stream.handed.get().is_some() {
            stream.waker.borrow_mut().get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
            if !stream.is_watched.replace(true) {
                worker.waiting.answers.borrow_mut().push(stream.clone());
            }
        }
        Poll::Pending
    })
    .await;
}

impl Stream {
    /// Until its route says how long it may stand still, that is what the connection may.
    pub(crate) fn new(connection: Arc<ConnectionState>) -> Self {
        Self {
            idle: Cell::new(connection.idle_limit()),
            connection,
            handed: Cell::new(None),
            is_watched: Cell::new(false),
            is_ended: Cell::new(false),
            waker: RefCell::new(None),
        }
    }

    pub(crate) fn set_idle_limit(&self, limit: Duration) {
        self.idle.set(limit);
    }

    pub(crate) fn idle_limit(&self) -> Duration {
        self.idle.get()
    }

    /// The answer's next piece is asked for: what was handed over before is taken.
    pub(crate) fn note_asked(&self) {
        self.handed.set(None);
    }

    pub(crate) fn note_handed(&self) {
        self.handed.set(Some(Handed { at: Instant::now(), written: self.connection.written() }));
    }

    fn is_stalled(&self) -> bool {
        self.handed.get().is_some_and(|handed| {
            let passed = self.connection.written().saturating_sub(handed.written);
            is_stalled(handed.at.elapsed(), self.idle.get(), passed, self.connection.requests_under_way())
        })
    }

    fn end(&self) {
        self.is_ended.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// An answer of which a piece was not taken for so long, while `passed` bytes went to the same client. One that
/// waits its turn on a slow connection that moves is not stalled: the client is busy with the others.
fn is_stalled(waited: Duration, idle: Duration, passed: u64, requests: u32) -> bool {
    let moves = passed >= pace(waited);
    let had_its_turn = passed >= FAIR_SHARE * u64::from(requests);
    waited > idle && (!moves || had_its_turn)
}

impl Waiting {
    /// The rest of a body whose request was answered.
    pub(crate) fn watch_body(&self, body: BodySource, idle: Duration) {
        self.bodies.borrow_mut().push((body, idle));
    }

    /// Ends what stands still.
    pub(crate) fn sweep(&self, ended: &Counter) {
        self.answers.borrow_mut().retain(|stream| {
            if stream.is_stalled() {
                stream.end();
                ended.increment();
            }
            let waits =
                stream.handed.get().is_some() && !stream.is_ended.get() && Rc::strong_count(stream) > 1;
            stream.is_watched.set(waits);
            waits
        });
        self.bodies.borrow_mut().retain(|(body, idle)| {
            if body.end_if_stalled(*idle) {
                ended.increment();
            }
            body.is_wanted()
        });
    }
}

#[cfg(test)]
mod tests;
