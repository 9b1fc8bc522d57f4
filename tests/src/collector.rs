use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
pub use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::eventually;

/// An OpenTelemetry collector: takes OTLP over gRPC, and remembers what it was sent.
#[derive(Debug)]
pub struct Collector {
    addr: SocketAddr,
    received: Received,
    _server: JoinSet<()>,
}

#[derive(Debug, Clone, Default)]
struct Received(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    requests: Vec<ExportTraceServiceRequest>,
    refusals: usize,
}

impl Collector {
    /// # Panics
    /// If loopback has no free port.
    pub async fn start() -> Self {
        Self::refusing(0).await
    }

    /// Says so many times that it cannot, before it takes anything.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn refusing(refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("it is bound");
        let received = Received::default();
        received.0.lock().expect("no test panics with it").refusals = refusals;
        let service = TraceServiceServer::new(received.clone());
        let server = async move {
            let incoming = TcpListenerStream::new(listener);
            let served = tonic::transport::Server::builder().add_service(service);
            served.serve_with_incoming(incoming).await.expect("the collector serves");
        };
        Self { addr, received, _server: JoinSet::from_iter([server]) }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// All spans so far.
    ///
    /// # Panics
    /// If the collector did.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let inside = self.received.0.lock().expect("the collector is well");
        let resources = inside.requests.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans).cloned().collect()
    }

    /// Waits until there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<Span> {
        eventually(&format!("the collector has {count} spans"), async || {
            let spans = self.spans();
            assert!(spans.len() <= count, "{spans:#?}");
            (spans.len() == count).then_some(spans)
        })
        .await
    }

    /// What the first spans said of where they come from.
    ///
    /// # Panics
    /// If there were none.
    #[must_use]
    pub fn resource(&self, key: &str) -> Option<String> {
        let inside = self.received.0.lock().expect("the collector is well");
        let of = &inside.requests.first().expect("spans came").resource_spans[0];
        find(&of.resource.as_ref()?.attributes, key)
    }
}

/// What spans say, for assertions.
pub trait SpanText {
    fn attribute(&self, key: &str) -> Option<String>;
    fn is_server(&self) -> bool;
    fn is_error(&self) -> bool;
}

impl SpanText for Span {
    fn attribute(&self, key: &str) -> Option<String> {
        find(&self.attributes, key)
    }

    fn is_server(&self) -> bool {
        self.kind() == SpanKind::Server
    }

    fn is_error(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
    }
}

fn find(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => Some(text.clone()),
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => Some(number.to_string()),
        other => panic!("{key} is {other:?}"),
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut inside = self.0.lock().expect("the collector is well");
        if let Some(fewer) = inside.refusals.checked_sub(1) {
            inside.refusals = fewer;
            return Err(Status::unavailable("not now"));
        }
        inside.requests.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
