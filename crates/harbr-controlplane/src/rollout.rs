//! The life of a revision between the file and the whole fleet, as decisions only: no clock, no disk, no network.
//!
//! [`Rollout`] is told what there is ([`Rollout::offer`], [`Rollout::command`]) and what can be seen of the fleet
//! ([`Rollout::observe`]), and changes its [`State`]: what each node should serve follows from that alone. Nodes are
//! looked at as they are, not at what happened to them, so nothing is lost when a message is, or when the controller
//! starts again in the middle: it goes on from the state that was kept.

mod command;
mod needs;
mod offer;
mod state;
mod wave;
mod witness;

use std::time::Duration;

use harbr_model::{RolloutPolicy, Strategy, Wave};
use harbr_proto::SnapshotHash;

pub(crate) use self::command::{Command, Refused};
pub(crate) use self::needs::Needs;
pub(crate) use self::offer::{Offer, Offered};
pub(crate) use self::state::{
    Active, Hold, Outcome, Pace, Pending, Placement, Release, Stage, Standing, State,
};
pub(crate) use self::wave::Standing as WaveStanding;
use self::witness::Witness;
use crate::fleet::Node;
use crate::gate::{Evidence, Exhibit, Gate, Traffic};
use crate::store::{Cause, Fate};

/// The bake of a return is this part of a change's, within these limits.
const RETURN_DIVISOR: u32 = 4;
const RETURN_BAKE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// The one decider of what the fleet serves.
#[derive(Debug, Clone)]
pub(crate) struct Rollout {
    pub(crate) state: State,
    trial: Trial,
    /// The revision that is held, if it was offered to this process.
    held: Option<Offer>,
}

/// What is known of the rollout that runs, and is found out anew after a restart.
#[derive(Debug, Clone, Default)]
struct Trial {
    policy: RolloutPolicy,
    witness: Witness,
    gate: Gate,
    /// Since when all of the wave's nodes serve it, or since when it is everywhere and on trial.
    since: Option<Duration>,
    /// Why it does not go on, if that is to be said.
    trouble: Option<String>,
    standing: WaveStanding,
}

/// What came of it: for the record and the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    /// A revision exists that did not.
    Made {
        release: Release,
        cause: Cause,
    },
    /// It left for its first nodes.
    Began {
        number: u64,
    },
    /// One more line of its story.
    Went {
        number: u64,
        what: String,
    },
    Ended {
        number: u64,
        fate: Fate,
        reason: String,
    },
}

impl Rollout {
    /// `policy`: of the revision by which the active one is governed.
    pub(crate) fn new(state: State, policy: RolloutPolicy) -> Self {
        Self { state, trial: Trial::new(policy), held: None }
    }

    /// What was decided last could not be kept.
    pub(crate) fn restore(&mut self, state: State) {
        *self = Self::new(state, self.trial.policy.clone());
    }

    /// Sends a revision on its way, in the place of the one that is.
    fn begin(
        &mut self,
        release: Release,
        pace: Pace,
        (policy, governed_by): (RolloutPolicy, u64),
        happened: &mut Vec<Happened>,
    ) {
        if let Some(old) = self.state.active.take() {
            let reason = format!("revision {} took its place", release.number);
            let number = old.placement.release.number;
            happened.push(Happened::Ended { number, fate: Fate::Superseded, reason });
            if old.wave >= self.waves(&old).len() {
                // The fleet has it: that is where nodes are that the new one has not reached.
                self.state.base = Some(old.placement);
            } else if let Some(base) = self.state.base {
                // Those that had the old one go back, or on to the new one.
                self.state.base = Some(self.state.place(base.release));
            }
        }
        let placement = self.state.place(release);
        self.trial = Trial::new(policy);
        self.state.active = Some(Active {
            placement,
            pace,
            governed_by,
            wave: 0,
            members: Default::default(),
            stage: Stage::Waves,
            paused: false,
            promoted: false,
        });
        happened.push(Happened::Began { number: release.number });
    }

