use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use harbr_process::{AdminPages, AdminServer, Metrics, StateDir, VERSION};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::access_log::AccessLog;
use crate::args::{ListenOverride, NodeArgs};
use crate::directives::Directives;
use crate::disk::Disk;
use crate::listener::{BoundListener, Sharing};
use crate::local::{self, LocalSocket};
use crate::node::{Node, NodeStatus};
use crate::session::{ControllerLink, FirstSnapshot, Identity, Session, SessionStop};
use crate::shared::Shared;
use crate::totals::Totals;
use crate::trace::{Collector, Spans};
use crate::worker::{WorkerHandle, WorkerStop};
use crate::{dns, metrics, tls};

/// After `SIGTERM` clients have this long to use their connections once more and be told that it was the
/// last time; only then are those that rest closed, and the listeners.
const LAST_USE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// How a node runs, beside what its snapshot says.
#[derive(Debug, Clone)]
pub struct Options {
    pub args: NodeArgs,
    /// Where the last good snapshot is kept; `None` keeps it in memory only.
    pub state_dir: Option<PathBuf>,
    pub drain_timeout: Duration,
    pub workers: usize,
    pub first_snapshot: FirstSnapshot,
}

/// A node with all that it was told at start bound, not yet running.
#[derive(Debug)]
pub struct DataPlane {
    options: Options,
    link: ControllerLink,
    metrics: Metrics,
    admin: AdminServer,
    listeners: Vec<BoundListener>,
    disk: Disk,
    socket: Option<LocalSocket>,
    shared: Arc<Shared>,
    collector: Collector,
}

impl DataPlane {
    /// # Errors
    /// If an address is taken, the state folder is not ours, or the system has no thread to spare.
    pub async fn bind(options: Options, link: ControllerLink, metrics: Metrics) -> anyhow::Result<Self> {
        let admin = AdminServer::bind(options.args.admin_addr).await?;
        let bind = |ListenOverride { name, addr }: &ListenOverride| {
            BoundListener::bind(name, *addr, options.workers, &Sharing::No).map(BoundListener::overriding)
        };
        let listeners = options.args.listen.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
        let state_dir = options.state_dir.as_deref().map(StateDir::open).transpose()?;
        if state_dir.is_none() {
            tracing::warn!("no --state-dir: after a restart this node needs a controller to serve");
        }
        let disk = Disk::open(state_dir)?;
        let socket = local_socket(&options)?;
        let access_log = AccessLog::start(std::io::stdout())?;
        let (spans, collector) = Spans::new();
        let (told, tls) = ((access_log, spans), tls::default_client_config()?);
        let shared = Arc::new(Shared::new(options.workers, told, tls));
        Ok(Self { options, link, metrics, admin, listeners, disk, socket, shared, collector })
    }

    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.local_addr()
    }

    /// Serves until `stop`, then drains: what runs has the drain timeout to end.
    ///
    /// # Errors
    /// If a worker ends that nobody asked to, or the first snapshot was required and refused.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { options, link, metrics, admin, listeners, disk, socket, shared, collector } = self;
        let disk_writer = disk.writer();
        metrics::describe();
        let drain = CancellationToken::new();
        // Together not over what was asked for.
        let last_use = LAST_USE.min(options.drain_timeout / 2);
        let worker_stop =
            WorkerStop { drain: drain.clone(), drain_timeout: options.drain_timeout - last_use };
        let workers = (0..options.workers)
            .map(|index| WorkerHandle::start(index, shared.clone(), worker_stop.clone()))
            .collect::<Result<Vec<_>, _>>()?;

        let identity = Identity {
            node_id: options.args.node_id(),
            instance_id: format!("{:016x}", fastrand::u64(..)),
            labels: options.args.labels.clone(),
            admin_addr: admin.local_addr(),
        };
        tracing::info!(
            version = VERSION,
            node_id = identity.node_id,
            admin_addr = %identity.admin_addr,
            workers = options.workers,
            "harbr-dataplane starts"
        );
        let senders = workers.iter().map(|worker| worker.listeners.clone()).collect();
        let mut node = Node::new(shared.clone(), senders, listeners, disk);
        let status = node.status();
        let scraped = (shared.clone(), status.clone());
        metrics.add_source(move |out| metrics::write(out, &scraped.0, &scraped.1));

        let end = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(admin.run(pages(&metrics, &shared, &status, &identity, options.workers), end.clone()));
        tasks.spawn(metrics.clone().run_upkeep(end.clone()));
        tasks.spawn(dns::run(shared.clone(), end.clone()));
        tasks.spawn(collector.run(shared.clone(), identity.instance_id.clone(), end.clone()));
        if let Some((proof, controllers)) = link.proof() {
            let scraped = proof.config.clone();
            metrics.add_source(move |out| scraped.write_metrics(out));
            tasks.spawn(proof.run(controllers, end.clone()));
        }
        node.restore().await;
        let (console, bring) = local::console(identity.node_id.clone(), socket, end.clone());
        tasks.spawn(bring);

        let session_stop = SessionStop { drain: stop.clone(), end: end.clone() };
        let totals = Totals(shared.clone());
        let first_snapshot = options.first_snapshot;
        let directives = Directives::default();
        let session =
            Session { node, link, identity, totals, first_snapshot, directives, console, stop: session_stop };
        let mut session = JoinSet::from_iter([session.run()]);

        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = session.join_next() => match ended {
                Some(Ok(Err(refusal))) => Err(refusal.into()),
                _ => Err(anyhow::anyhow!("the session with the controller ended by itself")),
            },
            () = any_ended(&workers) => Err(anyhow::anyhow!("a worker ended by itself")),
        };
        leave(&shared, last_use).await;
        drain.cancel();
        let join = move || {
            workers.into_iter().for_each(WorkerHandle::join);
            shared.access_log.finish();
        };
        spawn_blocking(join).await?;
        if outcome.is_err() {
            // The controller is to miss this node, and the next start to know of it: no goodbye, and the mark stays.
            session.shutdown().await;
        }
        end.cancel();
        session.join_all().await;
        tasks.join_all().await;
        if let Some(writer) = disk_writer.filter(|_| outcome.is_ok()) {
            writer.leave().await;
        }
        outcome
    }
}

