//! The one writer of what a node serves: takes a snapshot whole or not at all.

mod offer;
mod pinning;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harbr_model::{Listener, Snapshot};
use harbr_proto::{EncodedSnapshot, Fence, v1};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::offer::{Offer, Refusal, Serving, Standing};
use crate::directives::Directives;
use crate::disk::{Disk, Quarantined, Slot};
use crate::dns;
use crate::health_record::HealthRecord;
use crate::listener::{BoundListener, OpenListener, Sharing, overlap};
use crate::live::{LiveTable, Soil};
use crate::live_listener::LiveListener;
use crate::outlier::Cause;
use crate::shared::Shared;
use crate::traffic::TrafficLedger;

/// Ejected endpoints in one report.
const MAX_EJECTED_TOLD: usize = 100;
/// Upstreams whose requests are told of.
const MAX_BUSY_TOLD: usize = 256;

/// The node as others look at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeStatus {
    pub serving: Option<Serving>,
    /// By name.
    pub listeners: Vec<(String, SocketAddr)>,
}

#[derive(Debug)]
pub(crate) struct Node {
    shared: Arc<Shared>,
    soil: Soil,
    workers: Vec<mpsc::Sender<OpenListener>>,
    disk: Disk,
    /// Bound at start, for listeners whose address the command line says.
    overrides: HashMap<String, BoundListener>,
    listening: HashMap<String, Listening>,
    /// What serves now, for changes to be against.
    snapshot: Option<EncodedSnapshot>,
    standing: Standing,
    /// What the prober found, also of endpoints that only the next snapshot will have.
    health: HealthRecord,
    /// Look-ups of names that a table did not wait for; each ends by its own time-out.
    look_ups: TaskTracker,
    traffic: TrafficLedger,
    /// URLs of endpoints that get no new request.
    drained: HashSet<String>,
    /// Tables that a request may still look at; dropped here, not on a worker.
    retired: Vec<Arc<LiveTable>>,
    status: watch::Sender<NodeStatus>,
}

/// A listener that is open.
#[derive(Debug)]
struct Listening {
    addr: SocketAddr,
    /// `None` where the command line says the address, whatever a snapshot asks for.
    requested: Option<SocketAddr>,
    closed: CancellationToken,
}

/// A listener that is open, on its way to the workers.
#[derive(Debug)]
struct Opened {
    name: String,
    listening: Listening,
    sockets: Vec<OpenListener>,
}

impl Opened {
    fn from(bound: BoundListener, live: &Arc<LiveListener>) -> Result<Self, Refusal> {
        let closed = CancellationToken::new();
        let (name, addr, requested) = (bound.name.clone(), bound.addr, bound.requested);
        let sockets = bound.open(live, &closed).map_err(|error| Refusal::Local(error.to_string()))?;
        Ok(Self { name, listening: Listening { addr, requested, closed }, sockets })
    }
}

impl Node {
    pub(crate) fn new(
        shared: Arc<Shared>,
        workers: Vec<mpsc::Sender<OpenListener>>,
        overrides: Vec<BoundListener>,
        disk: Disk,
    ) -> Self {
        let listeners = overrides.iter().map(|bound| (bound.name.clone(), bound.addr)).collect();
        Self {
            soil: Soil { workers: workers.len(), series: shared.series.clone() },
            shared,
            workers,
            disk,
            overrides: overrides.into_iter().map(|bound| (bound.name.clone(), bound)).collect(),
            listening: HashMap::new(),
            snapshot: None,
            standing: Standing::Candidate,
            health: HealthRecord::default(),
            look_ups: TaskTracker::new(),
            traffic: TrafficLedger::default(),
            drained: HashSet::new(),
            retired: Vec::new(),
            status: watch::Sender::new(NodeStatus { serving: None, listeners }),
        }
    }

    pub(crate) fn status(&self) -> watch::Receiver<NodeStatus> {
        self.status.subscribe()
    }

    pub(crate) fn serving(&self) -> Option<Serving> {
        self.status.borrow().serving
    }

