use std::net::SocketAddr;

use crate::ListenerTls;

/// An address that a node accepts connections on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `default` when the file uses the short form `listen_addr`.
    pub name: String,
    /// Port 0 asks the node's system for a free one.
    pub addr: SocketAddr,
    /// `None`: clients speak in the clear.
    pub tls: Option<ListenerTls>,
}

impl Listener {
    /// One that takes HTTP in the clear.
    #[must_use]
    pub fn plain(name: &str, addr: SocketAddr) -> Self {
        Self { name: name.to_owned(), addr, tls: None }
    }
}