    /// Looks at the fleet, and goes on or back as far as that allows.
    pub(crate) fn observe(&mut self, nodes: &[Node], traffic: &Traffic, now: Duration) -> Vec<Happened> {
        let mut happened = Vec::new();
        self.heed_fences(nodes);
        self.doubt_base(nodes, &mut happened);
        self.release_pending(nodes, now, &mut happened);
        if self.state.active.is_some() {
            self.trial.gate.note(traffic, now);
            self.advance(nodes, now, &mut happened);
        }
        happened
    }

    /// A node that obeys more than it would be told, as one that has come with another node's folder does, gets all
    /// told anew under a higher fence.
    fn heed_fences(&mut self, nodes: &[Node]) {
        let is_stuck = |node: &Node| {
            let Some((shown, _, hash)) = node.greeting.serving else { return false };
            let Some(target) = self.target(&node.greeting.id) else { return false };
            let serves_it = wave::serves(node, hash);
            let differs = hash != target.release.hash;
            serves_it && differs && shown.epoch == self.state.epoch && shown.generation >= target.generation
        };
        if nodes.iter().any(is_stuck) {
            self.state.base = self.state.base.map(|base| self.state.place(base.release));
            self.raise_active();
        }
    }

    /// The candidate stays above what the rest is told.
    fn raise_active(&mut self) {
        if let Some(mut active) = self.state.active.take() {
            active.placement = self.state.place(active.placement.release);
            self.state.active = Some(active);
        }
    }

    /// What the rest of the fleet serves may not be proven, if edits came fast: then it can still turn out to be bad.
    fn doubt_base(&mut self, nodes: &[Node], happened: &mut Vec<Happened>) {
        let Some(base) = self.state.base.map(|base| base.release) else { return };
        if self.state.proven.is_some_and(|proven| proven.hash == base.hash) {
            return;
        }
        let found = nodes.iter().find_map(|node| objection(node, base.hash));
        let Some((reason, _)) = found else { return };
        self.state.reject(base, &reason);
        happened.push(Happened::Ended { number: base.number, fate: Fate::Rejected, reason });
        self.state.base = self.state.proven.map(|proven| self.state.place(proven));
        self.raise_active();
    }

    /// What this node should serve; `None`: what it does.
    pub(crate) fn target(&self, id: &str) -> Option<Placement> {
        let candidate = self.state.active.as_ref().filter(|active| self.reaches(active, id));
        candidate.map(|active| active.placement).or(self.state.base)
    }

    fn reaches(&self, active: &Active, id: &str) -> bool {
        active.wave >= self.waves(active).len() || active.members.contains(id)
    }

    /// Before the one that is the whole fleet.
    pub(crate) fn waves(&self, active: &Active) -> Vec<Wave> {
        let mut waves = match &self.trial.policy.strategy {
            Strategy::Immediate => Vec::new(),
            // Where nothing has ever served, one node shows whether it can.
            Strategy::Waves(_) if self.state.base.is_none() => vec![RolloutPolicy::first_wave()],
            Strategy::Waves(waves) => waves.clone(),
        };
        if active.pace == Pace::Return {
            let (least, most) = RETURN_BAKE;
            for wave in &mut waves {
                wave.bake = (wave.bake / RETURN_DIVISOR).clamp(least.min(wave.bake), most);
            }
        }
        waves
    }

    pub(crate) fn bake(&self, active: &Active, waves: &[Wave]) -> Duration {
        let last = waves.last().map_or(RolloutPolicy::first_wave().bake, |wave| wave.bake);
        waves.get(active.wave).map_or(last, |wave| wave.bake)
    }

