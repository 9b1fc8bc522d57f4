//! What becomes of a configuration that should be served: it goes on its way, is held, or is refused.

use std::time::Duration;

use harbr_model::RolloutPolicy;
use harbr_proto::SnapshotHash;

use super::{Happened, Hold, Needs, Pace, Pending, Release, Rollout};
use crate::fleet::Node;
use crate::store::{Cause, Fate};

/// A revision to be, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) hash: SnapshotHash,
    /// It means in all what the newest one does.
    pub(crate) is_same: bool,
    pub(crate) cause: Cause,
    /// By which it is rolled out, and whose that is; `None`: its own.
    pub(crate) policy: RolloutPolicy,
    pub(crate) governed_by: Option<u64>,
    /// Why it is too small to be trusted, if it is.
    pub(crate) shrink: Option<String>,
    pub(crate) needs: Needs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Offered {
    Unchanged,
    New(u64),
    Held { number: u64, reason: String },
    Refused(String),
}

impl Rollout {
    /// A configuration that should be served.
    pub(crate) fn offer(&mut self, offer: Offer, nodes: &[Node], now: Duration) -> (Offered, Vec<Happened>) {
        let mut happened = Vec::new();
        let offered = self.consider(offer, nodes, now, &mut happened);
        (offered, happened)
    }

    fn consider(
        &mut self,
        offer: Offer,
        nodes: &[Node],
        now: Duration,
        happened: &mut Vec<Happened>,
    ) -> Offered {
        let hash = offer.hash;
        if let Some(pinned) = self.state.pinned_out.filter(|_| !offer.is_return()) {
            if pinned.hash == hash {
                return Offered::Refused(format!(
                    "the file says what revision {} does, which an operator has taken back: change it, or let it in \
                     with `harbrctl rollout resume`",
                    pinned.number
                ));
            }
            self.state.pinned_out = None;
        }
        if let Some(rejected) = self.state.rejection(hash) {
            return Offered::Refused(format!(
                "this was revision {}, which is rejected: {}; change the file, or try again nevertheless with \
                 `harbrctl rollout promote`",
                rejected.release.number, rejected.reason
            ));
        }
        if offer.is_same && self.state.newest().is_some_and(|newest| newest.release.hash == hash) {
            self.drop_pending(happened);
            return Offered::Unchanged;
        }
        let release = match self.state.pending.take() {
            Some(pending) if pending.release.hash == hash => pending.release,
            pending => {
                self.state.pending = pending;
                self.drop_pending(happened);
                let release = Release { number: self.state.next_number(), hash };
                happened.push(Happened::Made { release, cause: offer.cause });
                release
            }
        };
        if let Some(hold) = self.hold(&offer, nodes) {
            let reason = hold.reason().to_owned();
            happened.push(Happened::Went { number: release.number, what: format!("held: {reason}") });
            self.state.pending = Some(Pending { release, hold });
            self.held = Some(offer);
            return Offered::Held { number: release.number, reason };
        }
        let pace = if offer.is_return() { Pace::Return } else { Pace::Change };
        let governed_by = offer.governed_by.unwrap_or(release.number);
        self.begin(release, pace, (offer.policy, governed_by), happened);
        self.advance(nodes, now, happened);
        Offered::New(release.number)
    }

    fn hold(&self, offer: &Offer, nodes: &[Node]) -> Option<Hold> {
        if self.state.frozen && !offer.is_return() {
            return Some(Hold::Frozen);
        }
        if let Some(reason) = &offer.shrink {
            return Some(Hold::Shrink(reason.clone()));
        }
        too_much(&offer.needs, nodes).map(Hold::Capacity)
    }

    fn drop_pending(&mut self, happened: &mut Vec<Happened>) {
        if let Some(pending) = self.state.pending.take() {
            let reason = "the file says something else by now".to_owned();
            happened.push(Happened::Ended { number: pending.release.number, fate: Fate::Superseded, reason });
        }
    }

    /// What a node is waiting for may have come: one that could not take it has left.
    pub(super) fn release_pending(&mut self, nodes: &[Node], now: Duration, happened: &mut Vec<Happened>) {
        let Some(Pending { release, hold: Hold::Capacity(_) }) = &self.state.pending else { return };
        let Some(held) = self.held.as_ref().filter(|held| held.hash == release.hash) else { return };
        if too_much(&held.needs, nodes).is_none() {
            self.let_go(nodes, now, happened);
        }
    }

    /// Sends the held revision on its way.
    pub(super) fn let_go(&mut self, nodes: &[Node], now: Duration, happened: &mut Vec<Happened>) {
        let Some(pending) = self.state.pending.take() else { return };
        let held = self.held.take().filter(|held| held.hash == pending.release.hash);
        let number = pending.release.number;
        let governed = held.map(|held| (held.policy, held.governed_by.unwrap_or(number)));
        self.begin(pending.release, Pace::Change, governed.unwrap_or((Default::default(), number)), happened);
        self.advance(nodes, now, happened);
    }
}

impl Offer {
    fn is_return(&self) -> bool {
        matches!(self.cause, Cause::Rollback { .. } | Cause::TakenBack { .. })
    }
}

/// Which node could not take it, and why. One that is given nothing anyway, because it cannot take what the fleet has,
/// holds up nobody.
fn too_much(needs: &Needs, nodes: &[Node]) -> Option<String> {
    let counts = |node: &&Node| node.is_connected() && node.pinned.is_none() && node.withheld.is_none();
    nodes.iter().filter(counts).find_map(|node| needs.beyond(&node.greeting))
}
