//! A client's body on its way to an upstream: streamed with back-pressure, counted, and remembered up to a
//! limit, so that another attempt can send it again.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::deadline::BodyProgress;
use crate::error::ProxyError;
use crate::expectation::{Expectation, Wanted};
use harbr_routing::headers;

/// Bytes of a body that are remembered for another attempt.
const MAX_REPLAY: usize = 64 * 1024;
/// Bytes a second, over the idle time: a client that sends or takes less stands still.
const MIN_RATE: u64 = 16;

/// The body of one request, which attempts take turns to send.
#[derive(Debug, Clone)]
pub(crate) struct BodySource(Rc<Source>);

#[derive(Debug)]
struct Source {
    state: RefCell<State>,
    /// The body has begun to move, or has ended.
    turned: Notify,
}

#[derive(Debug)]
struct State {
    incoming: Incoming,
    size_hint: SizeHint,
    max_body: u64,
    memory: Memory,
    trailers: Option<HeaderMap>,
    received: u64,
    progress: BodyProgress,
    /// Bytes that count as having kept the pace for the idle time, and those that came since it was kept last.
    pace: u64,
    since_paced: u64,
    began: Option<Instant>,
    /// The one who sends asked for more than has come: it is the client who is slow.
    awaits_client: bool,
    fault: Option<Fault>,
    attempt: u32,
    /// Of the current attempt: whether its upstream wants the body.
    expectation: Option<Expectation>,
    /// Who waits for more of it.
    waker: Option<Waker>,
}

/// What of the body could be sent again.
#[derive(Debug)]
enum Memory {
    Kept { frames: Vec<Bytes>, size: usize },
    Lost,
}

/// What is wrong with the client's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    TooLarge,
    Broken,
}

/// Whether to remember the body for another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replay {
    Remember,
    Forget,
}

/// The body of one attempt.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Empty,
    Streamed { source: BodySource, attempt: u32, position: usize, trailers_sent: bool },
}

/// Ends an upstream request whose body cannot be had. Whose fault it was, the source knows.
#[derive(Debug, thiserror::Error)]
#[error("the request's body ended early")]
pub(crate) struct BodyAborted;

/// What has to move within the idle time, so that one byte now and then does not count as moving.
pub(crate) fn pace(idle: Duration) -> u64 {
    (MIN_RATE * idle.as_secs()).max(1)
}

impl BodySource {
    /// `idle`: how long the body may stand still.
    pub(crate) fn new(incoming: Incoming, max_body: u64, idle: Duration, replay: Replay) -> Self {
        let memory = match replay {
            Replay::Remember => Memory::Kept { frames: Vec::new(), size: 0 },
            Replay::Forget => Memory::Lost,
        };
        let state = State {
            size_hint: incoming.size_hint(),
            incoming,
            max_body,
            memory,
            trailers: None,
            received: 0,
            progress: BodyProgress::AtRest,
            pace: pace(idle),
            since_paced: 0,
            began: None,
            awaits_client: false,
            fault: None,
            attempt: 0,
            expectation: None,
            waker: None,
        };
        Self(Rc::new(Source { state: RefCell::new(state), turned: Notify::new() }))
    }

    /// The body from its beginning, for one more attempt. Bodies given out before end.
    pub(crate) fn attempt(&self, expectation: Option<Expectation>) -> RequestBody {
        let mut state = self.0.state.borrow_mut();
        state.attempt += 1;
        state.expectation = expectation;
        RequestBody::Streamed {
            source: self.clone(),
            attempt: state.attempt,
            position: 0,
            trailers_sent: false,
        }
    }

    /// The answer is over: nobody asks for the body any more.
    pub(crate) fn abandon(&self) {
        if let Some(expectation) = &self.0.state.borrow().expectation {
            expectation.abandon();
        }
    }

    /// Nothing of it is gone.
    pub(crate) fn is_replayable(&self) -> bool {
        let state = self.0.state.borrow();
        state.began.is_none() || matches!(state.memory, Memory::Kept { .. })
    }

    pub(crate) fn progress(&self) -> BodyProgress {
        self.0.state.borrow().progress
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.progress(), BodyProgress::Ended { .. })
    }

    /// Resolves when the body has begun to move or has ended: another clock counts from then on.
    pub(crate) async fn turned(&self) {
        self.0.turned.notified().await;
    }

    pub(crate) fn received(&self) -> u64 {
        self.0.state.borrow().received
    }

    /// What the client did wrong, if it did.
    pub(crate) fn fault(&self) -> Option<ProxyError> {
        self.0.state.borrow().fault.map(|fault| match fault {
            Fault::TooLarge => ProxyError::BodyTooLarge,
            Fault::Broken => ProxyError::BodyBroken,
        })
    }

    /// Somebody still wants the rest of it.
    pub(crate) fn is_wanted(&self) -> bool {
        let state = self.0.state.borrow();
        state.fault.is_none() && !self.has_ended() && Rc::strong_count(&self.0) > 1
    }

    /// Breaks it off if it has stood still, or nearly so, for so long. Whether it did.
    pub(crate) fn end_if_stalled(&self, idle: Duration) -> bool {
        let mut state = self.0.state.borrow_mut();
        let BodyProgress::Moving { paced_until, .. } = state.progress else { return false };
        let is_stalled = state.fault.is_none() && paced_until.elapsed() > idle;
        if is_stalled {
            let _for_the_one_who_asks = state.fail(Fault::Broken);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        }
        is_stalled
    }

    /// The client owes bytes that are asked for.
    pub(crate) fn awaits_client(&self) -> bool {
        self.0.state.borrow().awaits_client
    }
}

