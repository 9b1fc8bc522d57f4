//! The node's side of the session with its controller. Its end is never the traffic's business: it is opened
//! again, with jitter, for as long as the process lives.

mod connect;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use harbr_proto::v1::node_service_client::NodeServiceClient;
use harbr_proto::{Assembly, FEATURES, Fence, MAX_SNAPSHOT_BYTES, SCHEMA_VERSION, v1};
use harbr_trust::Fate;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::Channel;

pub use connect::ControllerLink;

use crate::directives::Directives;
use crate::local::{Console, Controller};
use crate::node::{Node, Offer, Refusal, Serving, Standing};
use crate::tap::TELL_EVERY;
use crate::totals::Totals;

/// How long the controller may take to answer a `Hello`, and to take a message.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const MIN_BACK_OFF: Duration = Duration::from_millis(100);
const MAX_BACK_OFF: Duration = Duration::from_secs(5);
const MAX_MESSAGE_BYTES: usize = 32 * 1024 * 1024;

/// What a refusal means while nothing serves yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstSnapshot {
    /// A later one may do.
    Awaited,
    /// The process has nothing else to wait for, and ends.
    Required,
}

/// Who the node says that it is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub node_id: String,
    /// New at each start.
    pub instance_id: String,
    pub labels: Vec<(String, String)>,
    pub admin_addr: SocketAddr,
}

/// What a session is told to do by its own process.
#[derive(Debug, Clone)]
pub(crate) struct SessionStop {
    /// The node drains: the controller should know, and the session goes on.
    pub drain: CancellationToken,
    /// The node has served its last request: say goodbye.
    pub end: CancellationToken,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub node: Node,
    pub link: ControllerLink,
    pub identity: Identity,
    pub totals: Totals,
    pub first_snapshot: FirstSnapshot,
    pub stop: SessionStop,
    pub directives: Directives,
    /// What an operator on the machine wants.
    pub console: Console,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("no controller: {0}")]
    Connect(String),
    #[error("{}", told(.0))]
    Status(#[from] tonic::Status),
    #[error("the controller closed the session")]
    Closed,
    #[error("the controller does not answer")]
    Silent,
    #[error("what the controller sent cannot be used: {0}")]
    Unusable(String),
    #[error(transparent)]
    FirstRefused(Refusal),
}

impl Session {
    /// Keeps a session open until told to end.
    ///
    /// # Errors
    /// The refusal of a first snapshot that is required.
    pub(crate) async fn run(mut self) -> Result<(), Refusal> {
        let end = self.stop.end.clone();
        let mut back_off = MIN_BACK_OFF;
        let mut last_reason = None;
        let mut alone_since = Some(Instant::now());
        loop {
            let began = Instant::now();
            let fate = Fate::default();
            let ended = match self.hold(&fate).await {
                Ok(()) => return Ok(()),
                Err(Ended::FirstRefused(refusal)) => return Err(refusal),
                Err(ended) => ended,
            };
            self.node.drop_retired();
            // What it was asked was for a controller that is gone.
            self.totals.0.taps.close();
            (self.directives.sample, self.directives.taps) = (None, Vec::new());
            let lasted = !matches!(ended, Ended::Connect(_)) && began.elapsed() > MAX_BACK_OFF;
            alone_since = self.note_alone(alone_since, &ended);
            // A line for each change, not for each try.
            let reason =
                fate.reason().map_or_else(|| ended.to_string(), |reason| format!("the controller: {reason}"));
            if lasted || last_reason.as_ref() != Some(&reason) {
                tracing::warn!(reason, "no session with the controller; serving on");
            }
            metrics::gauge!(crate::metrics::CONTROLLER_CONNECTED).set(0.0);
            last_reason = Some(reason);
            back_off = if lasted { MIN_BACK_OFF } else { back_off };
            let wait = back_off.mul_f64(0.5 + fastrand::f64() / 2.0);
            let rest = end.run_until_cancelled(sleep(wait));
            if self.console.attend(&mut self.node, rest).await.is_none() {
                return Ok(());
            }
            back_off = (back_off * 2).min(MAX_BACK_OFF);
        }
    }

    /// Without a controller the prober's last word holds for a time. Since when that is comes back; `None`: it is over.
    fn note_alone(&mut self, since: Option<Instant>, ended: &Ended) -> Option<Instant> {
        if !matches!(ended, Ended::Connect(_)) {
            return Some(Instant::now());
        }
        let freeze = self.node.health_freeze();
        if since?.elapsed() < freeze {
            return since;
        }
        tracing::warn!(
            ?freeze,
            "no controller for so long: only failed attempts take endpoints out from now on"
        );
        self.node.forget_health();
        None
    }

