use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::{ConnectionState, Phase};
use crate::request_bounds::{RequestBounds, Verdict};
use crate::tracked_io::TrackedIo;

/// Ends any head as one that hyper refuses with 400, wherever in it this comes: no part of a head may be NUL.
const REFUSED_HEAD: &[u8] = b"\0\r\n\r\n";

/// A client's HTTP/1 stream as hyper reads it: what may be understood in two ways is refused before hyper sees
/// it, and the end of the stream waits for the answer that is under way.
#[derive(Debug)]
pub(crate) struct GuardedIo<I> {
    io: I,
    state: Arc<ConnectionState>,
    bounds: RequestBounds,
    /// What came and may not go on yet.
    held: Vec<u8>,
    gate: Gate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    HeadRefused,
    BodyRefused,
    /// No longer HTTP.
    Tunnel,
}

impl<I> GuardedIo<I> {
    /// `max_head`: hyper refuses heads above it.
    pub(crate) fn new(io: I, state: Arc<ConnectionState>, max_head: usize) -> Self {
        Self { io, state, bounds: RequestBounds::new(max_head), held: Vec::new(), gate: Gate::Open }
    }
}

impl GuardedIo<TrackedIo> {
    /// The stream below, which gives first what was read ahead of it and what is held here.
    pub(crate) fn into_inner(mut self, read_ahead: &[u8]) -> TrackedIo {
        self.io.give_back([read_ahead, &self.held].concat());
        self.io
    }
}

impl<I> GuardedIo<I> {
    /// Passes on what may go on of what `buf` has beyond `before`.
    fn admit(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
        let (taken, verdict) = self.bounds.take(&buf.filled()[before..]);
        match verdict {
            Verdict::Pass => {}
            Verdict::Hold => self.held = buf.filled()[before + taken..].to_vec(),
            Verdict::RefuseHead(_) => self.gate = Gate::HeadRefused,
            Verdict::RefuseBody(_) => self.gate = Gate::BodyRefused,
        }
        buf.set_filled(before + taken);
        self.state.set_head_begun(self.bounds.is_in_head());
        // An empty read would be the stream's end.
        if taken == 0 { self.refuse(buf) } else { Ok(()) }
    }

    fn refuse(&self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        match self.gate {
            Gate::HeadRefused => buf.put_slice(&REFUSED_HEAD[..REFUSED_HEAD.len().min(buf.remaining())]),
            Gate::BodyRefused => return Err(io::ErrorKind::InvalidData.into()),
            Gate::Open | Gate::Tunnel => {}
        }
        Ok(())
    }

    /// The client sends no more. While its request is answered that is for the sweep to judge: it may have left,
    /// or have closed its half only.
    fn end_of_stream(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.bounds.is_between()
            && matches!(self.state.phase(), Phase::Head | Phase::Active | Phase::Answering)
        {
            self.state.note_left();
            self.state.wake_after_answer(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for GuardedIo<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.bounds.awaits_answer() && this.gate == Gate::Open {
            match this.state.phase() {
                Phase::Tunnel => this.gate = Gate::Tunnel,
                Phase::Idle | Phase::LateBody => this.bounds.go_on(),
                Phase::Fresh | Phase::Head | Phase::Active | Phase::Answering => {
                    this.state.wake_after_answer(cx.waker());
                    return Poll::Pending;
                }
            }
        }
        if matches!(this.gate, Gate::HeadRefused | Gate::BodyRefused) {
            return Poll::Ready(this.refuse(buf));
        }
        let before = buf.filled().len();
        if this.held.is_empty() {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        } else {
            let count = this.held.len().min(buf.remaining());
            buf.put_slice(&this.held[..count]);
            this.held.drain(..count);
            this.state.note_read();
        }
        if this.gate == Gate::Tunnel {
            return Poll::Ready(Ok(()));
        }
        if buf.filled().len() == before {
            return this.end_of_stream(cx);
        }
        Poll::Ready(this.admit(buf, before))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for GuardedIo<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