/// Where the flag says, else in the state folder. There it is of use, but nothing depends on it.
fn local_socket(options: &Options) -> anyhow::Result<Option<LocalSocket>> {
    match (&options.args.socket, &options.state_dir) {
        (Some(path), _) => Ok(Some(LocalSocket::bind(path)?)),
        (None, Some(dir)) => {
            let bound = LocalSocket::bind(&dir.join(local::SOCKET));
            Ok(bound.inspect_err(|error| tracing::warn!("{error}; --socket says where else")).ok())
        }
        (None, None) => Ok(None),
    }
}

/// Each answer is now its connection's last; waits until all have heard it, or have had the time to.
async fn leave(shared: &Shared, last_use: Duration) {
    shared.leave();
    let until = Instant::now() + last_use;
    while shared.limit.open() > 0 && Instant::now() < until {
        sleep(POLL).await;
    }
}

async fn any_ended(workers: &[WorkerHandle]) {
    while !workers.iter().any(WorkerHandle::has_ended) {
        sleep(Duration::from_millis(500)).await;
    }
}

fn pages(
    metrics: &Metrics,
    shared: &Arc<Shared>,
    status: &watch::Receiver<NodeStatus>,
    identity: &Identity,
    workers: usize,
) -> AdminPages {
    let (ready_shared, ready_status) = (shared.clone(), status.clone());
    let (info_status, identity) = (status.clone(), identity.clone());
    AdminPages {
        more: None,
        ready: Arc::new(move || readiness(&ready_shared, &ready_status.borrow())),
        info: Arc::new(move || info(&identity, workers, &info_status.borrow())),
        metrics: metrics.clone(),
    }
}

fn readiness(shared: &Shared, status: &NodeStatus) -> Result<(), String> {
    if shared.is_leaving() || shared.draining.is_on() {
        Err("draining".to_owned())
    } else if status.serving.is_none() {
        Err("no snapshot yet".to_owned())
    } else {
        Ok(())
    }
}

fn info(identity: &Identity, workers: usize, status: &NodeStatus) -> serde_json::Value {
    let listeners = status.listeners.iter().map(|(name, addr)| json!({ "name": name, "addr": addr }));
    json!({
        "component": "harbr-dataplane",
        "version": VERSION,
        "node_id": identity.node_id,
        "instance_id": identity.instance_id,
        "admin_addr": identity.admin_addr,
        "workers": workers,
        "pid": std::process::id(),
        "listeners": listeners.collect::<Vec<_>>(),
        "serving_revision": status.serving.map_or(0, |serving| serving.revision),
        "serving_hash": status.serving.map(|serving| serving.hash.to_string()),
    })
}
