use std::sync::Arc;
use std::time::Duration;

use harbr_proto::v1::node_message::Kind;
use harbr_proto::v1::{ControllerMessage, NodeMessage};
use harbr_proto::{Fence, SnapshotHash, v1};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tonic::{Status, Streaming};

use super::Sessions;
use super::directives::directives;
use super::outbox::{Filled, Outbox};
use super::progress::{Progress, Refusal};
use crate::caller::{Caller, one_line};
use crate::drains::Drains;
use crate::fleet::{Fleet, Greeting, Refused, Seat, Serving};
use crate::health::HealthTable;
use crate::inquiry::{Inquiries, Wanted};
use crate::ledger::{Actor, Intent, Ledger, Target};
use crate::metrics;
use crate::rollout::Standing;
use crate::server::{self, Refusals};

/// The first message has to come within this time.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How soon an epoch that could not be kept on disk is tried again.
const EPOCH_RETRY: Duration = Duration::from_secs(2);
/// Of what a node gives as reasons, so many are kept.
const MAX_REASONS: usize = 8;

type Outbound = mpsc::Sender<Result<ControllerMessage, Status>>;

/// One stream, from the node's greeting to its end.
pub(super) struct Session {
    ledger: Arc<Ledger>,
    fleet: Arc<Fleet>,
    refusals: Arc<Refusals>,
    who: Caller,
    intent: watch::Receiver<Intent>,
    health: watch::Receiver<Arc<HealthTable>>,
    drains: watch::Receiver<Arc<Drains>>,
    inquiries: Arc<Inquiries>,
    wanted: watch::Receiver<Arc<Wanted>>,
    inbound: Streaming<NodeMessage>,
    outbound: Outbound,
}

/// Whether the stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    On,
    /// The node has said goodbye.
    Goodbye,
}

impl Session {
    pub(super) fn new(
        sessions: &Sessions,
        who: Caller,
        inbound: Streaming<NodeMessage>,
        outbound: Outbound,
    ) -> Self {
        let Sessions { ledger, fleet, health, refusals, drains, inquiries, .. } = sessions;
        Self {
            intent: ledger.subscribe(),
            ledger: ledger.clone(),
            fleet: fleet.clone(),
            refusals: refusals.clone(),
            who,
            health: health.clone(),
            drains: drains.clone(),
            wanted: inquiries.wanted(),
            inquiries: inquiries.clone(),
            inbound,
            outbound,
        }
    }

    /// Ends when the node does, says nothing sensible, or does not answer the transport's pings.
    pub(super) async fn run(mut self) {
        let greeting = match self.greeting().await {
            Ok(greeting) => greeting,
            Err(status) => {
                tracing::warn!("a session ends before it began: {}", status.message());
                // The node may be gone already.
                let _ = self.outbound.send(Err(status)).await;
                return;
            }
        };
        ::metrics::counter!(metrics::NODE_SESSIONS).increment(1);
        tracing::info!(instance = greeting.instance, build = greeting.build, "node {} is here", greeting.id);
        let mut peer = Peer {
            pin: Some(greeting.pinned.clone()),
            seat: self.fleet.seat(&greeting),
            id: greeting.id.clone(),
            beyond: None,
            claim: greeting.serving.map(|(fence, _, hash)| Claim::new(fence, hash)),
            progress: Progress::new(greeting.serving.map(|(_, _, hash)| hash)),
            outbox: Outbox::default(),
            greeting,
            inquiries: self.inquiries.clone(),
        };
        let next = self.converse(&mut peer).await;
        tracing::info!("node {} has left", peer.id);
        if next == Next::Goodbye {
            peer.seat.leave();
        }
    }

