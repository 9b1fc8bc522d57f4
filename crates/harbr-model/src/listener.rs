use std::net::SocketAddr;

use crate::{ConnectTarget, ListenerTls, Network};

/// An address that a node accepts connections on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `default` when the file uses the short form `listen_addr`.
    pub name: String,
    /// Port 0 asks the node's system for a free one.
    pub addr: SocketAddr,
    /// `None`: clients speak in the clear.
    pub tls: Option<ListenerTls>,
    /// Who begins each connection with a PROXY header; `None`: nobody.
    pub proxy_peers: Option<ProxyPeers>,
    /// Each request is answered with a redirect to this port, by `https`.
    pub redirect_https: Option<u16>,
    /// Where a `CONNECT` may go. Nowhere, if it is empty.
    pub connect: Vec<ConnectTarget>,
}

/// The proxies before a listener that say who the client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyPeers {
    /// Their addresses. Each of their connections has a header.
    pub from: Vec<Network>,
    pub others: OtherPeers,
}

/// What becomes of connections from anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherPeers {
    Refused,
    /// They are clients, and have no header.
    Served,
}

/// Versions of HAProxy's PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyProtocol {
    V1,
    V2,
}

impl Listener {
    /// One that takes HTTP in the clear.
    #[must_use]
    pub fn plain(name: &str, addr: SocketAddr) -> Self {
        let (tls, proxy_peers, redirect_https) = (None, None, None);
        Self { name: name.to_owned(), addr, tls, proxy_peers, redirect_https, connect: Vec::new() }
    }
}
