use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::deadline::BodyProgress;
use crate::endpoint::InFlight;
use crate::error::Reason;
use crate::exchange::Exchange;
use crate::pool::Sender;
use crate::request_body::BodySource;
use crate::worker::Worker;
use harbr_routing::headers;

/// The body of an answer, with the exchange that it ends.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    source: Source,
    exchange: Box<Exchange>,
}

#[derive(Debug)]
pub(crate) enum Source {
    /// Our own words.
    Text(Option<Bytes>),
    Upstream(UpstreamBody),
}

/// An upstream's body as it streams through, and what is held until its end.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    incoming: Incoming,
    request_body: Option<BodySource>,
    idle: Duration,
    /// Since when more of it is waited for; no clock is asked while none is.
    waits_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    connection: Option<Lease>,
}

/// The connection to an endpoint while its response is under way.
#[derive(Debug)]
pub(crate) struct Lease {
    pub worker: Rc<Worker>,
    /// The endpoint whose next request may use it.
    pub kept_for: Option<u64>,
    pub sender: Sender,
    pub in_flight: InFlight,
}

/// Ends the client's connection: the response cannot be completed, and must not look complete.
#[derive(Debug, thiserror::Error)]
#[error("the response ended early")]
pub(crate) struct ResponseAborted;

impl ResponseBody {
    pub(crate) fn new(source: Source, exchange: Box<Exchange>) -> Self {
        let mut body = Self { source, exchange };
        if body.source.is_end_stream() {
            body.complete();
        }
        body
    }

    fn complete(&mut self) {
        self.exchange.complete();
        if let Source::Upstream(upstream) = &mut self.source {
            upstream.give_back();
        }
    }
}

impl Source {
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::Upstream(upstream) => upstream.incoming.is_end_stream(),
        }
    }
}

impl UpstreamBody {
    pub(crate) fn new(
        incoming: Incoming,
        request_body: Option<BodySource>,
        idle: Duration,
        connection: Lease,
    ) -> Self {
        Self { incoming, request_body, idle, waits_since: None, timer: None, connection: Some(connection) }
    }

    /// Keeps the connection for the next request, if this one's body went through as well.
    fn give_back(&mut self) {
        let Some(Lease { worker, kept_for, sender, in_flight: _done }) = self.connection.take() else {
            return;
        };
        if let Some(endpoint) = kept_for
            && self.request_body.as_ref().is_none_or(BodySource::has_ended)
        {
            worker.pool.put(endpoint, sender);
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Reason>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Reason::Truncated))),
            Poll::Ready(Some(Ok(mut frame))) => {
                self.waits_since = None;
                if let Some(trailers) = frame.trailers_mut() {
                    headers::strip_trailers(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.poll_idle(cx));
                Poll::Ready(Some(Err(Reason::ResponseStalled)))
            }
        }
    }

    /// Ready once neither body has moved for the idle time.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        loop {
            let deadline = self.moved_at(since) + self.idle;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            ready!(timer.as_mut().poll(cx));
            let deadline = self.moved_at(since) + self.idle;
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(deadline);
            }
        }
    }

    /// When either body moved last.
    fn moved_at(&self, since: Instant) -> Instant {
        match self.request_body.as_ref().map(BodySource::progress) {
            Some(BodyProgress::Moving { last_moved, .. }) => since.max(last_moved),
            Some(BodyProgress::AtRest | BodyProgress::Ended { .. }) | None => since,
        }
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        if let Some(body) = &self.request_body {
            body.abandon();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = ResponseAborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ResponseAborted>>> {
        let Self { source, exchange } = &mut *self;
        exchange.note_asked();
        let frame = match source {
            Source::Text(text) => text.take().map(|text| Ok(Frame::data(text))),
            Source::Upstream(upstream) => ready!(upstream.poll_frame(cx)),
        };
        match frame {
            Some(Ok(frame)) => {
                exchange.sent(frame.data_ref().map_or(0, Bytes::len));
                // hyper asks no more after trailers.
                if frame.is_trailers() || self.source.is_end_stream() {
                    self.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(reason)) => {
                exchange.fail(reason);
                Poll::Ready(Some(Err(ResponseAborted)))
            }
            None => {
                self.complete();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Source::Upstream(upstream) => upstream.incoming.size_hint(),
        }
    }
}
