use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::body::TestBody;
use crate::tls::TestAuthority;

mod answer;
mod echo;
mod record;
mod serve;

pub use answer::Answer;
pub use echo::Echo;
pub use record::Seen;

use record::Record;
use serve::{Transport, serve};

/// What an origin does with a request.
type Handler = Arc<dyn Fn(Request<Incoming>) -> HandlerFuture + Send + Sync>;
type HandlerFuture = Pin<Box<dyn Future<Output = Result<Response<TestBody>, Hangup>> + Send>>;

/// The connection ends where a response was due.
#[derive(Debug)]
struct Hangup;

impl fmt::Display for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the origin hangs up")
    }
}

impl std::error::Error for Hangup {}

/// An upstream on loopback. It echoes what it sees as JSON, with its own name, until it is told otherwise, and
/// answers `GET /health` with 200.
#[derive(Debug)]
pub struct Origin {
    name: String,
    addr: SocketAddr,
    transport: Transport,
    record: Arc<Record>,
    /// The listener and its connections; none while it is stopped.
    server: Option<JoinSet<()>>,
}

impl Origin {
    /// # Panics
    /// If loopback has no free port.
    pub async fn start(name: &str) -> Self {
        Self::listen(name, Transport::Plain).await
    }

    /// Speaks TLS, with a certificate for `localhost` of this authority.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn start_tls(name: &str, authority: &TestAuthority) -> Self {
        Self::listen(name, Transport::Tls(authority.acceptor("localhost", None))).await
    }

    /// As [`start_tls`](Self::start_tls), for clients that show a certificate of `clients`.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn start_mutual_tls(name: &str, authority: &TestAuthority, clients: &TestAuthority) -> Self {
        Self::listen(name, Transport::Tls(authority.acceptor("localhost", Some(clients)))).await
    }

    /// Speaks HTTP/2 without asking, ten requests at once on a connection.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn start_http2(name: &str) -> Self {
        Self::listen(name, Transport::Http2).await
    }

    /// Speaks TLS, and HTTP/2 with whom offers it.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn start_tls_http2(name: &str, authority: &TestAuthority) -> Self {
        let acceptor = authority.acceptor_of("localhost", None, &[b"h2", b"http/1.1"]);
        Self::listen(name, Transport::Tls(acceptor)).await
    }

    async fn listen(name: &str, transport: Transport) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let record = Arc::new(Record::new(name));
        let server = Some(serve(listener, transport.clone(), Arc::clone(&record)));
        Self { name: name.to_owned(), addr, transport, record, server }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Does this with every request from now on, probes of `/health` excepted.
    pub fn answers(&self, answer: Answer) {
        self.record.set_handler(answer.into_handler());
    }

    /// Lets `handler` answer every request from now on, probes of `/health` excepted.
    pub fn answers_with<F>(&self, handler: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Response<TestBody>> + Send + 'static,
    {
        self.record.set_handler(Arc::new(move |request| {
            let response = handler(request);
            Box::pin(async move { Ok(response.await) })
        }));
    }

    /// What `GET /health` answers from now on.
    pub fn health_status(&self, status: u16) {
        self.record.set_health_status(status);
    }

    /// Ends its connections, and refuses new ones until [`restart`](Self::restart).
    pub async fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// Listens again on the same port.
    ///
    /// # Panics
    /// If somebody took the port.
    pub async fn restart(&mut self) {
        let listener = TcpListener::bind(self.addr).await.expect("the port is still free");
        self.server = Some(serve(listener, self.transport.clone(), Arc::clone(&self.record)));
    }

    /// The requests so far without probes, oldest first; the first few thousand.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.record.seen()
    }

    /// How many requests so far, without probes.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.record.requests()
    }

    /// How many `GET /health` so far.
    #[must_use]
    pub fn probes(&self) -> usize {
        self.record.probes()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.record.connections()
    }
}

/// An upstream that speaks in bytes: each connection is given to a closure.
#[derive(Debug)]
pub struct RawOrigin {
    addr: SocketAddr,
    _server: JoinSet<()>,
}

impl RawOrigin {
    /// # Panics
    /// If loopback has no free port.
    pub async fn start<F>(connection: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream));
            }
        });
        Self { addr, _server: server }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}
