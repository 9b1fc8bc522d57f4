//! `--node-socket`: asks a node itself, on its own machine, whether or not a controller answers.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use harbr_proto::document::QuarantinedDocument;
use harbr_proto::v1::local_service_client::LocalServiceClient;
use harbr_proto::{SnapshotHash, v1};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::cli::{Command, Format};
use crate::output::{print, print_document};

const TIMEOUT: Duration = Duration::from_secs(10);

/// One node as it says itself.
#[derive(Debug, Serialize)]
struct LocalDocument {
    id: String,
    connected: bool,
    draining: bool,
    serving_revision: u64,
    serving_hash: String,
    /// In the node's state folder; 0 for an empty slot.
    proven_revision: u64,
    candidate_revision: u64,
    pinned: Option<PinDocument>,
    quarantined: Vec<QuarantinedDocument>,
    degraded: Option<String>,
}

#[derive(Debug, Serialize)]
struct PinDocument {
    revision: u64,
    hash: String,
    reason: String,
}

/// What a node itself can be asked.
#[derive(Debug)]
pub(crate) enum Wanted {
    Status,
    Pin { revision: u64, reason: String },
    Unpin,
}

impl Wanted {
    /// # Errors
    /// If only a controller can be asked for that.
    pub(crate) fn of(command: Command) -> anyhow::Result<Self> {
        if let Command::Status { .. } = command {
            Ok(Self::Status)
        } else if let Command::Pin { revision, reason } = command {
            Ok(Self::Pin { revision, reason })
        } else if let Command::Unpin = command {
            Ok(Self::Unpin)
        } else {
            bail!("with --node-socket there are `status`, `pin` and `unpin`; ask the controller for all else")
        }
    }
}

pub(crate) async fn run(socket: &Path, wanted: Wanted, format: Format) -> anyhow::Result<()> {
    let asked = async {
        let mut node = connect(socket).await?;
        let answer = match wanted {
            Wanted::Status => node.get_local_status(v1::GetLocalStatusRequest {}).await,
            Wanted::Pin { revision, reason } => node.pin(v1::PinRequest { revision, reason }).await,
            Wanted::Unpin => node.unpin(v1::UnpinRequest {}).await,
        };
        anyhow::Ok(answer.map_err(|status| anyhow!("the node refuses: {}", status.message()))?.into_inner())
    };
    let status = tokio::time::timeout(TIMEOUT, asked).await.context("the node does not answer")??;
    let document = LocalDocument::from(status);
    match format {
        Format::Json | Format::Yaml => print_document(&document, format),
        Format::Table | Format::Wide => print(&text(&document)),
    }
}

async fn connect(socket: &Path) -> anyhow::Result<LocalServiceClient<Channel>> {
    let path: PathBuf = socket.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    // The URL is never looked at.
    let channel = Endpoint::from_static("http://node").connect_with_connector(connector).await;
    let channel = channel.with_context(|| format!("no node at {}", socket.display()))?;
    Ok(LocalServiceClient::new(channel))
}

impl From<v1::LocalStatus> for LocalDocument {
    fn from(status: v1::LocalStatus) -> Self {
        let revision = |serving: &Option<v1::Serving>| serving.as_ref().map_or(0, |serving| serving.revision);
        Self {
            serving_revision: revision(&status.serving),
            proven_revision: revision(&status.proven),
            candidate_revision: revision(&status.candidate),
            serving_hash: status.serving.map(|serving| shown(&serving.hash)).unwrap_or_default(),
            id: status.node_id,
            connected: status.connected,
            draining: status.draining,
            pinned: status.r#override.map(|v1::Override { revision, hash, reason }| PinDocument {
                revision,
                hash: shown(&hash),
                reason,
            }),
            quarantined: status.quarantined.into_iter().map(QuarantinedDocument::from).collect(),
            degraded: Some(status.degraded).filter(|reason| !reason.is_empty()),
        }
    }
}

fn text(document: &LocalDocument) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(text, "{name:<12} {value}").expect("a string takes all that is written");
    };
    let revision = |number: u64| if number == 0 { "none".to_owned() } else { number.to_string() };
    line("node", &document.id);
    line("controller", if document.connected { "in session" } else { "no session" });
    line("serving", &revision(document.serving_revision));
    line("proven", &revision(document.proven_revision));
    line("candidate", &revision(document.candidate_revision));
    if let Some(PinDocument { revision, reason, .. }) = &document.pinned {
        line("pinned", &format!("{revision} ({reason}): the controller is not obeyed"));
    }
    for QuarantinedDocument { revision, reason, .. } in &document.quarantined {
        line("quarantined", &format!("{revision}: {reason}"));
    }
    if document.draining {
        line("draining", "yes");
    }
    if let Some(reason) = &document.degraded {
        line("degraded", reason);
    }
    text
}

fn shown(hash: &[u8]) -> String {
    SnapshotHash::from_slice(hash).map(|hash| hash.to_string()).unwrap_or_default()
}
