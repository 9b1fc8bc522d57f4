use std::io;
use std::time::Duration;

use harbr_process::UsageError;
use harbr_trust::Fate;
use hyper_util::rt::TokioIo;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::proof::Proof;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A silent controller is noticed after an interval and a timeout.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const PIPE_BYTES: usize = 256 * 1024;

/// Where the controller is.
#[derive(Debug)]
pub enum ControllerLink {
    /// One of these answers; tried in turn. All with TLS, or none.
    Urls { urls: Vec<Uri>, next: usize, proof: Option<Proof> },
    /// In the same process: each connection is a pipe whose other end is sent here.
    Pipe(mpsc::Sender<DuplexStream>),
}

impl ControllerLink {
    /// # Errors
    /// If one asks for TLS and there is nothing to show, or the other way round.
    pub fn urls(urls: Vec<Uri>, proof: Option<Proof>) -> Result<Self, UsageError> {
        for url in &urls {
            match (url.scheme_str(), &proof) {
                (Some("https"), None) => {
                    return Err(UsageError(format!(
                        "--controller {url} takes --tls-ca, --tls-cert and --tls-key, or --join-token"
                    )));
                }
                (Some("http"), Some(_)) => {
                    return Err(UsageError(format!(
                        "--controller {url} is not https://, so that this node's certificate would not be used"
                    )));
                }
                _ => {}
            }
        }
        Ok(Self::Urls { urls, next: 0, proof })
    }

    /// How this node proves who it is, where it has to, and to whom.
    pub(crate) fn proof(&self) -> Option<(Proof, Vec<Uri>)> {
        match self {
            Self::Urls { urls, proof, .. } => Some((proof.clone()?, urls.clone())),
            Self::Pipe(_) => None,
        }
    }

    /// One connection. The error is for people, and so is what `fate` learns later.
    pub(super) async fn connect(&mut self, fate: &Fate) -> Result<Channel, String> {
        match self {
            Self::Urls { urls, next, proof } => {
                let url = urls.get(*next % urls.len().max(1)).ok_or("no controller is configured")?.clone();
                *next = next.wrapping_add(1);
                let endpoint = configure(Endpoint::from(url.clone()));
                let connected = match proof {
                    None => endpoint.connect().await,
                    Some(proof) => {
                        let (config, fate) = (proof.config.current(), fate.clone());
                        let connector = tower::service_fn(move |url: Uri| {
                            let connecting = harbr_trust::connect(url, config.clone(), fate.clone());
                            async move { connecting.await.map(TokioIo::new) }
                        });
                        endpoint.connect_with_connector(connector).await
                    }
                };
                connected.map_err(|error| format!("{url}: {}", harbr_trust::cause(&error)))
            }
            Self::Pipe(pipes) => {
                let pipes = pipes.clone();
                let connector = tower::service_fn(move |_: Uri| connect_pipe(pipes.clone()));
                let endpoint = configure(Endpoint::from_static("http://in-process"));
                endpoint.connect_with_connector(connector).await.map_err(|error| error.to_string())
            }
        }
    }
}

async fn connect_pipe(pipes: mpsc::Sender<DuplexStream>) -> io::Result<TokioIo<DuplexStream>> {
    let (ours, theirs) = duplex(PIPE_BYTES);
    pipes.send(theirs).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
    Ok(TokioIo::new(ours))
}

fn configure(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(2 * KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
}
