use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client_stream::ClientStream;
use crate::connection::{ConnectionState, WriteProgress};

/// A client's stream that tells its connection's state when bytes move.
#[derive(Debug)]
pub(crate) struct TrackedIo {
    /// What was read before and is to be read again.
    first: Bytes,
    stream: ClientStream,
    state: Arc<ConnectionState>,
}

impl TrackedIo {
    pub(crate) fn new(stream: ClientStream, state: Arc<ConnectionState>) -> Self {
        Self { first: Bytes::new(), stream, state }
    }

    /// What was read so far is read again, before what was given back earlier.
    pub(crate) fn give_back(&mut self, mut first: Vec<u8>) {
        if !first.is_empty() {
            first.extend_from_slice(&self.first);
            self.first = first.into();
        }
    }

    /// Resolves when there is something to read, or the end. Only where all that had come was read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.first.is_empty() { self.stream.readable().await } else { Ok(()) }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        self.state.note_write(match written {
            Poll::Pending => WriteProgress::Blocked,
            Poll::Ready(Ok(bytes)) => WriteProgress::Taken(*bytes),
            Poll::Ready(Err(_)) => return,
        });
    }
}

impl AsyncRead for TrackedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let given = self.first.len().min(buf.remaining());
            buf.put_slice(&self.first.split_to(given));
            self.state.note_read();
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.state.note_read();
        }
        read
    }
}

impl AsyncWrite for TrackedIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Whoever writes flushes once nothing more waits to be written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        // TLS takes what is written although the client does not.
        self.state.note_write(match flushed {
            Poll::Pending => WriteProgress::Blocked,
            Poll::Ready(_) => WriteProgress::Flushed,
        });
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        if shut.is_pending() {
            self.state.note_write(WriteProgress::Blocked);
        }
        shut
    }
}
