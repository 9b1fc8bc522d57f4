use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SocketFlags, accept_with};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// A listening socket that says when a client waits without accepting it, which tokio's own listener cannot.
/// The event queue does not care what kind of socket it watches, so it is registered as a stream; nothing is
/// ever read from or written to it.
#[derive(Debug)]
pub(crate) struct AcceptSocket(TcpStream);

impl AcceptSocket {
    pub(crate) fn new(listener: TcpListener) -> io::Result<Self> {
        TcpStream::from_std(OwnedFd::from(listener).into()).map(Self)
    }

    /// Resolves when a client waits, or has been. Safe to drop.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Whether a client waits at this moment. Clears what `readable` goes by if none does.
    pub(crate) fn is_waited_at(&self) -> bool {
        let ask = || match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&Timespec::default())) {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            Ok(_) | Err(_) => Ok(()),
        };
        self.0.try_io(Interest::READABLE, ask).is_ok()
    }

    /// The client that has waited longest; `WouldBlock` if there is none. Clears what `readable` goes by.
    pub(crate) fn accept(&self) -> io::Result<TcpStream> {
        self.0.try_io(Interest::READABLE, || self.accept_any()).and_then(TcpStream::from_std)
    }

    /// As `accept`, but asks the kernel itself: a client may wait of whom the event queue has not told yet.
    pub(crate) fn accept_last(&self) -> io::Result<TcpStream> {
        TcpStream::from_std(self.accept_any()?)
    }

    fn accept_any(&self) -> io::Result<std::net::TcpStream> {
        Ok(accept_with(&self.0, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?.into())
    }
}
