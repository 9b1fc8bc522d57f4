//! What comes before HTTP on a connection that was accepted: the TLS handshake, if the listener has one.
//!
//! No limit in time is held here: the connection counts as one that has not begun, and the sweep ends it after
//! `header_timeout`.

use rustls::HandshakeKind;
use tokio::net::TcpStream;

use crate::client_stream::ClientStream;
use crate::live_listener::LiveListener;
use crate::stats::HandshakeCells;

/// A client that HTTP can be spoken with.
#[derive(Debug)]
pub(crate) struct Received {
    pub stream: ClientStream,
}

/// `None` if the client and the listener cannot come to terms; that was counted.
pub(crate) async fn receive(
    stream: TcpStream,
    listener: &LiveListener,
    handshakes: &HandshakeCells,
) -> Option<Received> {
    let Some(tls) = &listener.tls else { return Some(Received { stream: ClientStream::Plain(stream) }) };
    // In a box: it is large, and gone when the connection rests.
    match Box::pin(tls.acceptor().accept(stream)).await {
        Ok(stream) => {
            match stream.get_ref().1.handshake_kind() {
                Some(HandshakeKind::Resumed) => handshakes.resumed.increment(),
                Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => {
                    handshakes.full.increment();
                }
            }
            Some(Received { stream: ClientStream::Tls(Box::new(stream)) })
        }
        Err(error) => {
            handshakes.failed.increment();
            tracing::debug!(listener = &*listener.name, %error, "no TLS with a client");
            None
        }
    }
}
