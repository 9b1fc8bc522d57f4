//! What comes before HTTP on a connection that was accepted: the PROXY header and the TLS handshake, as the listener
//! has them.
//!
//! No limit in time is held here: the connection counts as one that has not begun, and the sweep ends it after
//! `header_timeout`.

use std::io;
use std::net::SocketAddr;

use harbr_model::{OtherPeers, ProxyPeers};
use rustls::HandshakeKind;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::client_stream::ClientStream;
use crate::live_listener::LiveListener;
use crate::proxy_protocol::{self, Header, InvalidHeader};
use crate::stats::ReceptionCells;
use crate::tls::{ClientTls, ServerTls};

/// A client that HTTP can be spoken with.
#[derive(Debug)]
pub(crate) struct Received {
    pub stream: ClientStream,
    /// The client's own address, whatever proxies it came through.
    pub addr: SocketAddr,
    /// `None`: it speaks in the clear.
    pub tls: Option<ClientTls>,
}

/// Why a client cannot be spoken with.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no PROXY header is taken from {0}")]
    Stranger(SocketAddr),
    #[error("{0} sent {InvalidHeader}")]
    Header(SocketAddr),
    #[error("no TLS: {0}")]
    Handshake(io::Error),
}

/// `None` if the client and the listener cannot come to terms; that was counted.
pub(crate) async fn receive(
    stream: TcpStream,
    peer: SocketAddr,
    listener: &LiveListener,
    cells: &ReceptionCells,
) -> Option<Received> {
    let received = come_to_terms(stream, peer, listener, cells).await;
    received
        .inspect_err(|refused| {
            match refused {
                Refused::Stranger(_) => cells.strangers.increment(),
                Refused::Header(_) => cells.bad_headers.increment(),
                Refused::Handshake(_) => cells.failed_handshakes.increment(),
            }
            tracing::debug!(listener = &*listener.name, %peer, "a connection is refused: {refused}");
        })
        .ok()
}

async fn come_to_terms(
    mut stream: TcpStream,
    peer: SocketAddr,
    listener: &LiveListener,
    cells: &ReceptionCells,
) -> Result<Received, Refused> {
    let addr = match &listener.proxy_peers {
        Some(proxies) => client_behind(&mut stream, peer, proxies).await?,
        None => peer,
    };
    match &listener.tls {
        None => Ok(Received { stream: ClientStream::Plain(stream), addr, tls: None }),
        Some(tls) => shake_hands(stream, tls, cells).await.map(|(stream, tls)| Received {
            stream,
            addr,
            tls: Some(tls),
        }),
    }
}

async fn shake_hands(
    stream: TcpStream,
    tls: &ServerTls,
    cells: &ReceptionCells,
) -> Result<(ClientStream, ClientTls), Refused> {
    // In a box: it is large, and gone when the connection rests.
    let stream = Box::pin(tls.acceptor().accept(stream)).await.map_err(Refused::Handshake)?;
    let (_, session) = stream.get_ref();
    match session.handshake_kind() {
        Some(HandshakeKind::Resumed) => cells.resumed_handshakes.increment(),
        Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => {
            cells.full_handshakes.increment();
        }
    }
    let client = ClientTls::of(session);
    Ok((ClientStream::Tls(Box::new(stream)), client))
}

/// Who the client is, in the word of the proxy that it came through.
async fn client_behind(
    stream: &mut TcpStream,
    peer: SocketAddr,
    proxies: &ProxyPeers,
) -> Result<SocketAddr, Refused> {
    if !proxies.from.iter().any(|network| network.contains(peer.ip())) {
        return match proxies.others {
            OtherPeers::Served => Ok(peer),
            OtherPeers::Refused => Err(Refused::Stranger(peer)),
        };
    }
    // What follows the header is not taken from the socket: it may be the client's part of a handshake.
    let (mut header, mut seen) = (Vec::new(), [0; 256]);
    loop {
        let count = stream.peek(&mut seen).await.map_err(|_| Refused::Header(peer))?;
        let before = header.len();
        header.extend_from_slice(&seen[..count]);
        let (len, client) = match proxy_protocol::parse(&header) {
            Ok(Header::Partial) if count > 0 => (header.len(), None),
            Ok(Header::Whole { len, client }) => (len, Some(client.unwrap_or(peer))),
            Ok(Header::Partial) | Err(InvalidHeader) => return Err(Refused::Header(peer)),
        };
        stream.read_exact(&mut seen[..len - before]).await.map_err(|_| Refused::Header(peer))?;
        if let Some(client) = client {
            return Ok(client);
        }
    }
}