    /// One session. `Ok` when this process ends it.
    async fn hold(&mut self, fate: &Fate) -> Result<(), Ended> {
        let end = self.stop.end.clone();
        let connect = end.run_until_cancelled(self.link.connect(fate));
        let Some(channel) = self.console.attend(&mut self.node, connect).await else { return Ok(()) };
        let open = end.run_until_cancelled(open(channel.map_err(Ended::Connect)?, self.hello()));
        let Some(opened) = self.console.attend(&mut self.node, open).await else { return Ok(()) };
        let (outbound, mut inbound) = opened?;
        tracing::info!("in session with the controller");
        metrics::gauge!(crate::metrics::CONTROLLER_CONNECTED).set(1.0);

        let drain = self.stop.drain.clone();
        let mut told_draining = false;
        let mut assembly = Assembly::default();
        self.node.begin_session();
        let mut answered = 0;
        let mut tell = ticks(TELL_EVERY);
        let mut report = ticks(self.directives.report_every);
        loop {
            if report.period() != self.directives.report_every {
                report = ticks(self.directives.report_every);
            }
            tokio::select! {
                message = inbound.message() => {
                    let message = message?.ok_or(Ended::Closed)?;
                    self.obey(message, &mut assembly, &outbound).await?;
                    if let Some(request) = self.directives.sample.filter(|request| request.id != answered) {
                        answered = request.id;
                        for chunk in self.totals.0.samples.told(request) {
                            send(&outbound, v1::node_message::Kind::Sample(chunk)).await?;
                        }
                    }
                }
                _tick = tell.tick(), if self.totals.0.taps.are_open() => {
                    for tapped in self.totals.0.taps.tell(Instant::now()) {
                        send(&outbound, v1::node_message::Kind::Tapped(tapped)).await?;
                    }
                }
                _tick = report.tick() => {
                    self.node.drop_retired();
                    self.node.store_if_due().await;
                    send(&outbound, v1::node_message::Kind::Report(self.report())).await?;
                }
                command = self.console.next() => {
                    self.console.serve(&mut self.node, command, Controller::There).await;
                    send(&outbound, v1::node_message::Kind::Report(self.report())).await?;
                }
                () = drain.cancelled(), if !told_draining => {
                    told_draining = true;
                    send(&outbound, v1::node_message::Kind::Report(self.report())).await?;
                }
                () = end.cancelled() => {
                    send(&outbound, v1::node_message::Kind::Goodbye(v1::Goodbye {})).await?;
                    drop(outbound);
                    // The controller closes its side when it has read the goodbye.
                    let _read = timeout(Duration::from_secs(1), inbound.message()).await;
                    return Ok(());
                }
            }
        }
    }

    async fn obey(
        &mut self,
        message: v1::ControllerMessage,
        assembly: &mut Assembly,
        outbound: &mpsc::Sender<v1::NodeMessage>,
    ) -> Result<(), Ended> {
        use v1::controller_message::Kind;

        match message.kind {
            Some(Kind::UpToDate(v1::UpToDate { serving, proven })) => {
                if let Some(serving) = serving.and_then(Serving::from_wire) {
                    self.node.confirm(serving, standing(proven)).await;
                    send(outbound, v1::node_message::Kind::Report(self.report())).await?;
                }
            }
            Some(Kind::Proven(v1::Proven { serving })) => {
                if let Some(serving) = serving.and_then(Serving::from_wire) {
                    self.node.confirm(serving, Standing::Proven).await;
                }
            }
            Some(Kind::SnapshotChunk(chunk)) => {
                let (fence, revision) = (chunk.fence.map(Fence::from).unwrap_or_default(), chunk.revision);
                let standing = standing(chunk.proven);
                let arrived = Instant::now();
                let whole = assembly.add(chunk, self.node.snapshot());
                // The next session's `Hello` says what we hold, and the controller starts from that.
                let Some(snapshot) = whole.map_err(|error| Ended::Unusable(error.to_string()))? else {
                    return Ok(());
                };
                let offered = Serving { fence, revision, hash: snapshot.hash() };
                let applied = if self.stop.drain.is_cancelled() {
                    Err(Refusal::Local("the node drains".to_owned()))
                } else {
                    self.node.apply(Offer { serving: offered, snapshot, standing, arrived }).await
                };
                let answer = match applied {
                    Ok(()) => v1::node_message::Kind::Ack(v1::Ack { serving: self.serving() }),
                    Err(refusal)
                        if self.node.serving().is_none()
                            && self.first_snapshot == FirstSnapshot::Required =>
                    {
                        return Err(Ended::FirstRefused(refusal));
                    }
                    Err(refusal) => v1::node_message::Kind::Nack(nack(offered, &refusal)),
                };
                send(outbound, answer).await?;
            }
            Some(Kind::Health(update)) => self.node.apply_health(update),
            Some(Kind::Directives(directives)) => {
                self.directives = directives.into();
                self.node.obey(&self.directives).await;
                // What it asked for shows at once.
                send(outbound, v1::node_message::Kind::Report(self.report())).await?;
            }
            // From a newer controller: not for this build.
            None => {}
        }
        Ok(())
    }

