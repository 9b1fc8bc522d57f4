//! A controller, put together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::{FutureExt, StreamExt, TryFutureExt};
use harbr_process::{AdminPages, AdminServer, BindError, FailureRule, Metrics, StateDir, Tasks, VERSION};
use harbr_trust::{Anonymous, Authority};
use tokio::io::DuplexStream;
use tokio::sync::{Notify, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::Options;
use crate::admin::Admin;
use crate::conductor::conduct;
use crate::dashboard::{self, Door};
use crate::fleet::Fleet;
use crate::gauges::Gauges;
use crate::health::{HealthTable, Prober};
use crate::inquiry::Inquiries;
use crate::intake::Intake;
use crate::join::Join;
use crate::ledger::Ledger;
use crate::observe::Observer;
use crate::orders::Orders;
use crate::server::{self, Connection, Listener, Refusals, Security};
use crate::session::Sessions;
use crate::store::{Embedded, InMemory, Origin, RevisionStore};
use crate::watch::FileWatch;

/// A controller whose state is open and whose addresses are bound, but which does not run yet.
#[derive(Debug)]
pub struct Controller {
    options: Options,
    metrics: Metrics,
    grpc: Listener,
    security: Security,
    refusals: Arc<Refusals>,
    orders: Arc<Orders>,
    authority: (Option<Arc<Authority>>, Arc<str>),
    grpc_addr: SocketAddr,
    http: AdminServer,
    door: Door,
    ledger: Arc<Ledger>,
    hint: Arc<Notify>,
}

/// Has the configuration file read at once, whatever the file system says.
#[derive(Debug, Clone)]
pub struct Reload(Arc<Notify>);

impl Controller {
    /// Logs the bound addresses as its first line.
    ///
    /// # Errors
    /// If the state is another process's or cannot be read, or an address cannot be bound.
    pub async fn bind(options: Options, metrics: Metrics) -> anyhow::Result<Self> {
        let (store, origin) = open_store(options.state_dir.as_deref())?;
        let authority = Join::read_authority(options.tls.as_ref(), options.tls_ca_key.as_deref())?;
        let anonymous = if authority.0.is_some() { Anonymous::Allowed } else { Anonymous::Refused };
        let security = Security::open(options.tls.clone(), anonymous)?;
        let orders = Orders::open(options.state_dir.as_deref()).context("cannot read the state directory")?;
        let orders = Arc::new(orders);
        let refusals = Arc::new(Refusals::default());
        let bind_error = |reason| BindError { addr: options.grpc_addr, reason };
        let grpc = Listener::bind(options.grpc_addr, security.clone(), refusals.clone());
        let grpc = grpc.map_err(bind_error)?;
        let grpc_addr = grpc.local_addr().map_err(bind_error)?;
        let door = Door::new(options.http_addr, options.http_token_file.as_deref());
        let door = door.context("--http-token-file")?;
        let http = AdminServer::bind(options.http_addr).await?;
        let (http_addr, config) = (http.local_addr(), options.config.display());
        tracing::info!(version = VERSION, %grpc_addr, %http_addr, %config, "harbr-controlplane listens");
        announce(&origin, options.state_dir.as_deref());
        crate::metrics::describe();
        let (ledger, hint) =
            (Arc::new(Ledger::open(options.config.clone(), store)?), Arc::new(Notify::new()));
        Ok(Self {
            options,
            metrics,
            grpc,
            security,
            refusals,
            orders,
            authority,
            grpc_addr,
            http,
            door,
            ledger,
            hint,
        })
    }

    #[must_use]
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http.local_addr()
    }

    #[must_use]
    pub fn reload(&self) -> Reload {
        Reload(self.hint.clone())
    }

    /// Runs until `stop`: then it is not ready any more, sessions end, and nodes serve on without it. `pipes` are
    /// sessions of nodes inside this process.
    ///
    /// # Errors
    /// If a part of it ends that nobody has stopped.
    pub async fn run(
        self,
        pipes: Option<mpsc::Receiver<DuplexStream>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut pages = self.pages(&stop);
        let Self {
            options,
            metrics,
            grpc,
            security,
            refusals,
            orders,
            authority,
            http,
            door,
            ledger,
            hint,
            ..
        } = self;
        let fleet = Arc::new(Fleet::default());
        let (readings_tx, readings) = watch::channel(None);
        let (health_tx, health) = watch::channel(Arc::new(HealthTable::default()));
        let gauges = Gauges { ledger: ledger.clone(), fleet: fleet.clone(), health: health.clone() };
        metrics.add_source(move |text| gauges.write(text));
        if let Security::Tls(config) = &security {
            let config = config.clone();
            metrics.add_source(move |text| config.write_metrics(text));
        }

        let mut tasks = Tasks::new(stop.clone());
        let critical = FailureRule::Critical;
        let file = FileWatch::new(options.config.clone(), hint);
        tasks.spawn("file watch", critical, file.run(readings_tx, stop.clone()).map(Ok));
        let intake = Intake::new(options.config.clone(), ledger.clone(), fleet.clone());
        tasks.spawn("intake", critical, intake.run(readings, stop.clone()).map(Ok));
        let prober = Prober::new(ledger.subscribe(), health_tx);
        tasks.spawn("prober", critical, prober.run(stop.clone()).map(Ok));

        let conductor = conduct(ledger.clone(), fleet.clone(), stop.clone());
        tasks.spawn("rollout", critical, conductor.map(Ok));
        if let Security::Tls(config) = security {
            tasks.spawn("TLS files", critical, config.run(stop.clone()).map(Ok));
        }
        let inquiries = Arc::<Inquiries>::default();
        let sessions = Sessions::new(
            ledger.clone(),
            fleet.clone(),
            health.clone(),
            refusals.clone(),
            orders.drains(),
            inquiries.clone(),
            stop.clone(),
        );
        let (authority, ca) = authority;
        let join = Join {
            authority,
            ca,
            orders: orders.clone(),
            ledger: ledger.clone(),
            fleet: fleet.clone(),
            refusals,
        };
        let admin = Admin {
            config_file: options.config.display().to_string(),
            ledger,
            fleet,
            health,
            orders,
            join,
            observed: Arc::default(),
            inquiries,
            stop: stop.clone(),
        };
        let observer = Observer { admin: admin.clone() };
        tasks.spawn("observer", critical, observer.run(stop.clone()).map(Ok));
        pages.more = Some(dashboard::router(admin.clone(), door));
        if let Some(pipes) = pipes {
            let incoming = ReceiverStream::new(pipes).map(Connection::in_process).map(Ok);
            let pipes = server::serve(incoming, sessions.clone(), admin.clone(), stop.clone());
            tasks.spawn("pipe server", critical, pipes.err_into());
        }
        let grpc = server::serve(grpc.incoming(), sessions.clone(), admin, stop.clone());
        tasks.spawn("gRPC server", critical, grpc.err_into());
        tasks.spawn("sessions", critical, async move { sessions.ended().await }.map(Ok));

        // Probes see that it is not ready any more for as long as anything runs.
        let http_stop = CancellationToken::new();
        let run = async {
            let ended = tasks.run(options.drain_timeout).await;
            http_stop.cancel();
            ended
        };
        let (ended, ()) = tokio::join!(run, http.run(pages, http_stop.clone()));
        Ok(ended?)
    }

    fn pages(&self, stop: &CancellationToken) -> AdminPages {
        let (ledger, stop) = (self.ledger.clone(), stop.clone());
        let ready = move || match ledger.intent().newest() {
            _ if stop.is_cancelled() => Err("shutting down".to_owned()),
            None => Err("no valid configuration yet".to_owned()),
            Some(_) => Ok(()),
        };
        let info = serde_json::json!({
            "component": "harbr-controlplane",
            "version": VERSION,
            "grpc_addr": self.grpc_addr,
            "http_addr": self.http_addr(),
            "pid": std::process::id(),
        });
        AdminPages {
            ready: Arc::new(ready),
            info: Arc::new(move || info.clone()),
            metrics: self.metrics.clone(),
            more: None,
        }
    }
}

impl Reload {
    pub fn now(&self) {
        self.0.notify_one();
    }
}

fn open_store(state_dir: Option<&Path>) -> anyhow::Result<(Box<dyn RevisionStore>, Origin)> {
    let Some(path) = state_dir else { return Ok((Box::new(InMemory::default()), Origin::Created)) };
    let (store, origin) = Embedded::open(StateDir::open(path)?)?;
    Ok((Box::new(store), origin))
}

fn announce(origin: &Origin, state_dir: Option<&Path>) {
    match (origin, state_dir) {
        (_, None) => tracing::warn!(
            "no --state-dir: the history is lost with this process, and revisions are numbered anew"
        ),
        (Origin::Unreadable(reason), Some(dir)) => tracing::warn!(
            "what is in {} cannot be used ({reason}): revisions are numbered anew",
            dir.display()
        ),
        (Origin::Created | Origin::Loaded, Some(_)) => {}
    }
}

#[cfg(test)]
mod tests;
