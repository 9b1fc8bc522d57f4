use std::net::SocketAddr;

use futures_util::StreamExt as _;
use harbr_config::{Files, Source};
use harbr_proto::v1::controller_message::Kind as ToNode;
use harbr_proto::v1::node_message::Kind as FromNode;
use harbr_proto::v1::node_service_server::{NodeService, NodeServiceServer};
use harbr_proto::{EncodedSnapshot, Fence, v1};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::eventually::GENEROUS;

/// A controller that says to nodes what the test has it say.
#[derive(Debug)]
pub struct ScriptedController {
    addr: SocketAddr,
    sessions: Mutex<mpsc::Receiver<ScriptedSession>>,
    server: JoinHandle<()>,
}

/// A node's session, after its greeting.
#[derive(Debug)]
pub struct ScriptedSession {
    pub hello: v1::Hello,
    from_node: Streaming<v1::NodeMessage>,
    to_node: mpsc::Sender<Result<v1::ControllerMessage, Status>>,
}

struct Service(mpsc::Sender<ScriptedSession>);

impl ScriptedController {
    /// # Panics
    /// If there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let (opened, sessions) = mpsc::channel(16);
        let service = NodeServiceServer::new(Service(opened));
        let serve = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
        #[expect(clippy::disallowed_methods, reason = "aborted when this is dropped")]
        let server = tokio::spawn(async move { serve.await.expect("the server runs") });
        Self { addr, sessions: Mutex::new(sessions), server }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The next session that a node opens.
    ///
    /// # Panics
    /// If none comes.
    pub async fn session(&self) -> ScriptedSession {
        let mut sessions = self.sessions.lock().await;
        let opened = tokio::time::timeout(GENEROUS, sessions.recv()).await;
        opened.expect("a node opens a session").expect("the server runs")
    }
}

impl Drop for ScriptedController {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl ScriptedSession {
    /// # Panics
    /// If the node is gone.
    pub async fn say(&self, kind: ToNode) {
        let message = v1::ControllerMessage { kind: Some(kind) };
        self.to_node.send(Ok(message)).await.expect("the node listens");
    }

    /// Has the node serve a file as revision `number`, and returns its answer.
    ///
    /// # Panics
    /// If the file is not valid, or the node does not answer.
    pub async fn offer(&mut self, text: &str, number: u64) -> FromNode {
        let fence = Fence { epoch: 1, generation: number };
        for chunk in snapshot(text).chunks(fence, number, None) {
            self.say(ToNode::SnapshotChunk(chunk)).await;
        }
        self.hear(|kind| matches!(kind, FromNode::Ack(_) | FromNode::Nack(_))).await
    }

    /// The next message that is meant.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn hear(&mut self, is_meant: impl Fn(&FromNode) -> bool) -> FromNode {
        let listen = async {
            while let Some(message) = self.from_node.next().await {
                match message.expect("the session lasts").kind {
                    Some(kind) if is_meant(&kind) => return kind,
                    Some(_) | None => {}
                }
            }
            panic!("the node has ended its session");
        };
        tokio::time::timeout(GENEROUS, listen).await.expect("the node says it")
    }

    /// The next report that is meant.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn report(&mut self, is_meant: impl Fn(&v1::Report) -> bool) -> v1::Report {
        let report = self.hear(|kind| matches!(kind, FromNode::Report(report) if is_meant(report))).await;
        let FromNode::Report(report) = report else { panic!("only a report was meant: {report:?}") };
        report
    }
}

/// What a file means, as it is sent.
///
/// # Panics
/// If it is not valid.
#[must_use]
pub fn snapshot(text: &str) -> EncodedSnapshot {
    let config =
        harbr_config::parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::default());
    EncodedSnapshot::encode(&config.expect("the test's file is valid").snapshot)
}

#[tonic::async_trait]
impl NodeService for Service {
    type SessionStream = ReceiverStream<Result<v1::ControllerMessage, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<v1::NodeMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let mut from_node = request.into_inner();
        let hello = match from_node.message().await?.and_then(|message| message.kind) {
            Some(FromNode::Hello(hello)) => hello,
            other => return Err(Status::invalid_argument(format!("no hello: {other:?}"))),
        };
        let (to_node, queued) = mpsc::channel(64);
        // The test may be over.
        let _over = self.0.send(ScriptedSession { hello, from_node, to_node }).await;
        Ok(Response::new(ReceiverStream::new(queued)))
    }
}
