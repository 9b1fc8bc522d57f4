//! From a socket's queue to a connection of which is known who is there.

use std::collections::BTreeMap;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use harbr_trust::{Anonymous, Certificate, Credentials, Reloaded, TlsError, TlsFiles};
use rustls::{CertificateError, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, NotBegun};
use super::refusals::{Refusal, Refusals};
use crate::caller::{Caller, Certified};

/// Connections at once. Above the number of sessions, so that operators get in.
const MAX_CONNECTIONS: usize = 10_500;
/// Connections that wait to be accepted, as after a restart, when all nodes come at once.
const BACKLOG: u32 = 4_096;
/// From its acceptance to its first bytes of HTTP/2, with what TLS needs between. From then on pings show whether
/// anybody is there.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long, and how much, is read from who was refused.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_READS: usize = 16;
/// A wait after an accept that failed, as it does while descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket that hands out its connections, never more than allowed at once, and never an error.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    security: Security,
    refusals: Arc<Refusals>,
    permits: Arc<Semaphore>,
    waiting: Waiting,
}

/// Whether who calls has to prove who it is.
#[derive(Debug, Clone)]
pub(crate) enum Security {
    /// Nobody has to.
    None,
    Tls(Arc<Reloaded<ServerConfig>>),
}

/// A connection that may have a place.
struct Accepted {
    stream: TcpStream,
    addr: SocketAddr,
    permit: OwnedSemaphorePermit,
    place: Place,
}

/// A connection that did not begin.
struct Refused {
    refusal: Refusal,
    reason: String,
    /// Where the other side was told why.
    stream: Option<TcpStream>,
}

impl Refused {
    fn new(refusal: Refusal, reason: impl Into<String>) -> Self {
        Self { refusal, reason: reason.into(), stream: None }
    }
}

impl Security {
    /// Reads the files, if there are any. Blocks on the disk.
    ///
    /// # Errors
    /// If they cannot be used.
    pub(crate) fn open(files: Option<TlsFiles>, anonymous: Anonymous) -> Result<Self, TlsError> {
        let Some(files) = files else { return Ok(Self::None) };
        let make = move |credentials: &Credentials| credentials.server_config(anonymous);
        Ok(Self::Tls(Arc::new(Reloaded::open(files, make)?)))
    }
}

impl Listener {
    pub(crate) fn bind(addr: SocketAddr, security: Security, refusals: Arc<Refusals>) -> io::Result<Self> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // For the next process: connections that outlive this one must not hold the address.
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(BACKLOG)?;
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Ok(Self { listener, security, refusals, permits, waiting: Waiting::default() })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What has begun. Who takes long does not hold up who comes after.
    pub(crate) fn incoming(self) -> impl Stream<Item = io::Result<Connection>> {
        let this = Arc::new(self);
        futures_util::stream::unfold(this, |this| async move {
            let accepted = this.accept().await;
            let admitted = Box::pin(this.clone().admit(accepted));
            Some((admitted, this))
        })
        .buffer_unordered(MAX_CONNECTIONS)
        .filter_map(|admitted| ready(admitted.map(Ok)))
    }

