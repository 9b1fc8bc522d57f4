use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tonic::transport::server::Connected;

use crate::caller::Caller;

/// How a connection begins (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that has begun as HTTP/2, and of which is known who is there. It counts as long as it lives.
pub(crate) struct Connection {
    /// Of the preface, what is still to be read again.
    replay: &'static [u8],
    stream: Box<dyn Stream>,
    caller: Caller,
    _permit: Option<OwnedSemaphorePermit>,
}

/// What came is not how HTTP/2 begins.
#[derive(Debug)]
pub(super) enum NotBegun {
    Garbage,
    Gone,
}

impl Connection {
    /// Inside this process there is nothing to check and nothing to count.
    pub(crate) fn in_process(pipe: DuplexStream) -> Self {
        Self { replay: &[], stream: Box::new(pipe), caller: Caller::InProcess, _permit: None }
    }

    /// Waits for the preface.
    pub(super) async fn begin(mut stream: Box<dyn Stream>, caller: Caller) -> Result<Self, NotBegun> {
        let mut replay = PREFACE;
        let mut bytes = [0; PREFACE.len()];
        while !replay.is_empty() {
            let read = match stream.read(&mut bytes[..replay.len()]).await {
                Ok(0) | Err(_) => return Err(NotBegun::Gone),
                Ok(read) => &bytes[..read],
            };
            replay = replay.strip_prefix(read).ok_or(NotBegun::Garbage)?;
        }
        Ok(Self { replay: PREFACE, stream, caller, _permit: None })
    }

    /// It holds this place from now on.
    pub(super) fn with(self, permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Some(permit), ..self }
    }
}

impl Connected for Connection {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replay.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let (now, later) = self.replay.split_at(self.replay.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.replay = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("caller", &self.caller).finish_non_exhaustive()
    }
}
