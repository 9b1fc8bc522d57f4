//! A real gRPC server and client, tonic's, for each kind of call.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{Stream, StreamExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

#[allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unreachable_pub,
    reason = "made by tonic-prost-build"
)]
mod made {
    tonic::include_proto!("harbr.test");
}

pub use made::Message;
pub use made::echo_client::EchoClient;

/// A server of its own port. It echoes; to a text `fail` it answers with a status, to `hang` never.
#[derive(Debug)]
pub struct EchoServer {
    addr: SocketAddr,
    calls: Arc<Calls>,
    _server: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Calls {
    under_way: AtomicUsize,
    begun: AtomicUsize,
}

/// A call, until dropped.
struct Call(Arc<Calls>);

impl EchoServer {
    /// # Panics
    /// If loopback has no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let calls = Arc::new(Calls::default());
        let service = made::echo_server::EchoServer::new(Service { calls: Arc::clone(&calls) });
        let mut server = JoinSet::new();
        server.spawn(async move {
            let serving = Server::builder().add_service(service);
            // A client that goes away is the test's doing.
            let _ = serving.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Self { addr, calls, _server: server }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Calls that it is busy with.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.calls.under_way.load(Ordering::SeqCst)
    }

    /// Calls that have reached it.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.calls.begun.load(Ordering::SeqCst)
    }
}

/// A client over one connection to this address.
///
/// # Panics
/// If the connection is refused.
pub async fn client(addr: SocketAddr) -> EchoClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).expect("an address makes a URL");
    EchoClient::new(endpoint.connect().await.expect("the proxy accepts a connection"))
}

#[must_use]
pub fn message(text: &str) -> Message {
    Message { text: text.to_owned() }
}

struct Service {
    calls: Arc<Calls>,
}

impl Service {
    fn begin(&self) -> Call {
        self.calls.begun.fetch_add(1, Ordering::SeqCst);
        self.calls.under_way.fetch_add(1, Ordering::SeqCst);
        Call(Arc::clone(&self.calls))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

#[tonic::async_trait]
impl made::echo_server::Echo for Service {
    type ScatterStream = Messages;
    type ChatStream = Messages;

    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        let _call = self.begin();
        let asked = request.metadata().get("x-asked").cloned();
        let message = request.into_inner();
        match message.text.as_str() {
            "fail" => return Err(Status::failed_precondition("as asked")),
            "hang" => std::future::pending().await,
            _ => {}
        }
        let mut response = Response::new(message);
        if let Some(asked) = asked {
            response.metadata_mut().insert("x-answered", asked);
        }
        Ok(response)
    }

    async fn gather(&self, request: Request<Streaming<Message>>) -> Result<Response<Message>, Status> {
        let _call = self.begin();
        let mut messages = request.into_inner();
        let mut text = String::new();
        while let Some(message) = messages.message().await? {
            text.push_str(&message.text);
        }
        Ok(Response::new(Message { text }))
    }

    async fn scatter(&self, request: Request<Message>) -> Result<Response<Messages>, Status> {
        let call = self.begin();
        let message = request.into_inner();
        let (tx, rx) = mpsc::channel(1);
        // Ends with the receiver.
        let mut sender = JoinSet::new();
        sender.spawn(async move {
            for word in message.text.split(' ') {
                if word == "hang" {
                    tx.closed().await;
                }
                if tx.send(Ok(Message { text: word.to_owned() })).await.is_err() {
                    return;
                }
            }
        });
        let messages = ReceiverStream::new(rx).map(move |message| {
            let _for_as_long = (&call, &sender);
            message
        });
        Ok(Response::new(Box::pin(messages)))
    }

    async fn chat(&self, request: Request<Streaming<Message>>) -> Result<Response<Messages>, Status> {
        let call = self.begin();
        let messages = request.into_inner().map(move |message| {
            let _for_as_long = &call;
            message
        });
        Ok(Response::new(Box::pin(messages)))
    }
}