    async fn greeting(&mut self) -> Result<Greeting, Status> {
        let first = timeout(HELLO_TIMEOUT, self.inbound.message()).await;
        let first = first.map_err(|_| Status::deadline_exceeded("no hello in time"))??;
        match first.and_then(|message| message.kind) {
            Some(Kind::Hello(hello)) => {
                let mut greeting = Greeting::try_from(hello)
                    .map_err(|error| Status::invalid_argument(format!("this hello is not valid: {error}")))?;
                self.check_name(&greeting.id)?;
                // It was not told yet that it may take this, and it has not died of it again.
                if !greeting.ended_uncleanly {
                    let released = self.intent.borrow().released.clone();
                    greeting.quarantined.retain(|found| !released.contains(&found.hash));
                }
                Ok(greeting)
            }
            Some(
                Kind::Ack(_)
                | Kind::Nack(_)
                | Kind::Report(_)
                | Kind::Goodbye(_)
                | Kind::Sample(_)
                | Kind::Tapped(_),
            )
            | None => Err(Status::invalid_argument("a session starts with a hello")),
        }
    }

    /// A node is who its certificate says, not who it says itself.
    fn check_name(&self, id: &str) -> Result<(), Status> {
        if self.who.may_be_node(id) {
            return Ok(());
        }
        let reason = format!("it calls itself {id}");
        self.refusals.note(server::Refusal::OtherName, &self.who, &reason);
        Err(Status::permission_denied(format!("this certificate is not for a node called {id}")))
    }

    async fn converse(&mut self, peer: &mut Peer) -> Next {
        loop {
            if let Some(claim) = peer.claim.take_if(|claim| claim.is_due()) {
                self.settle(claim, peer).await;
            }
            if let Some(pin) = peer.pin.take().filter(|pin| self.fleet.note_pin(&peer.id, pin.as_ref())) {
                self.record_pin(&peer.id, pin).await;
            }
            if peer.outbox.is_empty() {
                let intent = self.intent.borrow_and_update().clone();
                let directives = directives(&peer.id, &intent, &self.drains.borrow_and_update());
                let directives = self.wanted.borrow_and_update().directives(&peer.id, directives);
                peer.outbox.fill_directives(directives);
                peer.refill(&intent, &self.health.borrow_and_update().clone());
            }
            let deadline = peer.deadline();
            tokio::select! {
                message = self.inbound.message() => match message {
                    Ok(Some(message)) => {
                        if peer.hear(message, &self.intent.borrow().clone()) == Next::Goodbye {
                            return Next::Goodbye;
                        }
                    }
                    Ok(None) | Err(_) => return Next::On,
                },
                permit = self.outbound.reserve(), if !peer.outbox.is_empty() => {
                    let (Ok(permit), Some(message)) = (permit, peer.outbox.pop()) else { return Next::On };
                    permit.send(Ok(message));
                }
                changed = self.intent.changed() => {
                    if changed.is_err() {
                        return Next::On;
                    }
                    let intent = self.intent.borrow().clone();
                    peer.recall(&intent);
                }
                // Looked at when the outbox is empty.
                changed = self.health.changed(), if peer.outbox.is_empty() => {
                    if changed.is_err() {
                        return Next::On;
                    }
                }
                changed = self.drains.changed(), if peer.outbox.is_empty() => {
                    if changed.is_err() {
                        return Next::On;
                    }
                }
                changed = self.wanted.changed(), if peer.outbox.is_empty() => {
                    if changed.is_err() {
                        return Next::On;
                    }
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => peer.expire(),
            }
        }
    }

    /// Whoever pinned something on the node has not asked us: the node tells, with the reason.
    async fn record_pin(&self, id: &str, pin: Option<v1::Override>) {
        let what = match &pin {
            Some(pin) => format!("revision {} is pinned on it", pin.revision),
            None => "nothing is pinned on it any more".to_owned(),
        };
        let reason = pin.map(|pin| one_line(&pin.reason)).unwrap_or_default();
        let (ledger, actor) = (self.ledger.clone(), Actor { name: format!("node {id}"), reason });
        let recorded = tokio::task::spawn_blocking(move || ledger.record(actor, what)).await;
        if let Ok(Err(error)) = recorded {
            tracing::error!("a pin on node {id} is not in the audit: {error}");
        }
    }

    /// Has the store rise above what the node obeys, if it may.
    async fn settle(&self, claim: Claim, peer: &mut Peer) {
        let (ledger, fence, hash) = (self.ledger.clone(), claim.fence, claim.hash);
        let (reason, ask_at) = match tokio::task::spawn_blocking(move || ledger.shown(fence, hash)).await {
            Ok(Ok(Standing::InOrder)) => return peer.seat.withheld(None),
            Ok(Ok(Standing::Ahead)) => {
                let reason = format!(
                    "the node obeys {fence}, which this controller never gave: it belongs to another controller, \
                     or the state directory here is an old copy"
                );
                (reason, None)
            }
            Ok(Err(error)) => {
                let reason = format!("the epoch that this node needs cannot be kept: {error}");
                (reason, Some(Instant::now() + EPOCH_RETRY))
            }
            Err(_) => ("the epoch that this node needs cannot be found".to_owned(), None),
        };
        peer.withhold(Claim { ask_at, ..claim }, reason);
    }
}

/// What a node obeyed when it came: it takes nothing below.
struct Claim {
    fence: Fence,
    hash: SnapshotHash,
    /// When the store is asked whether the fleet's fence is above it; `None`: when that has changed.
    ask_at: Option<Instant>,
    /// Why the node gets nothing, as far as that was said.
    reason: Option<String>,
}

impl Claim {
    fn new(fence: Fence, hash: SnapshotHash) -> Self {
        Self { fence, hash, ask_at: Some(Instant::now()), reason: None }
    }

