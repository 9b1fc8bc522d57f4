//! From the queue to the collector: OTLP over gRPC, outside of the workers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use harbr_model::{EndpointUrl, Scheme, Tracing};
use harbr_process::VERSION;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};

use super::span::{EndedRequest, text};
use crate::shared::Shared;
use crate::tls;

/// Requests whose spans may wait; the spans of more are dropped.
const QUEUE: usize = 2_048;
/// Requests whose spans go out together, and how long they wait for each other.
const BATCH: usize = 256;
const GATHER: Duration = Duration::from_millis(200);
/// One call, and connecting for it.
const CALL: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);
/// How often a batch is offered, and the wait before the second time, which doubles.
const TRIES: u32 = 5;
const BACK_OFF: Duration = Duration::from_millis(250);
/// What a process that ends waits for its last spans.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where workers leave what has ended, and what became of it.
#[derive(Debug)]
pub(crate) struct Spans {
    queue: mpsc::Sender<EndedRequest>,
    pub exported: AtomicU64,
    /// The queue had no room.
    pub dropped: AtomicU64,
    /// The collector was not there, or did not take them.
    pub failed: AtomicU64,
}

/// Sends spans to where the configuration says.
#[derive(Debug)]
pub(crate) struct Collector {
    queue: mpsc::Receiver<EndedRequest>,
    /// What spans say of this process.
    instance_id: String,
    /// As long as it is the configured one.
    client: Option<(EndpointUrl, TraceServiceClient<Channel>)>,
    is_failing: bool,
}

impl Spans {
    /// The queue's two ends.
    pub(crate) fn new() -> (Self, Collector) {
        let (queue, ended) = mpsc::channel(QUEUE);
        let count = AtomicU64::default;
        let collector =
            Collector { queue: ended, instance_id: String::new(), client: None, is_failing: false };
        (Self { queue, exported: count(), dropped: count(), failed: count() }, collector)
    }

    /// Never waits.
    pub(crate) fn hand_over(&self, ended: EndedRequest) {
        let spans = ended.spans() as u64;
        if self.queue.try_send(ended).is_err() {
            self.dropped.fetch_add(spans, Relaxed);
        }
    }
}

impl Collector {
    /// Until `end`; what waits then has a moment to go out.
    pub(crate) async fn run(mut self, shared: Arc<Shared>, instance_id: String, end: CancellationToken) {
        self.instance_id = instance_id;
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(Some(first)) = end.run_until_cancelled(self.queue.recv()).await {
            batch.push(first);
            end.run_until_cancelled(sleep(GATHER)).await;
            self.fill(&mut batch);
            let delivered = end.run_until_cancelled(self.deliver(&shared, &mut batch)).await;
            if delivered.is_none() {
                break;
            }
        }
        // What was on its way is offered once more, with all that waits.
        let rest = async {
            loop {
                self.fill(&mut batch);
                if batch.is_empty() {
                    break;
                }
                self.deliver(&shared, &mut batch).await;
            }
        };
        let _in_time = timeout(LAST_WORDS, rest).await;
    }

    fn fill(&mut self, batch: &mut Vec<EndedRequest>) {
        while batch.len() < BATCH
            && let Ok(next) = self.queue.try_recv()
        {
            batch.push(next);
        }
    }

    /// Empties the batch when it is told of, or never will be.
    async fn deliver(&mut self, shared: &Shared, batch: &mut Vec<EndedRequest>) {
        let count = batch.iter().map(EndedRequest::spans).sum::<usize>() as u64;
        let Some(tracing) = shared.table.load().settings.tracing.clone() else {
            // The configuration was changed meanwhile.
            batch.clear();
            shared.spans.failed.fetch_add(count, Relaxed);
            return;
        };
        let request = self.request(&tracing, batch.iter().flat_map(EndedRequest::to_spans).collect());
        let sent = self.send(&tracing, &request, &shared.tls).await;
        batch.clear();
        match sent {
            Ok(rejected) => {
                shared.spans.exported.fetch_add(count.saturating_sub(rejected), Relaxed);
                shared.spans.failed.fetch_add(rejected, Relaxed);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!(endpoint = %tracing.endpoint, "the collector takes spans again");
                }
            }
            Err(status) => {
                shared.spans.failed.fetch_add(count, Relaxed);
                if !std::mem::replace(&mut self.is_failing, true) {
                    let reason = harbr_trust::cause(&status);
                    tracing::warn!(endpoint = %tracing.endpoint, reason, "the collector takes no spans");
                }
            }
        }
    }

    fn request(&self, tracing: &Tracing, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let attributes = vec![
            text("service.name", &*tracing.service_name),
            text("service.instance.id", &*self.instance_id),
            text("service.version", VERSION),
        ];
        let scope = InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: VERSION.to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, schema_url: String::new() }];
        let resource = Some(Resource { attributes, ..Resource::default() });
        let resource_spans = vec![ResourceSpans { resource, scope_spans, schema_url: String::new() }];
        ExportTraceServiceRequest { resource_spans }
    }

    /// How many of them the collector did not want.
    async fn send(
        &mut self,
        tracing: &Tracing,
        request: &ExportTraceServiceRequest,
        tls: &Arc<ClientConfig>,
    ) -> Result<u64, Status> {
        let mut tries = 1;
        loop {
            let mut client = self.client(&tracing.endpoint, tls);
            match client.export(request.clone()).await {
                Ok(response) => {
                    let partial = response.into_inner().partial_success;
                    let rejected = partial.map_or(0, |partial| partial.rejected_spans);
                    return Ok(rejected.try_into().unwrap_or(0));
                }
                Err(status) if tries < TRIES && is_passing(&status) => {
                    sleep(BACK_OFF * 2_u32.pow(tries - 1)).await;
                    tries += 1;
                }
                Err(status) => return Err(status),
            }
        }
    }

    fn client(&mut self, endpoint: &EndpointUrl, tls: &Arc<ClientConfig>) -> TraceServiceClient<Channel> {
        if let Some((known, client)) = &self.client
            && known == endpoint
        {
            return client.clone();
        }
        let client = TraceServiceClient::new(channel(endpoint, tls.clone()));
        self.client = Some((endpoint.clone(), client.clone()));
        client
    }
}

/// Whether the same may be taken later (OTLP, "Failures").
fn is_passing(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
            // tonic's word for a connection that could not be opened or broke.
            | Code::Unknown
    )
}

/// Connects when there is something to say, and again when that has broken.
fn channel(url: &EndpointUrl, tls: Arc<ClientConfig>) -> Channel {
    let uri = Uri::builder().scheme(url.scheme().as_str()).authority(url.authority()).path_and_query("/");
    let uri = uri.build().expect("an endpoint's URL is a URI");
    let endpoint = Endpoint::from(uri).connect_timeout(CONNECT).timeout(CALL).tcp_nodelay(true);
    match url.scheme() {
        Scheme::Http => endpoint.connect_lazy(),
        Scheme::Https => {
            let (host, port) = (url.host().to_owned(), url.port());
            let connector = TlsConnector::from(tls::offering(&tls, harbr_model::Protocol::Http2));
            endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
                let (connector, host) = (connector.clone(), host.clone());
                async move {
                    let name = host.clone().try_into().map_err(io::Error::other)?;
                    let stream = TcpStream::connect((host, port)).await?;
                    connector.connect(name, stream).await.map(TokioIo::new)
                }
            }))
        }
    }
}