    fn advance(&mut self, nodes: &[Node], now: Duration, happened: &mut Vec<Happened>) {
        while let Some(active) = self.state.active.clone() {
            let waves = self.waves(&active);
            let release = active.placement.release;
            let is_everywhere = active.wave >= waves.len();
            let is_given = |id: &str| is_everywhere || active.members.contains(id);
            self.trial.witness.follow(nodes, is_given, release.hash, now);
            if let Some((reason, is_invalid)) = self.verdict(&active, nodes, now) {
                if self.state.base.is_none() && !is_invalid {
                    // There is nothing to go back to; it goes no further either.
                    if !active.promoted {
                        self.stall(release.number, reason, happened);
                        return;
                    }
                } else {
                    self.take_back(Fate::Rejected, &reason, happened);
                    return;
                }
            }
            let members = self.enlist(active, &waves, nodes, now);
            let fleet = nodes.iter().filter(|node| node.is_connected()).count();
            let Some(active) = self.state.active.clone() else { return };
            let standing = wave::standing(
                nodes,
                members.then_some(&active.members),
                &self.trial.witness,
                release.hash,
                now,
            );
            let is_complete = standing.is_complete(self.trial.policy.max_unavailable, fleet);
            let unavailable = standing.unavailable.clone();
            self.trial.standing = standing;
            if !is_complete {
                match unavailable.is_empty() {
                    true => self.trial.trouble = None,
                    false => {
                        self.stall(release.number, format!("waits for {}", unavailable.join(", ")), happened)
                    }
                }
                return;
            }
            let since = *self.trial.since.get_or_insert(now);
            let wait = match active.stage {
                Stage::Waves => self.bake(&active, &waves),
                Stage::Proving => self.trial.policy.proving_time,
            };
            if active.paused || now.saturating_sub(since) < wait {
                self.trial.trouble = None;
                return;
            }
            if active.stage == Stage::Proving {
                self.prove(&active, happened);
                return;
            }
            if !self.pass(active, waves.len(), (now.saturating_sub(since), wait), happened) {
                return;
            }
        }
    }

    /// Fills the wave up. Says whether it is one with members, not the whole fleet.
    fn enlist(&mut self, mut active: Active, waves: &[Wave], nodes: &[Node], now: Duration) -> bool {
        let Some(wave) = waves.get(active.wave) else { return false };
        let hashes = (self.state.base.map(|base| base.release.hash), active.placement.release.hash);
        let (witness, most) = (&self.trial.witness, self.trial.policy.max_unavailable);
        active.members = wave::members(wave, active.members, nodes, witness, most, hashes, now);
        self.trial.witness.follow(
            nodes,
            |id| active.members.contains(id),
            active.placement.release.hash,
            now,
        );
        self.state.active = Some(active);
        true
    }

    /// Why the revision has to be taken back, and whether it is invalid on any node.
    fn verdict(&self, active: &Active, nodes: &[Node], now: Duration) -> Option<(String, bool)> {
        let hash = active.placement.release.hash;
        for node in nodes {
            let id = &node.greeting.id;
            if let Some(objection) = objection(node, hash) {
                return Some(objection);
            }
            if wave::serves(node, hash) && node.panics > 0 {
                let panics = node.panics;
                return Some((format!("node {id} panicked since it serves it, {panics} times"), false));
            }
        }
        if let Some(id) = self.trial.witness.lost(now) {
            return Some((format!("node {id} was lost soon after it took it, and is not back"), false));
        }
        let harm = self.trial.gate.verdict()?;
        let mut serving: Vec<&str> = nodes
            .iter()
            .filter(|node| wave::serves(node, hash))
            .map(|node| node.greeting.id.as_str())
            .take(4)
            .collect();
        if serving.len() == 4 {
            serving[3] = "…";
        }
        Some((format!("{harm} (on {})", serving.join(", ")), false))
    }

    /// The wave has baked. Says whether it goes on to the next.
    fn pass(
        &mut self,
        mut active: Active,
        waves: usize,
        (baked, bake): (Duration, Duration),
        happened: &mut Vec<Happened>,
    ) -> bool {
        use harbr_model::WithoutEvidence;

        let (number, gate) = (active.placement.release.number, self.trial.policy.gate);
        let evidence = self.trial.gate.evidence();
        if !matches!(evidence, Evidence::Enough { .. }) && !active.promoted {
            if baked < bake + gate.evidence_wait {
                return false;
            }
            if gate.without_evidence == WithoutEvidence::Hold {
                let reason = format!("{evidence}; `harbrctl rollout promote` lets it go on");
                self.stall(number, reason, happened);
                return false;
            }
        }
        let name = if active.wave < waves {
            format!("wave {}", active.wave + 1)
        } else {
            "the whole fleet".to_owned()
        };
        let serving = self.trial.standing.serving;
        happened.push(Happened::Went { number, what: format!("{name}: {serving} nodes, {evidence}") });
        if active.wave < waves {
            active.wave += 1;
        } else {
            active.stage = Stage::Proving;
        }
        self.state.active = Some(active);
        (self.trial.since, self.trial.trouble) = (None, None);
        self.trial.gate.next_wave();
        true
    }

