//! One probe of one target.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use harbr_model::{EndpointUrl, Probe};
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout, timeout_at};

use super::Target;
use super::connect::{self, Stream, Trust};

/// More of an answer is not read, and its connection is not used again.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The status decides; a body that comes slowly is not waited for longer.
const BODY_PATIENCE: Duration = Duration::from_millis(500);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("harbr-health/", env!("CARGO_PKG_VERSION")));

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("no answer in time")]
    Timeout,
    #[error("cannot resolve the name: {0}")]
    Resolve(#[source] io::Error),
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    #[error("no TLS connection: {0}")]
    Tls(#[source] io::Error),
    #[error("no request can be made for this path")]
    Path,
    #[error("no valid answer: {0}")]
    Answer(#[source] hyper::Error),
    #[error("answered {0}")]
    Status(StatusCode),
}

/// Asks one target, again and again, over one connection for as long as that lasts.
pub(crate) struct Asker {
    trust: Arc<Trust>,
    idle: Option<Box<Connection>>,
}

struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    /// Driven only while a probe runs: that the endpoint closed it shows at the next one.
    driver: http1::Connection<TokioIo<Box<dyn Stream>>, Empty<Bytes>>,
}

impl Asker {
    pub(crate) fn new(trust: Arc<Trust>) -> Self {
        Self { trust, idle: None }
    }

    /// Dropped halfway, it begins the next probe on a fresh connection.
    pub(crate) async fn ask(&mut self, target: &Target) -> Result<(), ProbeError> {
        let deadline = Instant::now() + target.check.timeout;
        let asked = async {
            match &target.check.probe {
                Probe::Tcp => connect::tcp(&target.url, deadline).await.map(drop),
                Probe::Http { path } => self.get(&target.url, path, deadline).await,
            }
        };
        timeout_at(deadline, asked).await.unwrap_or(Err(ProbeError::Timeout))
    }

    async fn get(&mut self, url: &EndpointUrl, path: &str, deadline: Instant) -> Result<(), ProbeError> {
        // A connection that died while it rested says nothing about the endpoint.
        if let Some(idle) = self.idle.take()
            && let Ok(status) = self.exchange(idle, request(url, path)?).await
        {
            return judge(status);
        }
        let stream = connect::stream(url, &self.trust, deadline).await?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(ProbeError::Answer)?;
        let fresh = Box::new(Connection { sender, driver });
        judge(self.exchange(fresh, request(url, path)?).await.map_err(ProbeError::Answer)?)
    }

    /// Sends a request, and keeps the connection if it can be used again.
    async fn exchange(
        &mut self,
        connection: Box<Connection>,
        request: Request<Empty<Bytes>>,
    ) -> Result<StatusCode, hyper::Error> {
        let Connection { mut sender, mut driver } = *connection;
        let answer = async move {
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_BODY_BYTES).collect();
            let is_over = matches!(timeout(BODY_PATIENCE, body).await, Ok(Ok(_)));
            Ok((status, is_over.then_some(sender)))
        };
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => {
                let (status, sender) = answer?;
                self.idle = sender.map(|sender| Box::new(Connection { sender, driver }));
                Ok(status)
            }
            _ = &mut driver => {
                // What it has not handed over by now never comes.
                drop(driver);
                answer.await.map(|(status, _)| status)
            }
        }
    }
}

fn judge(status: StatusCode) -> Result<(), ProbeError> {
    if status.is_success() { Ok(()) } else { Err(ProbeError::Status(status)) }
}

fn request(url: &EndpointUrl, path: &str) -> Result<Request<Empty<Bytes>>, ProbeError> {
    let request = Request::get(path).header(HOST, url.authority()).header(USER_AGENT, AGENT);
    request.body(Empty::new()).map_err(|_| ProbeError::Path)
}