    /// What serves, as the controller is told: never with an epoch below what was obeyed, so that a new store of its
    /// goes above that.
    pub(crate) fn shown(&self) -> Option<Serving> {
        let (serving, floor) = (self.serving()?, self.disk.floor());
        let fence = if floor.epoch > serving.fence.epoch {
            Fence { epoch: floor.epoch, generation: 0 }
        } else {
            serving.fence
        };
        Some(Serving { fence, ..serving })
    }

    pub(crate) fn snapshot(&self) -> Option<&EncodedSnapshot> {
        self.snapshot.as_ref()
    }

    /// Serves what served last, if the state folder has it and this node did not die of it.
    pub(crate) async fn restore(&mut self) {
        for (place, slot) in self.disk.begin().await.into_iter().enumerate() {
            let Some((serving, snapshot)) = self.disk.load(slot).await else { continue };
            let standing = if slot == Slot::Proven { Standing::Proven } else { Standing::Candidate };
            let offer = Offer { serving, snapshot, standing, arrived: Instant::now() };
            let strikes = if place == 0 { self.disk.strikes() } else { 0 };
            match self.take(offer, strikes).await {
                Ok(()) => {
                    let revision = serving.revision;
                    return tracing::info!(revision, ?slot, "serving the last good snapshot from disk");
                }
                Err(refusal) => tracing::warn!(%refusal, ?slot, "what is on disk is not served"),
            }
        }
    }

    /// Takes a snapshot: checks all of it, builds its table off the workers, and swaps.
    pub(crate) async fn apply(&mut self, offer: Offer) -> Result<(), Refusal> {
        let Offer { serving, standing, arrived, .. } = offer;
        self.admit(serving, standing)?;
        if standing == Standing::Proven {
            self.disk.release(serving.hash).await;
        }
        self.take(offer, 0).await?;
        #[cfg(feature = "fault-injection")]
        crate::fault::after_taking(&self.shared.table.load(), &self.look_ups);
        let took_ms = arrived.elapsed().as_secs_f64() * 1e3;
        tracing::info!(revision = serving.revision, hash = %serving.hash, took_ms, "serving");
        self.store().await;
        Ok(())
    }

    /// Whether an offer is looked at at all.
    fn admit(&self, offered: Serving, standing: Standing) -> Result<(), Refusal> {
        if let Some(pin) = self.disk.pin() {
            let revision = pin.revision;
            return Err(Refusal::Local(format!("an operator has pinned revision {revision} on this node")));
        }
        if standing == Standing::Candidate
            && let Some(Quarantined { reason, .. }) = self.disk.quarantine_of(offered.hash)
        {
            return Err(Refusal::Invalid(format!("in quarantine on this node: {reason}")));
        }
        let floor = self.disk.floor();
        let slots = self.disk.slots();
        // One that was pinned to what is older is brought back to the last that it took.
        let is_last = [slots.proven, slots.candidate]
            .into_iter()
            .flatten()
            .any(|known| (known.fence, known.hash) == (offered.fence, offered.hash));
        let is_above = |serving: Serving| offered.fence > floor || (is_last && offered.fence > serving.fence);
        // A node that serves nothing has shown no fence either, and takes what it gets.
        if self.serving().is_some_and(|serving| !is_above(serving)) {
            let offered = offered.fence;
            return Err(Refusal::Local(format!("{offered} is not above {floor}, which was taken before")));
        }
        Ok(())
    }

    /// What serves is what the controller wants; it may have given it a new number, or know it as proven now.
    pub(crate) async fn confirm(&mut self, confirmed: Serving, standing: Standing) {
        let Some(current) = self.serving().filter(|current| current.hash == confirmed.hash) else { return };
        let is_news = standing == Standing::Proven && self.standing == Standing::Candidate;
        if current.fence < confirmed.fence {
            self.traffic.begin(&self.shared, &self.shared.table.load());
            self.disk.raise(confirmed.fence);
            self.status.send_modify(|status| status.serving = Some(confirmed));
        } else if !is_news {
            return;
        }
        if is_news {
            tracing::info!(revision = confirmed.revision, "proven");
            self.standing = Standing::Proven;
        }
        self.store().await;
    }

    /// What the controller wants besides what is served.
    pub(crate) async fn obey(&mut self, directives: &Directives) {
        self.shared.draining.set(directives.drain);
        self.drained.clone_from(&directives.drained_endpoints);
        self.drain_endpoints(&self.shared.table.load());
        self.shared.taps.set(&directives.taps, Instant::now());
        for hash in &directives.released {
            self.disk.release(*hash).await;
        }
    }

