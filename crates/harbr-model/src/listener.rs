use std::net::SocketAddr;

/// An address that a node accepts connections on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `default` when the file uses the short form `listen_addr`.
    pub name: String,
    /// Port 0 asks the node's system for a free one.
    pub addr: SocketAddr,
}