impl State {
    fn poll_incoming(
        &mut self,
        cx: &mut Context<'_>,
        turned: &Notify,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyAborted>>> {
        let began = *self.began.get_or_insert_with(Instant::now);
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        self.awaits_client = polled.is_pending();
        if self.awaits_client {
            self.waker.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        }
        if self.progress == BodyProgress::AtRest {
            self.progress = BodyProgress::Moving { last_moved: began, paced_until: began };
            turned.notify_one();
        }
        let frame = match ready!(polled) {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return Poll::Ready(Some(Err(self.fail(Fault::Broken)))),
            None => {
                self.end(turned);
                return Poll::Ready(None);
            }
        };
        match frame.into_data() {
            Ok(data) => Poll::Ready(Some(self.take_data(data, turned))),
            Err(frame) => {
                let mut trailers = frame.into_trailers().unwrap_or_default();
                headers::strip_trailers(&mut trailers);
                self.trailers = Some(trailers.clone());
                self.end(turned);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn take_data(&mut self, data: Bytes, turned: &Notify) -> Result<Frame<Bytes>, BodyAborted> {
        self.received += data.len() as u64;
        if self.received > self.max_body {
            return Err(self.fail(Fault::TooLarge));
        }
        self.note_moved(data.len() as u64);
        self.memory.add(&data);
        if self.incoming.is_end_stream() {
            self.end(turned);
        }
        Ok(Frame::data(data))
    }

    fn note_moved(&mut self, bytes: u64) {
        let now = Instant::now();
        self.since_paced += bytes;
        if let BodyProgress::Moving { last_moved, paced_until } = &mut self.progress {
            *last_moved = now;
            if self.since_paced >= self.pace {
                *paced_until = now;
                self.since_paced = 0;
            }
        }
    }

    fn end(&mut self, turned: &Notify) {
        if !matches!(self.progress, BodyProgress::Ended { .. }) {
            let at = Instant::now();
            let receiving = self.began.map(|began| at - began).unwrap_or_default();
            self.progress = BodyProgress::Ended { at, receiving };
            turned.notify_one();
        }
    }

    fn fail(&mut self, fault: Fault) -> BodyAborted {
        self.fault = Some(fault);
        BodyAborted
    }
}

impl Memory {
    fn add(&mut self, data: &Bytes) {
        match self {
            Self::Kept { frames, size } if *size + data.len() <= MAX_REPLAY => {
                *size += data.len();
                frames.push(data.clone());
            }
            Self::Kept { .. } | Self::Lost => *self = Self::Lost,
        }
    }

    fn frame(&self, position: usize) -> Option<Bytes> {
        match self {
            Self::Kept { frames, .. } => frames.get(position).cloned(),
            Self::Lost => None,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyAborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyAborted>>> {
        let Self::Streamed { source, attempt, position, trailers_sent } = &mut *self else {
            return Poll::Ready(None);
        };
        let Source { state, turned } = &*source.0;
        let mut state = state.borrow_mut();
        if state.attempt != *attempt || state.fault.is_some() {
            return Poll::Ready(Some(Err(BodyAborted)));
        }
        if let Some(data) = state.memory.frame(*position) {
            *position += 1;
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if matches!(state.progress, BodyProgress::Ended { .. }) {
            let trailers = state.trailers.clone().filter(|_| !std::mem::replace(trailers_sent, true));
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        if let Some(expectation) = &mut state.expectation
            && ready!(expectation.poll_wanted(cx)) == Wanted::No
        {
            return Poll::Ready(Some(Err(BodyAborted)));
        }
        let frame = ready!(state.poll_incoming(cx, turned));
        match &frame {
            Some(Ok(frame)) if frame.is_trailers() => *trailers_sent = true,
            Some(Ok(_)) => *position += 1,
            Some(Err(_)) | None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Streamed { source, position, trailers_sent, .. } => {
                let state = source.0.state.borrow();
                let all_sent = state.memory.frame(*position).is_none();
                let trailers_done = *trailers_sent || state.trailers.is_none();
                matches!(state.progress, BodyProgress::Ended { .. }) && all_sent && trailers_done
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Streamed { source, .. } => source.0.state.borrow().size_hint,
        }
    }
}
