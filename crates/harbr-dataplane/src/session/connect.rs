use std::io;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint, Uri};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A silent controller is noticed after an interval and a timeout.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const PIPE_BYTES: usize = 256 * 1024;

/// Where the controller is.
#[derive(Debug)]
pub enum ControllerLink {
    /// One of these answers; tried in turn.
    Urls { urls: Vec<Uri>, next: usize },
    /// In the same process: each connection is a pipe whose other end is sent here.
    Pipe(mpsc::Sender<DuplexStream>),
}

impl ControllerLink {
    #[must_use]
    pub fn urls(urls: Vec<Uri>) -> Self {
        Self::Urls { urls, next: 0 }
    }

    /// One connection. The error is for people.
    pub(super) async fn connect(&mut self) -> Result<Channel, String> {
        match self {
            Self::Urls { urls, next } => {
                let url = urls.get(*next % urls.len().max(1)).ok_or("no controller is configured")?.clone();
                *next = next.wrapping_add(1);
                let connected = configure(Endpoint::from(url.clone())).connect().await;
                connected.map_err(|error| format!("{url}: {}", innermost(&error)))
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

/// tonic's own message is only "transport error".
fn innermost<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