    fn is_due(&self) -> bool {
        self.ask_at.is_some_and(|ask_at| ask_at <= Instant::now())
    }
}

/// The node at the other end.
struct Peer {
    id: String,
    seat: Seat,
    /// Until the fleet's fence is above it; the node gets nothing so long.
    claim: Option<Claim>,
    progress: Progress,
    outbox: Outbox,
    /// What it said that it can take; and why what it should serve goes beyond that, if so.
    greeting: Greeting,
    beyond: Option<String>,
    /// What is pinned on it by its newest word, if that was not looked at yet.
    pin: Option<Option<v1::Override>>,
    inquiries: Arc<Inquiries>,
}

impl Peer {
    fn withhold(&mut self, claim: Claim, reason: String) {
        if claim.reason.as_ref() != Some(&reason) {
            tracing::error!("node {} gets nothing: {reason}", self.id);
            self.seat.withheld(Some(reason.clone()));
        }
        self.claim = Some(Claim { reason: Some(reason), ..claim });
    }

    fn refill(&mut self, intent: &Intent, table: &HealthTable) {
        if self.claim.is_some() {
            return;
        }
        let Some(target) = intent.target(&self.id) else { return };
        let revision = &target.revision;
        if let Some(reason) = revision.needs.beyond(&self.greeting) {
            if self.beyond.as_ref() != Some(&reason) {
                tracing::error!("node {} gets nothing: {reason}", self.id);
                self.seat.withheld(Some(reason.clone()));
                self.beyond = Some(reason);
            }
            return;
        }
        if self.beyond.take().is_some() {
            self.seat.withheld(None);
        }
        match self.outbox.fill(target, intent, table, &mut self.progress) {
            Filled::Nothing => {}
            Filled::UpToDate => {
                self.seat.sent(revision.number);
                self.seat.serves(Serving { revision: revision.number, hash: revision.hash() });
            }
            Filled::Snapshot => self.seat.sent(revision.number),
        }
    }

    /// Something has changed in what the fleet should serve: if that is this node's, what has not left for it yet is
    /// dropped.
    fn recall(&mut self, intent: &Intent) {
        let is_told = |target: &Target| self.progress.was_told(target.fence);
        if !self.outbox.is_empty() && !intent.target(&self.id).is_some_and(is_told) {
            self.outbox.clear();
            self.progress.recalled();
        }
        if let Some(claim) = &mut self.claim {
            claim.ask_at = Some(Instant::now());
        }
    }

