//! How long a worker is busy between two looks at its sockets: while it is, all its other clients wait.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::stats::Histogram;

/// Polls what a worker does, and notes how long each turn took.
#[derive(Debug)]
pub(crate) struct Turns<'a, F> {
    work: Pin<&'a mut F>,
    noted: &'a Histogram,
}

impl<'a, F: Future> Turns<'a, F> {
    pub(crate) fn of(work: Pin<&'a mut F>, noted: &'a Histogram) -> Self {
        Self { work, noted }
    }
}

impl<F: Future> Future for Turns<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let began = Instant::now();
        let polled = self.work.as_mut().poll(cx);
        self.noted.record(began.elapsed());
        polled
    }
}
