//! `Expect: 100-continue` from end to end (RFC 9110, 10.1.1): a body is asked of the client once its upstream asks
//! for it. hyper tells a client to go on when its body is first read.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use http::{Request, StatusCode};
use tokio::time::{Sleep, sleep};

/// An upstream that says nothing is sent the body after this time: it may not know of the expectation.
pub(crate) const MAX_PATIENCE: Duration = Duration::from_secs(1);

/// What the upstream of one attempt has said so far.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: AtomicU8,
    body: AtomicWaker,
}

/// Holds the body of one attempt back.
#[derive(Debug)]
pub(crate) struct Expectation {
    signal: Arc<Signal>,
    patience: Pin<Box<Sleep>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Yes,
    No,
}

const WAITING: u8 = 0;
const WANTED: u8 = 1;
/// It has answered without the body: nothing is to follow, and nothing to fail while the answer is under way.
const ANSWERED: u8 = 2;
const ABANDONED: u8 = 3;

impl Signal {
    /// Takes note of the upstream's `100 Continue`.
    pub(crate) fn watch<B>(self: &Arc<Self>, request: &mut Request<B>) {
        let signal = self.clone();
        hyper::ext::on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                signal.turn(WAITING, WANTED);
            }
        });
    }

    /// The final answer is here.
    pub(crate) fn answer(&self) {
        self.turn(WAITING, ANSWERED);
    }

    fn turn(&self, from: u8, to: u8) {
        if self.state.compare_exchange(from, to, Relaxed, Relaxed).is_ok() {
            self.body.wake();
        }
    }
}

impl Expectation {
    pub(crate) fn new(signal: Arc<Signal>, patience: Duration) -> Self {
        Self { signal, patience: Box::pin(sleep(patience)) }
    }

    /// The answer is over: nobody asks for the body any more.
    pub(crate) fn abandon(&self) {
        self.signal.turn(ANSWERED, ABANDONED);
    }

    pub(crate) fn poll_wanted(&mut self, cx: &mut Context<'_>) -> Poll<Wanted> {
        self.signal.body.register(cx.waker());
        match self.signal.state.load(Relaxed) {
            WANTED => Poll::Ready(Wanted::Yes),
            ABANDONED => Poll::Ready(Wanted::No),
            ANSWERED => Poll::Pending,
            _ => self.patience.as_mut().poll(cx).map(|()| {
                self.signal.turn(WAITING, WANTED);
                Wanted::Yes
            }),
        }
    }
}
