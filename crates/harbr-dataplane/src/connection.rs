//! One client connection, from accept to close: what phase it is in, and hyper's server on top of it.

mod frames;
mod http1;
mod http2;
mod patience;
mod preface;
mod state;
mod watched_io;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use harbr_model::Scheme;
use http::HeaderValue;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::connection_limit::Permit;
use crate::connections::Registered;
use crate::live_listener::LiveListener;
use crate::reception::{Received, receive};
use crate::tls::{ClientTls, H2, ServerTls};
use crate::tracked_io::TrackedIo;
use crate::worker::Worker;
use harbr_routing::headers::address_value;

use preface::Verdict;

pub(crate) use state::{ConnectionState, Ending, Phase, Speaks, WriteProgress};

/// What the requests of one connection have in common, and its place among the connections: held until the
/// last of them, or the tunnel that it became, has ended.
#[derive(Debug)]
pub(crate) struct Client {
    pub addr: SocketAddr,
    /// The address as upstreams are told it.
    pub forwarded_for: HeaderValue,
    pub state: Arc<ConnectionState>,
    /// The address of ours that it connected to.
    pub reached: SocketAddr,
    /// How it was received.
    pub listener: Arc<LiveListener>,
    /// `None`: it speaks in the clear.
    pub tls: Option<ClientTls>,
    /// Cancelled when the listener that accepted it is taken away.
    pub closed: CancellationToken,
    _registered: Registered,
    _permit: Permit,
}

impl Client {
    /// The scheme of its requests.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::Https } else { Scheme::Http }
    }

    /// Its certificate, as upstreams are told it.
    pub(crate) fn certificate(&self) -> Option<&HeaderValue> {
        self.tls.as_ref().and_then(|tls| tls.certificate.as_ref())
    }

    /// Who was asked for a certificate as one host's client is not known to others (RFC 9110, 15.5.20).
    pub(crate) fn is_misdirected(&self, host: &str) -> bool {
        let knows_clients = self.listener.tls.as_ref().is_some_and(ServerTls::knows_clients);
        let asked_for = self.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        knows_clients && asked_for.is_some_and(|name| !name.eq_ignore_ascii_case(host))
    }
}

/// A connection just accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub stream: TcpStream,
    pub addr: SocketAddr,
    pub permit: Permit,
    pub listener: Arc<LiveListener>,
    /// Cancelled when the listener is taken away.
    pub closed: CancellationToken,
}

/// Serves one connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, accepted: Accepted) {
    let Accepted { stream, addr, permit, listener, closed } = accepted;
    let keep_alive_timeout = worker.shared.table.load().settings.keep_alive_timeout;
    let state = Arc::new(ConnectionState::new(worker.clock.clone(), keep_alive_timeout));
    let registered = worker.connections.register(state.clone());
    let Ok(reached) = stream.local_addr() else { return };
    let begun = tokio::select! {
        begun = Box::pin(begin(&worker, (stream, addr), &listener, &state)) => begun,
        // Nothing was said yet that would have to end in order.
        () = state.ended() => return,
    };
    let Some(Begun { addr, tls, speaks, io }) = begun else { return };
    let client = Rc::new(Client {
        addr,
        forwarded_for: address_value(addr.ip()),
        state,
        reached,
        listener,
        tls,
        closed,
        _registered: registered,
        _permit: permit,
    });
    match speaks {
        Speaks::Http1 => http1::serve(worker, client, io).await,
        // Boxed: what a connection takes is that of its largest part, also while it is parked.
        Speaks::Http2 => Box::pin(http2::serve(worker, client, io)).await,
    }
}

/// A client that its first request can be read from.
struct Begun {
    addr: SocketAddr,
    tls: Option<ClientTls>,
    speaks: Speaks,
    io: TrackedIo,
}

/// All that comes before a first request. `None`: there will be none.
async fn begin(
    worker: &Worker,
    (stream, peer): (TcpStream, SocketAddr),
    listener: &LiveListener,
    state: &Arc<ConnectionState>,
) -> Option<Begun> {
    let cells = &worker.shared.cells.of(worker.index).reception;
    let Received { stream, addr, tls } = receive(stream, peer, listener, cells).await?;
    let agreed = stream.agreed().map(|protocol| if protocol == H2 { Speaks::Http2 } else { Speaks::Http1 });
    let mut io = TrackedIo::new(stream, state.clone());
    let speaks = match agreed {
        Some(speaks) => speaks,
        // What comes first decides.
        None => {
            let (verdict, first) = preface::read(&mut io).await.ok()?;
            io.give_back(first);
            if verdict == Verdict::Http2 { Speaks::Http2 } else { Speaks::Http1 }
        }
    };
    Some(Begun { addr, tls, speaks, io })
}
