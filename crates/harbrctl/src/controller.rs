//! Asks the controller.

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use harbr_proto::v1;
use harbr_proto::v1::admin_service_client::AdminServiceClient;
use harbr_trust::{Fate, TlsArgs};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Response, Status, Streaming};

use crate::cli::{ControllerUrl, UsageError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// From the first byte to the last, so that "no controller there" is known within 5 s.
const TIMEOUT: Duration = Duration::from_millis(4_500);
/// One that is gone is noticed while it is listened to.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The routes of the largest snapshot fit.
const MAX_ANSWER_BYTES: usize = 1 << 30;

/// The controller at one address. It is connected to when it is asked.
#[derive(Debug)]
pub(crate) struct Controller {
    url: ControllerUrl,
    tls: Option<Arc<ClientConfig>>,
    kept: Option<Mutex<Option<Connection>>>,
}

#[derive(Debug, Clone)]
struct Connection {
    channel: Channel,
    fate: Fate,
}

/// What it goes on saying.
#[derive(Debug)]
pub(crate) struct Messages<T> {
    messages: Streaming<T>,
    url: ControllerUrl,
}

impl Controller {
    /// # Errors
    /// If the address takes TLS and there is nothing to show, or the other way round.
    pub(crate) fn new(url: ControllerUrl, tls: &TlsArgs) -> anyhow::Result<Self> {
        let files = tls.files().map_err(|error| UsageError(error.to_string()))?;
        let tls = match files {
            None if url.is_https() => {
                bail!(UsageError(format!("{url} takes --tls-ca, --tls-cert and --tls-key")));
            }
            Some(_) if !url.is_https() => {
                bail!(UsageError(format!("{url} is not https://, so that --tls-cert would not be used")));
            }
            None => None,
            Some(files) => Some(Arc::new(files.load()?.client_config()?)),
        };
        Ok(Self { url, tls, kept: None })
    }

    /// For one who asks again and again, on one runtime: while the connection works it is used again.
    pub(crate) fn keeping_connection(self) -> Self {
        Self { kept: Some(Mutex::default()), ..self }
    }

    pub(crate) async fn status(&self) -> anyhow::Result<v1::Status> {
        self.ask(|mut client| async move { client.get_status(v1::GetStatusRequest {}).await }).await
    }

    pub(crate) async fn nodes(&self) -> anyhow::Result<Vec<v1::Node>> {
        let answer =
            self.ask(|mut client| async move { client.list_nodes(v1::ListNodesRequest {}).await }).await?;
        Ok(answer.nodes)
    }

    pub(crate) async fn routes(&self) -> anyhow::Result<Vec<v1::RouteStatus>> {
        let answer =
            self.ask(|mut client| async move { client.list_routes(v1::ListRoutesRequest {}).await }).await?;
        Ok(answer.routes)
    }

    pub(crate) async fn upstreams(&self) -> anyhow::Result<Vec<v1::UpstreamStatus>> {
        let answer = self
            .ask(|mut client| async move { client.list_upstreams(v1::ListUpstreamsRequest {}).await })
            .await?;
        Ok(answer.upstreams)
    }

    /// What answers requests: of a revision, or of the one that a node serves; else of the one that the fleet
    /// should serve.
    pub(crate) async fn table(&self, revision: u64, node: String) -> anyhow::Result<v1::Table> {
        let request = v1::GetTableRequest { revision, node };
        self.ask(|mut client| async move { client.get_table(request).await }).await
    }

    pub(crate) async fn drain(&self, request: v1::DrainRequest) -> anyhow::Result<v1::DrainResponse> {
        self.ask(|mut client| async move { client.drain(request).await }).await
    }

    pub(crate) async fn undrain(&self, request: v1::UndrainRequest) -> anyhow::Result<v1::DrainResponse> {
        self.ask(|mut client| async move { client.undrain(request).await }).await
    }

    pub(crate) async fn create_token(
        &self,
        request: v1::CreateTokenRequest,
    ) -> anyhow::Result<v1::CreateTokenResponse> {
        self.ask(|mut client| async move { client.create_token(request).await }).await
    }

    pub(crate) async fn tokens(&self) -> anyhow::Result<Vec<v1::Token>> {
        let answer =
            self.ask(|mut client| async move { client.list_tokens(v1::ListTokensRequest {}).await }).await?;
        Ok(answer.tokens)
    }

    pub(crate) async fn revoke_token(&self, request: v1::RevokeTokenRequest) -> anyhow::Result<()> {
        self.ask(|mut client| async move { client.revoke_token(request).await }).await.map(drop)
    }

    /// Of the one that runs, else of the last, if it is 0.
    pub(crate) async fn rollout(&self, revision: u64) -> anyhow::Result<v1::Rollout> {
        let request = v1::GetRolloutRequest { revision };
        self.ask(|mut client| async move { client.get_rollout(request).await }).await
    }

    pub(crate) async fn control(&self, request: v1::ControlRolloutRequest) -> anyhow::Result<v1::Done> {
        self.ask(|mut client| async move { client.control_rollout(request).await }).await
    }

    pub(crate) async fn roll_back(&self, request: v1::RollBackRequest) -> anyhow::Result<v1::Done> {
        self.ask(|mut client| async move { client.roll_back(request).await }).await
    }

    /// The newest first; all if `most` is 0.
    pub(crate) async fn revisions(&self, most: u32) -> anyhow::Result<Vec<v1::Revision>> {
        let request = v1::ListRevisionsRequest { most };
        let answer = self.ask(|mut client| async move { client.list_revisions(request).await }).await?;
        Ok(answer.revisions)
    }

    pub(crate) async fn revision(&self, number: u64) -> anyhow::Result<v1::RevisionWithFile> {
        let request = v1::GetRevisionRequest { number };
        self.ask(|mut client| async move { client.get_revision(request).await }).await
    }

    /// What the fleet answers now; of routes and upstreams the busiest `most`, all that are known if it is 0.
    pub(crate) async fn traffic(&self, most: u32) -> anyhow::Result<v1::FleetTraffic> {
        let request = v1::GetTrafficRequest { most };
        self.ask(|mut client| async move { client.get_traffic(request).await }).await
    }

    /// What happened, and happens.
    pub(crate) async fn events(
        &self,
        request: v1::WatchEventsRequest,
    ) -> anyhow::Result<Messages<v1::Event>> {
        let messages = self.ask(|mut client| async move { client.watch_events(request).await }).await?;
        Ok(Messages { messages, url: self.url.clone() })
    }

    pub(crate) async fn sample(&self) -> anyhow::Result<v1::GetSampleResponse> {
        self.ask(|mut client| async move { client.get_sample(v1::GetSampleRequest {}).await }).await
    }

    /// What is told for it, message by message.
    pub(crate) async fn tap(&self, request: v1::TapRequest) -> anyhow::Result<Messages<v1::TapResponse>> {
        let messages = self.ask(|mut client| async move { client.tap(request).await }).await?;
        Ok(Messages { messages, url: self.url.clone() })
    }

    /// The newest first; all if `most` is 0.
    pub(crate) async fn audit(&self, most: u32) -> anyhow::Result<Vec<v1::AuditEntry>> {
        let request = v1::ListAuditRequest { most };
        Ok(self.ask(|mut client| async move { client.list_audit(request).await }).await?.entries)
    }

    async fn ask<T, F>(&self, call: impl FnOnce(AdminServiceClient<Channel>) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let url = &self.url;
        let answer = async {
            let Connection { channel, fate } = self.connection().await?;
            let client = AdminServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
            call(client).await.map_err(|status| {
                if status.source().is_some() {
                    self.keep(None);
                }
                match fate.reason() {
                    Some(reason) => anyhow!("no session with the controller at {url}: {reason}"),
                    None => failure(url, &status),
                }
            })
        };
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => {
                self.keep(None);
                Err(anyhow!("the controller at {url} did not answer within {TIMEOUT:?}"))
            }
        }
    }

    async fn connection(&self) -> anyhow::Result<Connection> {
        let kept = self.kept.as_ref();
        if let Some(kept) = kept.and_then(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
        {
            return Ok(kept);
        }
        let connection = self.connect().await?;
        self.keep(Some(connection.clone()));
        Ok(connection)
    }

    /// Or forgets it, so that the next question finds out by itself what is there.
    fn keep(&self, connection: Option<Connection>) {
        if let Some(kept) = &self.kept {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = connection;
        }
    }

    async fn connect(&self) -> anyhow::Result<Connection> {
        let (url, fate) = (&self.url, Fate::default());
        let endpoint = Endpoint::from(url.uri().clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        let channel = match self.tls.clone() {
            None => endpoint.connect().await,
            Some(config) => {
                let fate = fate.clone();
                let connector = tower::service_fn(move |url: Uri| {
                    let connecting = harbr_trust::connect(url, config.clone(), fate.clone());
                    async move { connecting.await.map(TokioIo::new) }
                });
                endpoint.connect_with_connector(connector).await
            }
        };
        let channel =
            channel.map_err(|error| anyhow!("no controller at {url}: {}", harbr_trust::cause(&error)))?;
        Ok(Connection { channel, fate })
    }
}

impl<T> Messages<T> {
    /// `None`: it has said all.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<T>> {
        self.messages.message().await.map_err(|status| failure(&self.url, &status))
    }
}

fn failure(url: &ControllerUrl, status: &Status) -> anyhow::Error {
    const ELSEWHERE: &str = "is this the controller's address for gRPC?";
    // Only what comes in between has a cause; the controller answers with a message.
    if let Some(cause) = status.source() {
        return anyhow!("the connection to {url} failed: {}; {ELSEWHERE}", harbr_trust::cause(cause));
    }
    let reason = match status.message().lines().next() {
        Some(line) if !line.is_empty() => line,
        Some(_) | None => status.code().description(),
    };
    if is_of_another_server(status) {
        return anyhow!("{url} answers, but not as a controller: {reason}; {ELSEWHERE}");
    }
    // It works as it should; it is the question that has no answer.
    if matches!(status.code(), Code::NotFound | Code::FailedPrecondition) {
        return anyhow!("{}", status.message());
    }
    anyhow!("the controller at {url} failed: {reason}")
}

/// HTTP/2 is spoken there, and may even be gRPC, as by a proxy's listener, but it is not this service.
fn is_of_another_server(status: &Status) -> bool {
    // tonic has no other mark for an answer that it could not read.
    matches!(status.code(), Code::Unimplemented | Code::Unknown)
        || status.message().starts_with("protocol error")
}
