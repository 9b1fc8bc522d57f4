use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// An address at which connections are refused: it is bound, so that no other test is given its port, and nobody listens.
/// It is somebody else's once this is dropped.
#[derive(Debug)]
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    /// # Panics
    /// If loopback has no free port.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it takes a port")]
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port on loopback");
        Self(socket)
    }

    /// # Panics
    /// Never: it is bound.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.0.local_addr().expect("a bound socket has an address")
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }
}