    async fn accept(&self) -> Accepted {
        loop {
            match self.listener.accept().await {
                Ok((stream, addr)) => {
                    // Only latency is lost without it.
                    let _ = stream.set_nodelay(true);
                    if self.permits.available_permits() == 0 {
                        self.waiting.crowd_out_the_oldest();
                    }
                    let permit = self.permits.clone().acquire_owned().await;
                    let permit = permit.expect("the semaphore is never closed");
                    return Accepted { stream, addr, permit, place: self.waiting.enter() };
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn admit(self: Arc<Self>, accepted: Accepted) -> Option<Connection> {
        let Accepted { stream, addr, permit, place } = accepted;
        let begun = tokio::select! {
            begun = timeout(BEGIN_TIMEOUT, self.begin(stream)) => begun.unwrap_or_else(|_| {
                Err(Refused::new(Refusal::Silent, format!("it has not begun within {BEGIN_TIMEOUT:?}")))
            }),
            () = place.crowded_out.cancelled() => {
                Err(Refused::new(Refusal::CrowdedOut, "it has not begun, and others need the place"))
            }
        };
        match begun {
            Ok(connection) => Some(connection.with(permit)),
            Err(Refused { refusal, reason, stream }) => {
                self.refusals.note(refusal, &addr, &reason);
                if let Some(stream) = stream {
                    linger(stream).await;
                }
                None
            }
        }
    }

    async fn begin(&self, stream: TcpStream) -> Result<Connection, Refused> {
        let begun = match &self.security {
            Security::None => Connection::begin(Box::new(stream), Caller::Unproven).await,
            Security::Tls(config) => {
                let accept = TlsAcceptor::from(config.current()).accept(stream).into_fallible();
                let stream = match accept.await {
                    Ok(stream) => stream,
                    Err((error, stream)) => {
                        return Err(Refused { stream: Some(stream), ..handshake_refused(&error) });
                    }
                };
                let caller = who(&stream)?;
                Connection::begin(Box::new(stream), caller).await
            }
        };
        begun.map_err(|error| match error {
            NotBegun::Garbage => Refused::new(Refusal::Garbage, self.not_http2()),
            NotBegun::Gone => Refused::new(Refusal::Gone, "it has left"),
        })
    }

    fn not_http2(&self) -> &'static str {
        match self.security {
            Security::None => "what it says is not HTTP/2 (TLS is not spoken here: --tls-cert)",
            Security::Tls(_) => "what it says is not HTTP/2",
        }
    }
}

fn handshake_refused(error: &io::Error) -> Refused {
    use rustls::Error;

    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return Refused::new(Refusal::Gone, error.to_string());
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "of the many ways to be wrong some have a name")]
    let refusal = match tls {
        Error::NoCertificatesPresented => Refusal::NoCertificate,
        Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Refusal::UnknownAuthority,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Refusal::Expired,
            _ => Refusal::BadCertificate,
        },
        Error::AlertReceived(_) => Refusal::Distrusted,
        _ => Refusal::Garbage,
    };
    Refused::new(refusal, tls.to_string())
}

/// Lets the other side read why it was refused: a connection that is closed with bytes unread is reset, and what was
/// sent may be lost.
async fn linger(mut stream: TcpStream) {
    let read_on = async {
        stream.shutdown().await?;
        let mut sink = [0; 1024];
        for _ in 0..MAX_LINGER_READS {
            if stream.read(&mut sink).await? == 0 {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    // It may be gone already.
    let _ = timeout(LINGER, read_on).await;
}

/// By the certificate, which the handshake has checked.
fn who(stream: &TlsStream<TcpStream>) -> Result<Caller, Refused> {
    let Some([certificate, ..]) = stream.get_ref().1.peer_certificates() else {
        return Ok(Caller::Anonymous);
    };
    let invalid = |reason: String| Refused::new(Refusal::BadCertificate, reason);
    let certificate = Certificate::read(certificate).map_err(|error| invalid(error.to_string()))?;
    let Certificate { identity, not_before, not_after, .. } = certificate;
    let valid = not_after.duration_since(not_before).unwrap_or_default();
    match identity {
        Some(identity) => Ok(Caller::Proven(Certified { identity, not_after, valid })),
        None => Err(invalid("its certificate has no identity (a URI such as harbr://node/NAME)".to_owned())),
    }
}

/// Connections that have not begun, in the order in which they came.
#[derive(Debug, Default)]
struct Waiting(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    tokens: BTreeMap<u64, CancellationToken>,
}

/// A place in the queue, until it is dropped.
#[derive(Debug)]
struct Place {
    queue: Arc<Mutex<Queue>>,
    number: u64,
    crowded_out: CancellationToken,
}

impl Waiting {
    fn enter(&self) -> Place {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, crowded_out) = (queue.next, CancellationToken::new());
        queue.next += 1;
        queue.tokens.insert(number, crowded_out.clone());
        Place { queue: self.0.clone(), number, crowded_out }
    }

    /// Who comes now is more likely to be somebody than who has been silent the longest.
    fn crowd_out_the_oldest(&self) {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, oldest)) = queue.tokens.pop_first() {
            oldest.cancel();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).tokens.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
