//! Rollouts and revisions as operators see them.

use std::time::{Duration, UNIX_EPOCH};

use harbr_proto::v1;
use tonic::Status;

use super::{saturating, timestamp};
use crate::fleet::Node;
use crate::ledger::Ledger;
use crate::rollout::{Active, Command, Rollout, Stage, State};
use crate::store::{AuditRecord, Fate, RevisionRecord};

/// Of what the gate compares.
const MOST_SHOWN: usize = 12;

/// What is on its way, on trial or held; and whether changes of the file wait.
pub(super) fn under_way(ledger: &Ledger, nodes: &[Node]) -> (Option<v1::Rollout>, bool) {
    ledger.look(|rollout, now| (current(rollout, nodes, now), rollout.state.frozen))
}

/// The rollout of this revision, or of the newest if it is 0.
pub(super) fn find(ledger: &Ledger, nodes: &[Node], wanted: u64) -> Result<v1::Rollout, Status> {
    let current = ledger.look(|rollout, now| {
        let last = || rollout.state.last.as_ref();
        current(rollout, nodes, now).or_else(|| {
            last().map(|last| {
                ended(last.release.number, last.release.hash.to_string(), last.fate, &last.reason)
            })
        })
    });
    let current = current.filter(|current| wanted == 0 || current.revision == wanted);
    if let Some(current) = current {
        return Ok(current);
    }
    let record = ledger.history(usize::MAX).into_iter().find(|record| record.number == wanted);
    match record {
        Some(record) => {
            let reason = record.story.last().map(String::as_str).unwrap_or_default();
            Ok(ended(record.number, record.hash.to_string(), record.fate, reason))
        }
        None if wanted == 0 => Err(Status::not_found("there has been no rollout")),
        None => Err(Status::not_found(format!("there is no revision {wanted}"))),
    }
}

fn current(rollout: &Rollout, nodes: &[Node], now: Duration) -> Option<v1::Rollout> {
    let state = &rollout.state;
    if let Some(pending) = &state.pending {
        return Some(v1::Rollout {
            revision: pending.release.number,
            hash: pending.release.hash.to_string(),
            state: v1::RolloutState::Pending.into(),
            reason: pending.hold.reason().to_owned(),
            base_revision: base_number(state),
            ..v1::Rollout::default()
        });
    }
    state.active.as_ref().map(|active| on_its_way(rollout, active, nodes, now))
}

fn on_its_way(rollout: &Rollout, active: &Active, nodes: &[Node], now: Duration) -> v1::Rollout {
    let release = active.placement.release;
    let waves = rollout.waves(active);
    let since = rollout.since();
    let (stage, needed) = match (active.stage, since) {
        (Stage::Proving, _) => (v1::RolloutState::Proving, rollout.policy().proving_time),
        (Stage::Waves, Some(_)) => (v1::RolloutState::Baking, rollout.bake(active, &waves)),
        (Stage::Waves, None) => (v1::RolloutState::Rolling, rollout.bake(active, &waves)),
    };
    let connected: Vec<&Node> = nodes.iter().filter(|node| node.is_connected()).collect();
    let serving = |node: &&Node| node.serving.is_some_and(|serving| serving.hash == release.hash);
    let all = v1::Wave {
        nodes: "all".to_owned(),
        bake: rollout.bake(active, &[]).try_into().ok(),
        members: saturating(connected.len()),
        serving: saturating(connected.iter().filter(|node| serving(node)).count()),
    };
    let members = || connected.iter().filter(|node| active.members.contains(&node.greeting.id));
    let shown = waves.iter().enumerate().map(|(index, wave)| v1::Wave {
        nodes: wave.nodes.to_string(),
        bake: wave.bake.try_into().ok(),
        members: if index <= active.wave { saturating(members().count()) } else { 0 },
        serving: if index <= active.wave {
            saturating(members().filter(|node| serving(node)).count())
        } else {
            0
        },
    });
    v1::Rollout {
        revision: release.number,
        hash: release.hash.to_string(),
        state: stage.into(),
        reason: rollout.trouble().unwrap_or_default().to_owned(),
        paused: active.paused,
        waves: shown.chain([all]).collect(),
        wave: saturating(active.wave),
        elapsed: since.and_then(|since| now.saturating_sub(since).try_into().ok()),
        needed: needed.try_into().ok(),
        base_revision: base_number(&rollout.state),
        evidence: rollout.evidence().to_string(),
        waiting: rollout.standing().waiting.clone(),
        unavailable: rollout.standing().unavailable.clone(),
        comparisons: rollout.exhibits(MOST_SHOWN).into_iter().map(v1::Comparison::from).collect(),
    }
}

fn base_number(state: &State) -> u64 {
    state.base.map_or(0, |base| base.release.number)
}

fn ended(revision: u64, hash: String, fate: Fate, reason: &str) -> v1::Rollout {
    let state = match fate {
        Fate::Pending => v1::RolloutState::Pending,
        Fate::Rolling => v1::RolloutState::Rolling,
        Fate::Proven => v1::RolloutState::Proven,
        Fate::Rejected => v1::RolloutState::Rejected,
        Fate::RolledBack => v1::RolloutState::RolledBack,
        Fate::Superseded => v1::RolloutState::Superseded,
    };
    v1::Rollout { revision, hash, state: state.into(), reason: reason.to_owned(), ..v1::Rollout::default() }
}

pub(super) fn command(command: v1::RolloutCommand, allow_shrink: bool) -> Result<Command, Status> {
    match command {
        v1::RolloutCommand::Unspecified => {
            Err(Status::invalid_argument("this controller knows no such command"))
        }
        v1::RolloutCommand::Pause => Ok(Command::Pause),
        v1::RolloutCommand::Resume => Ok(Command::Resume),
        v1::RolloutCommand::Promote => Ok(Command::Promote { allow_shrink }),
        v1::RolloutCommand::Abort => Ok(Command::Abort),
        v1::RolloutCommand::Freeze => Ok(Command::Freeze),
        v1::RolloutCommand::Thaw => Ok(Command::Thaw),
    }
}

pub(super) fn record_to_wire(record: RevisionRecord) -> v1::Revision {
    let actor = v1::Actor { name: record.actor, reason: record.reason };
    v1::Revision {
        number: record.number,
        hash: record.hash.to_string(),
        made: timestamp(UNIX_EPOCH + Duration::from_millis(record.made)),
        cause: record.cause.to_string(),
        actor: Some(actor),
        summary: record.summary,
        fate: record.fate.as_str().to_owned(),
        story: record.story,
    }
}

pub(super) fn audit_to_wire(record: AuditRecord) -> v1::AuditEntry {
    let AuditRecord { at, actor, reason, what } = record;
    let at = timestamp(UNIX_EPOCH + Duration::from_millis(at));
    v1::AuditEntry { at, actor: Some(v1::Actor { name: actor, reason }), what }
}
