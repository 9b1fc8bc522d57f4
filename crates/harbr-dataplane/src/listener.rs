//! Addresses to accept on: one socket a worker, all of one address, and nobody else's.

mod listening;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

use crate::live_listener::LiveListener;

const BACKLOG: i32 = 4_096;

/// A listener of a snapshot, bound but not yet open: clients are refused until [`BoundListener::open`].
#[derive(Debug)]
pub(crate) struct BoundListener {
    pub name: String,
    /// What a snapshot asked for, its port may be 0; `None` where the command line decided.
    pub requested: Option<SocketAddr>,
    pub addr: SocketAddr,
    sockets: Vec<Socket>,
}

/// One worker's share of an open listener.
#[derive(Debug)]
pub(crate) struct OpenListener {
    pub socket: TcpListener,
    /// As it is when it opens.
    pub live: Arc<LiveListener>,
    /// Cancelled when the listener is taken away.
    pub closed: CancellationToken,
}

/// Whether an address may overlap another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sharing {
    No,
    /// With these, on which this process listens. The kernel cannot tell them from another process's that share
    /// their address among workers as we do, so it is asked who else is there.
    With(Vec<SocketAddr>),
}

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}: {source}")]
pub(crate) struct BindError {
    addr: SocketAddr,
    source: io::Error,
}

impl BoundListener {
    /// Binds a socket for each worker. The first is bound without `SO_REUSEPORT`, so that an address which
    /// another process serves is an error; it is set before the others join.
    pub(crate) fn bind(
        name: &str,
        wanted: SocketAddr,
        workers: usize,
        sharing: &Sharing,
    ) -> Result<Self, BindError> {
        let bind = || {
            let first = socket(wanted)?;
            if let Sharing::With(ours) = sharing {
                refuse_strangers(wanted, ours)?;
                first.set_reuse_port(true)?;
            }
            bind_first(&first, wanted)?;
            first.set_reuse_port(true)?;
            let addr = first.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
            let mut sockets = vec![first];
            for _ in 1..workers {
                let socket = socket(addr)?;
                socket.set_reuse_port(true)?;
                socket.bind(&addr.into())?;
                sockets.push(socket);
            }
            Ok(Self { name: name.to_owned(), requested: Some(wanted), addr, sockets })
        };
        bind().map_err(|source| BindError { addr: wanted, source })
    }

    /// Whatever address a snapshot asks for, this one serves.
    pub(crate) fn overriding(self) -> Self {
        Self { requested: None, ..self }
    }

    /// Opens all sockets: from now on clients wait to be accepted.
    pub(crate) fn open(
        self,
        live: &Arc<LiveListener>,
        closed: &CancellationToken,
    ) -> Result<Vec<OpenListener>, BindError> {
        let addr = self.addr;
        let open = |socket: Socket| {
            // For the next process: connections that outlive this one must not hold the address.
            socket.set_reuse_address(true)?;
            socket.listen(BACKLOG)?;
            Ok(OpenListener { socket: socket.into(), live: live.clone(), closed: closed.clone() })
        };
        let opened = self.sockets.into_iter().map(open).collect::<io::Result<_>>();
        opened.map_err(|source| BindError { addr, source })
    }
}

fn socket(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    // Accepted connections inherit it.
    socket.set_tcp_nodelay(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn refuse_strangers(wanted: SocketAddr, ours: &[SocketAddr]) -> io::Result<()> {
    let is_stranger = |addr: &SocketAddr| overlap(*addr, wanted) && !ours.contains(addr);
    if listening::addresses()?.iter().any(is_stranger) {
        Err(io::ErrorKind::AddrInUse.into())
    } else {
        Ok(())
    }
}

/// The same port of the same address, or of all addresses.
pub(crate) fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_kind = a.is_ipv4() == b.is_ipv4();
    let same_addr = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && same_kind && same_addr
}

/// `SO_REUSEADDR` lets two sockets have an address that neither listens on yet, so it is asked for only when
/// the last connections of a process before hold the address.
fn bind_first(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
    match socket.bind(&addr.into()) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            socket.set_reuse_address(true)?;
            socket.bind(&addr.into())
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests;