    fn prove(&mut self, active: &Active, happened: &mut Vec<Happened>) {
        let release = active.placement.release;
        self.state.base = Some(active.placement);
        self.state.proven = Some(release);
        self.end(release, Fate::Proven, "", happened);
    }

    /// Gives the fleet back what it had, under a new number.
    fn take_back(&mut self, fate: Fate, reason: &str, happened: &mut Vec<Happened>) {
        let Some(active) = &self.state.active else { return };
        let (bad, policy) = (active.placement.release, (self.trial.policy.clone(), active.governed_by));
        if fate == Fate::Rejected {
            self.state.reject(bad, reason);
        }
        self.end(bad, fate, reason, happened);
        let Some(base) = self.state.base else { return };
        let release = Release { number: self.state.next_number(), hash: base.release.hash };
        happened.push(Happened::Made { release, cause: Cause::TakenBack { from: bad.number } });
        if self.state.proven.is_some_and(|proven| proven.hash == release.hash) {
            self.state.base = Some(self.state.place(release));
            self.state.proven = Some(release);
            happened.push(Happened::Ended {
                number: release.number,
                fate: Fate::Proven,
                reason: String::new(),
            });
            return;
        }
        // What it returns to has not been proven itself: its own trial goes on, with what is proven behind it.
        self.state.base = self.state.proven.map(|proven| self.state.place(proven));
        self.begin(release, Pace::Return, policy, happened);
        if let Some(mut active) = self.state.active.take() {
            active.wave = self.waves(&active).len();
            self.state.active = Some(active);
        }
    }

    fn end(&mut self, release: Release, fate: Fate, reason: &str, happened: &mut Vec<Happened>) {
        self.state.active = None;
        self.trial = Trial::new(self.trial.policy.clone());
        self.state.last = Some(Outcome { release, fate, reason: reason.to_owned() });
        happened.push(Happened::Ended { number: release.number, fate, reason: reason.to_owned() });
    }

    fn stall(&mut self, number: u64, reason: String, happened: &mut Vec<Happened>) {
        if self.trial.trouble.as_ref() != Some(&reason) {
            happened.push(Happened::Went { number, what: reason.clone() });
            self.trial.trouble = Some(reason);
        }
    }

    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trial.trouble.as_deref()
    }

    pub(crate) fn standing(&self) -> &WaveStanding {
        &self.trial.standing
    }

    pub(crate) fn policy(&self) -> &RolloutPolicy {
        &self.trial.policy
    }

    /// Since when the wave bakes, or the revision is on trial.
    pub(crate) fn since(&self) -> Option<Duration> {
        self.trial.since
    }

    pub(crate) fn exhibits(&self, most: usize) -> Vec<Exhibit> {
        self.trial.gate.exhibits(most)
    }

    pub(crate) fn evidence(&self) -> Evidence {
        self.trial.gate.evidence()
    }
}

impl Trial {
    fn new(policy: RolloutPolicy) -> Self {
        Self { gate: Gate::new(policy.gate), policy, ..Self::default() }
    }
}

/// What speaks against this content by a node's word, and whether it is invalid on any node. A node also refuses what it
/// died of, as invalid: then the death is what there is to say.
fn objection(node: &Node, hash: SnapshotHash) -> Option<(String, bool)> {
    let id = &node.greeting.id;
    let died = node.died_of(hash).map(|reason| (format!("node {id} died of it: {reason}"), false));
    died.or_else(|| {
        node.found_invalid(hash).map(|reason| (format!("node {id} finds it invalid: {reason}"), true))
    })
}

#[cfg(test)]
mod tests;
