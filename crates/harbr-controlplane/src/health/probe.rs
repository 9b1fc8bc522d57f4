//! One probe of one target.

use std::future::Future;
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

/// An endpoint may answer on a connection that it has, long after no new one can reach it: its listener is closed, or
/// its name leads elsewhere. So frequent probes share a connection, but none for long, and those further apart than
/// this open one each.
const MAX_AGE: Duration = Duration::from_secs(5);
const MAX_USES: u32 = 10;

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

/// Asks one target, again and again.
pub(crate) struct Asker {
    trust: Arc<Trust>,
    idle: Option<Box<Connection>>,
}

struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    /// Driven only while a probe runs: that the endpoint closed it shows at the next one.
    driver: http1::Connection<TokioIo<Box<dyn Stream>>, Empty<Bytes>>,
    since: Instant,
    uses: u32,
}

/// What came back, and the connection if it can be used again.
struct Answer {
    status: StatusCode,
    connection: Option<Box<Connection>>,
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
                Probe::Http { path } => self.get(target, path, deadline).await,
            }
        };
        timeout_at(deadline, asked).await.unwrap_or(Err(ProbeError::Timeout))
    }

    async fn get(&mut self, target: &Target, path: &str, deadline: Instant) -> Result<(), ProbeError> {
        let url = &target.url;
        let fresh = async {
            let connection = Connection::open(target, &self.trust, deadline).await?;
            connection.exchange(request(url, path)?).await.map_err(ProbeError::Answer)
        };
        let answer = match self.idle.take().filter(|idle| idle.is_young()) {
            None => fresh.await?,
            Some(idle) => {
                let patience = deadline.saturating_duration_since(Instant::now()) / 2;
                over_either(idle.exchange(request(url, path)?), patience, fresh).await?
            }
        };
        self.idle = answer.connection;
        if answer.status.is_success() { Ok(()) } else { Err(ProbeError::Status(answer.status)) }
    }
}

/// That a connection died while it rested, or leads nowhere any more, says nothing about the endpoint: a fresh one
/// decides. One that is silent may still be answered by an endpoint that is slow.
async fn over_either(
    reused: impl Future<Output = Result<Answer, hyper::Error>>,
    patience: Duration,
    fresh: impl Future<Output = Result<Answer, ProbeError>>,
) -> Result<Answer, ProbeError> {
    tokio::pin!(reused);
    match timeout(patience, &mut reused).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => fresh.await,
        Err(_) => tokio::select! {
            Ok(answer) = &mut reused => Ok(answer),
            answer = fresh => answer,
        },
    }
}

impl Connection {
    async fn open(target: &Target, trust: &Trust, deadline: Instant) -> Result<Box<Self>, ProbeError> {
        let stream = connect::stream(target, trust, deadline).await?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(ProbeError::Answer)?;
        Ok(Box::new(Self { sender, driver, since: Instant::now(), uses: 0 }))
    }

    fn is_young(&self) -> bool {
        self.uses < MAX_USES && self.since.elapsed() < MAX_AGE
    }

    async fn exchange(self: Box<Self>, request: Request<Empty<Bytes>>) -> Result<Answer, hyper::Error> {
        let Self { mut sender, mut driver, since, uses } = *self;
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
                let kept = |sender| Box::new(Self { sender, driver, since, uses: uses + 1 });
                Ok(Answer { status, connection: sender.map(kept) })
            }
            _ = &mut driver => {
                // What it has not handed over by now never comes.
                drop(driver);
                answer.await.map(|(status, _)| Answer { status, connection: None })
            }
        }
    }
}

fn request(url: &EndpointUrl, path: &str) -> Result<Request<Empty<Bytes>>, ProbeError> {
    let request = Request::get(path).header(HOST, url.authority()).header(USER_AGENT, AGENT);
    request.body(Empty::new()).map_err(|_| ProbeError::Path)
}