    fn drain_endpoints(&self, table: &LiveTable) {
        for endpoint in table.endpoints() {
            endpoint.set_drained(self.drained.contains(&*endpoint.name));
        }
    }

    /// Endpoints that are out for what attempts have shown, the first of them.
    pub(crate) fn ejected(&self) -> Vec<v1::Ejected> {
        let table = self.shared.table.load();
        let all = table.upstreams.values().flat_map(|upstream| {
            upstream.endpoints.iter().filter(|endpoint| upstream.is_ejected(endpoint)).map(|endpoint| {
                v1::Ejected {
                    upstream: upstream.name.to_string(),
                    url: endpoint.name.to_string(),
                    reason: endpoint.outlier.cause().map_or("", Cause::as_str).to_owned(),
                }
            })
        });
        all.take(MAX_EJECTED_TOLD).collect()
    }

    /// Of the upstreams that are busy with requests, the busiest.
    pub(crate) fn in_flight(&self) -> Vec<v1::InFlight> {
        let table = self.shared.table.load();
        let all = table.upstreams.values().map(|upstream| {
            let requests = upstream.endpoints.iter().map(|endpoint| u64::from(endpoint.in_flight())).sum();
            v1::InFlight { upstream: upstream.name.to_string(), requests }
        });
        let mut busy: Vec<_> = all.filter(|upstream| upstream.requests > 0).collect();
        busy.sort_by_key(|upstream| std::cmp::Reverse(upstream.requests));
        busy.truncate(MAX_BUSY_TOLD);
        busy
    }

    /// Health by the prober's word; of endpoints that it does not name it stays as it was.
    pub(crate) fn apply_health(&mut self, update: v1::HealthUpdate) {
        for found in update.endpoints {
            self.health.note(found);
        }
        self.health.apply_to(&self.shared.table.load());
    }

    /// The controller is gone for so long that what its prober said says nothing any more: from now on only what
    /// attempts show takes an endpoint out.
    pub(crate) fn forget_health(&mut self) {
        self.health = HealthRecord::default();
        self.health.apply_to(&self.shared.table.load());
    }

    /// How long the prober's word holds after it.
    pub(crate) fn health_freeze(&self) -> Duration {
        self.shared.table.load().settings.health_freeze
    }

    /// Tries again what could not be kept on disk.
    pub(crate) async fn store_if_due(&mut self) {
        if self.disk.is_due() {
            self.store().await;
        }
    }