    fn hello(&self) -> v1::Hello {
        let Identity { node_id, instance_id, labels, admin_addr } = &self.identity;
        let disk = self.node.disk();
        let proven = disk.slots().proven;
        v1::Hello {
            node_id: node_id.clone(),
            instance_id: instance_id.clone(),
            labels: labels.iter().cloned().map(|(name, value)| v1::Label { name, value }).collect(),
            build: harbr_process::VERSION.to_owned(),
            schema_version: SCHEMA_VERSION,
            serving: self.node.shown().map(Into::into),
            admin_addr: admin_addr.to_string(),
            proven_hash: proven.map(|proven| proven.hash.as_bytes().to_vec()).unwrap_or_default(),
            quarantined: disk.quarantined().iter().cloned().map(Into::into).collect(),
            limits: Some(v1::Limits {
                max_snapshot_bytes: MAX_SNAPSHOT_BYTES as u64,
                ..v1::Limits::default()
            }),
            features: FEATURES.map(str::to_owned).to_vec(),
            r#override: disk.pin().cloned().map(Into::into),
            ended_uncleanly: disk.ended_uncleanly(),
        }
    }

    fn report(&mut self) -> v1::Report {
        v1::Report {
            serving: self.serving(),
            draining: self.stop.drain.is_cancelled() || self.directives.drain.is_some(),
            connections: self.totals.connections(),
            requests: self.totals.requests(),
            failures: self.totals.failures(),
            degraded: self.node.degraded().unwrap_or_default().to_owned(),
            traffic: Some(self.node.traffic()),
            panics: harbr_process::panics(),
            r#override: self.node.disk().pin().cloned().map(Into::into),
            ejected: self.node.ejected(),
            in_flight: self.node.in_flight(),
        }
    }

    fn serving(&self) -> Option<v1::Serving> {
        self.node.serving().map(Into::into)
    }
}

/// What the controller says, or what broke the connection to it.
fn told(status: &tonic::Status) -> String {
    match std::error::Error::source(status) {
        Some(cause) => harbr_trust::cause(cause),
        None => format!("the controller says: {}", status.message()),
    }
}

async fn open(
    channel: Channel,
    hello: v1::Hello,
) -> Result<(mpsc::Sender<v1::NodeMessage>, Streaming<v1::ControllerMessage>), Ended> {
    let (outbound, queued) = mpsc::channel(16);
    send(&outbound, v1::node_message::Kind::Hello(hello)).await?;
    let mut client = NodeServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let session = client.session(ReceiverStream::new(queued));
    let response = timeout(ANSWER_TIMEOUT, session).await.map_err(|_| Ended::Silent)??;
    Ok((outbound, response.into_inner()))
}

async fn send(outbound: &mpsc::Sender<v1::NodeMessage>, kind: v1::node_message::Kind) -> Result<(), Ended> {
    let sent = timeout(ANSWER_TIMEOUT, outbound.send(v1::NodeMessage { kind: Some(kind) })).await;
    sent.map_err(|_| Ended::Silent)?.map_err(|_| Ended::Closed)
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn nack(offered: Serving, refusal: &Refusal) -> v1::Nack {
    tracing::error!(revision = offered.revision, %refusal, "refused; serving on as before");
    let class = match refusal {
        Refusal::Invalid(_) => v1::NackClass::Invalid,
        Refusal::Local(_) => v1::NackClass::Local,
    };
    v1::Nack {
        fence: Some(offered.fence.into()),
        revision: offered.revision,
        class: class.into(),
        reasons: vec![refusal.to_string()],
    }
}

fn standing(is_proven: bool) -> Standing {
    if is_proven { Standing::Proven } else { Standing::Candidate }
}