    fn hear(&mut self, message: NodeMessage, intent: &Intent) -> Next {
        match message.kind {
            Some(Kind::Ack(v1::Ack { serving })) => self.acked(serving),
            Some(Kind::Nack(nack)) => self.nacked(nack),
            Some(Kind::Report(report)) => self.reported(report, intent),
            Some(Kind::Goodbye(v1::Goodbye {})) => return Next::Goodbye,
            Some(Kind::Sample(chunk)) => self.inquiries.note_sample(&self.id, chunk),
            Some(Kind::Tapped(tapped)) => self.inquiries.note_tapped(&self.id, tapped),
            Some(Kind::Hello(_)) | None => {
                tracing::debug!("node {} says something that is not understood here", self.id);
            }
        }
        Next::On
    }

    fn acked(&mut self, serving: Option<v1::Serving>) {
        let Some((fence, hash)) = serving.and_then(identity) else { return };
        if let Some(asked) = self.progress.acked(fence, hash) {
            tracing::info!("node {} serves revision {}", self.id, asked.revision);
            self.seat.serves(Serving { revision: asked.revision, hash });
        }
    }

    fn nacked(&mut self, nack: v1::Nack) {
        let (refusal, class) = match nack.class() {
            v1::NackClass::Local => (Refusal::Local, "local"),
            v1::NackClass::Invalid | v1::NackClass::Unspecified => (Refusal::Invalid, "invalid"),
        };
        let fence = nack.fence.unwrap_or_default().into();
        let Some(asked) = self.progress.nacked(fence, refusal, Instant::now()) else { return };
        ::metrics::counter!(metrics::NACKS, "class" => class).increment(1);
        let reason = abridged(&nack.reasons);
        tracing::warn!(class, "node {} refuses revision {}: {reason}", self.id, asked.revision);
        self.seat.refused(Refused { hash: asked.hash, class: nack.class(), reason });
    }

    fn reported(&mut self, report: v1::Report, intent: &Intent) {
        let shown = report.serving.clone().and_then(|serving| {
            let (_, hash) = identity(serving.clone())?;
            let ours = intent.target(&self.id).filter(|target| target.revision.hash() == hash);
            Some(Serving { revision: ours.map_or(serving.revision, |ours| ours.revision.number), hash })
        });
        self.progress.reported(shown.map(|serving| serving.hash), Instant::now());
        self.pin = Some(report.r#override.clone());
        let reference = intent.base.as_ref().map(|base| base.revision.hash());
        self.seat.reported(report, shown, reference);
    }

    /// When something is due although nobody says anything.
    fn deadline(&self) -> Option<Instant> {
        let ask_at = self.claim.as_ref().and_then(|claim| claim.ask_at);
        ask_at.into_iter().chain(self.progress.deadline()).min()
    }

    fn expire(&mut self) {
        if let Some(asked) = self.progress.expire(Instant::now()) {
            let error = format!("no answer to revision {} for {:?}", asked.revision, asked.since.elapsed());
            tracing::warn!("node {}: {error}", self.id);
            self.seat.complain(error);
        }
    }
}

fn identity(serving: v1::Serving) -> Option<(Fence, SnapshotHash)> {
    Some((serving.fence.unwrap_or_default().into(), SnapshotHash::from_slice(&serving.hash)?))
}

/// Reasons come from outside.
fn abridged(reasons: &[String]) -> String {
    let kept: Vec<String> = reasons.iter().take(MAX_REASONS).map(|reason| one_line(reason)).collect();
    match reasons.len().saturating_sub(MAX_REASONS) {
        _ if reasons.is_empty() => "no reason given".to_owned(),
        0 => kept.join("; "),
        more => format!("{}; and {more} more", kept.join("; ")),
    }
}