    /// What is wrong with this node, though it serves.
    pub(crate) fn degraded(&self) -> Option<&str> {
        self.disk.unwritten()
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// A controller listens that was told nothing yet.
    pub(crate) fn begin_session(&mut self) {
        self.traffic.begin_session();
    }

    /// What was answered since what serves began to.
    pub(crate) fn traffic(&mut self) -> v1::Traffic {
        self.traffic.report(&self.shared)
    }

    /// Drops old tables that nobody looks at any more.
    pub(crate) fn drop_retired(&mut self) {
        self.retired.retain(|table| Arc::strong_count(table) > 1);
    }

    /// The mark comes before anything is built, since that may be what the process dies of.
    async fn take(&mut self, offer: Offer, strikes: u32) -> Result<(), Refusal> {
        let before = self.disk.marked();
        self.disk.mark(offer.serving, strikes).await;
        let fence = offer.serving.fence;
        let taken = self.build_and_swap(offer).await;
        match taken {
            Ok(()) => self.disk.raise(fence),
            Err(_) => self.disk.set_mark(before).await,
        }
        taken
    }

    async fn build_and_swap(&mut self, offer: Offer) -> Result<(), Refusal> {
        let Offer { serving, snapshot, standing, .. } = offer;
        let before = self.shared.table.load_full();
        let (encoded, soil) = (snapshot.clone(), self.soil.clone());
        let build = move || {
            let snapshot = encoded.decode().map_err(|error| Refusal::Invalid(error.to_string()))?;
            let table = LiveTable::build(&snapshot, &before, &soil);
            let table = table.map_err(|error| Refusal::Invalid(error.to_string()))?;
            Ok((snapshot, Arc::new(table)))
        };
        // A panic is a fault of this build, but the snapshot is not served.
        let built = spawn_blocking(build).await;
        let (model, table) = built.map_err(|_| Refusal::Invalid("building the table panicked".into()))??;

        let opened = self.open_new(&model, &table)?;
        dns::resolve_new(table.endpoints(), &self.look_ups).await;

        // Known before the first request: a new endpoint that is down is never tried.
        self.health.keep_only(&table);
        self.health.apply_to(&table);
        self.drain_endpoints(&table);
        let settings = model.settings();
        self.shared.limit.set_max(settings.max_connections);
        self.shared.access_log.set(&settings.access_log);
        self.traffic.begin(&self.shared, &table);
        self.retired.push(self.shared.table.swap(table));
        self.hand_out(opened).await;
        self.close_missing(model.listeners());
        self.snapshot = Some(snapshot);
        self.standing = standing;
        let mut listeners: Vec<_> =
            self.listening.iter().map(|(name, open)| (name.clone(), open.addr)).collect();
        listeners.sort();
        self.status.send_replace(NodeStatus { serving: Some(serving), listeners });
        self.drop_retired();
        Ok(())
    }

    /// Opens what the snapshot listens on and this node does not yet. Clients that come now wait.
    fn open_new(&mut self, snapshot: &Snapshot, table: &LiveTable) -> Result<Vec<Opened>, Refusal> {
        let mut bound = Vec::new();
        for Listener { name, addr, .. } in snapshot.listeners() {
            match self.listening.get(name) {
                Some(open) if open.requested.is_none_or(|requested| requested == *addr) => {}
                _ if self.overrides.contains_key(name) => {}
                Some(_) | None => bound.push(self.bind(name, *addr)?),
            }
        }
        // Only now, when nothing can be refused any more: what was bound at start is not given away for nothing.
        let named = snapshot.listeners().iter().filter_map(|listener| self.overrides.remove(&listener.name));
        // Each listener of a snapshot is in its table.
        let live = |bound: BoundListener| Some((table.listeners.get(bound.name.as_str())?, bound));
        let opened = bound.into_iter().chain(named).filter_map(live);
        let opened = opened.map(|(live, bound)| Opened::from(bound, live)).collect();
        for name in self.overrides.keys() {
            tracing::warn!("--listen {name}=… is not used: the configuration has no listener of that name");
        }
        opened
    }

    /// An address may overlap one that this node is about to leave: `0.0.0.0:80` and `127.0.0.1:80`.
    fn bind(&self, name: &str, addr: SocketAddr) -> Result<BoundListener, Refusal> {
        let ours: Vec<SocketAddr> = self.listening.values().map(|open| open.addr).collect();
        let sharing =
            if ours.iter().any(|ours| overlap(*ours, addr)) { Sharing::With(ours) } else { Sharing::No };
        let bound = BoundListener::bind(name, addr, self.workers.len(), &sharing);
        bound.map_err(|error| Refusal::Local(error.to_string()))
    }

    async fn hand_out(&mut self, opened: Vec<Opened>) {
        for Opened { name, listening, sockets } in opened {
            for (worker, socket) in self.workers.iter().zip(sockets) {
                // A worker that is gone ends the process; there is nobody to tell here.
                let _gone = worker.send(socket).await;
            }
            tracing::info!(listener = name, addr = %listening.addr, "listening");
            if let Some(old) = self.listening.insert(name, listening) {
                old.closed.cancel();
            }
        }
    }

    fn close_missing(&mut self, listeners: &[Listener]) {
        self.listening.retain(|name, open| {
            let stays = listeners.iter().any(|listener| listener.name == *name);
            if !stays {
                open.closed.cancel();
            }
            stays
        });
    }

    /// A full or broken disk costs the next start without a controller, nothing else.
    async fn store(&mut self) {
        if let (Some(serving), Some(snapshot)) = (self.serving(), &self.snapshot) {
            let slot = match self.standing {
                Standing::Candidate => Slot::Candidate,
                Standing::Proven => Slot::Proven,
            };
            self.disk.keep(slot, serving, snapshot).await;
        }
    }
}

#[cfg(test)]
mod tests;
