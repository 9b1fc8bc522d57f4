//! `rollout`: how a change reaches the fleet.

use std::collections::BTreeMap;
use std::time::Duration;

use harbr_model::{
    GatePolicy, MAX_TIMEOUT, MAX_WAVES, RolloutPolicy, Share, Strategy, Wave, WaveNodes, WithoutEvidence,
};

use super::value::{choice, duration, integer};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::raw::{RawGate, RawRollout, RawWave};
use crate::read::{Entries, Field, Spanned};

/// Of a hash, so many characters are enough.
const MIN_HASH_CHARACTERS: usize = 8;

const STRATEGIES: [(&str, Word); 2] = [("waves", Word::Waves), ("immediate", Word::Immediate)];
const WITHOUT_EVIDENCE: [(&str, WithoutEvidence); 2] =
    [("continue", WithoutEvidence::Continue), ("hold", WithoutEvidence::Hold)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Waves,
    Immediate,
}

/// The policy, and the hash of the snapshot that may shrink.
pub(super) fn rollout(field: &Field<RawRollout>, findings: &mut Findings) -> (RolloutPolicy, Option<String>) {
    let mut policy = RolloutPolicy::default();
    let Some(Spanned { value: raw, .. }) = field.given() else { return (policy, None) };
    if let Some(waves) = raw.waves.given() {
        policy.strategy = Strategy::Waves(waves_of(waves, findings));
    }
    if choice("strategy", &raw.strategy, &STRATEGIES, findings) == Some(Word::Immediate) {
        if let Some(waves) = raw.waves.given() {
            let message = "`waves` stands beside `strategy: immediate`, which has none";
            findings.push(
                Diagnostic::new(Code::ExclusiveKeys, waves.span, message).with_hint("remove one of the two"),
            );
        }
        policy.strategy = Strategy::Immediate;
    }
    if let Some(time) = duration("proving_time", &raw.proving_time, Duration::ZERO..=MAX_TIMEOUT, findings) {
        policy.proving_time = time;
    }
    if let Some(share) = share("max_unavailable", &raw.max_unavailable, findings) {
        policy.max_unavailable = share;
    }
    if let Some(Spanned { value, .. }) = raw.gate.given() {
        policy.gate = gate(value, findings);
    }
    if let Some(percent) = percent("max_shrink", &raw.max_shrink, findings) {
        policy.max_shrink = percent;
    }
    (policy, allow_shrink(&raw.allow_shrink, findings))
}

fn waves_of(waves: &Spanned<Vec<Field<RawWave>>>, findings: &mut Findings) -> Vec<Wave> {
    if waves.value.is_empty() || waves.value.len() > MAX_WAVES {
        let message = format!("`waves` must have from 1 to {MAX_WAVES} items, not {}", waves.value.len());
        findings.push(
            Diagnostic::new(Code::WrongCount, waves.span, message)
                .with_hint("write `strategy: immediate` for no waves at all"),
        );
    }
    waves.value.iter().filter_map(Field::given).filter_map(|raw| wave(raw, findings)).collect()
}

fn wave(Spanned { value: raw, span }: &Spanned<RawWave>, findings: &mut Findings) -> Option<Wave> {
    let bake = duration("bake", &raw.bake, Duration::ZERO..=MAX_TIMEOUT, findings);
    let nodes = share("nodes", &raw.nodes, findings);
    let labels = raw.labels.given().map(|labels| labels_of(&labels.value));
    let nodes = match (raw.nodes.is_missing(), raw.labels.is_missing()) {
        (false, true) => match nodes? {
            Share::Count(0) => {
                findings.push(Diagnostic::new(Code::InvalidWave, *span, "a wave has at least one node"));
                return None;
            }
            nodes @ (Share::Count(_) | Share::Percent(_)) => WaveNodes::Share(nodes),
        },
        (true, false) => match labels? {
            labels if labels.is_empty() => {
                findings.push(Diagnostic::new(Code::InvalidWave, *span, "a wave has at least one label"));
                return None;
            }
            labels => WaveNodes::Labels(labels),
        },
        (true, true) | (false, false) => {
            let message = "a wave has either `nodes` or `labels`";
            findings.push(
                Diagnostic::new(Code::InvalidWave, *span, message)
                    .with_hint("write `nodes: 1`, or `nodes: 10%`"),
            );
            return None;
        }
    };
    Some(Wave { nodes, bake: bake.unwrap_or(RolloutPolicy::first_wave().bake) })
}

fn labels_of(entries: &Entries<String>) -> BTreeMap<String, String> {
    let entries = entries.0.iter().filter_map(|entry| {
        Some((entry.key.value.clone(), entry.value.given().map(|value| value.value.clone())?))
    });
    entries.collect()
}

fn gate(raw: &RawGate, findings: &mut Findings) -> GatePolicy {
    let default = GatePolicy::default();
    let wait = duration("evidence_wait", &raw.evidence_wait, Duration::ZERO..=MAX_TIMEOUT, findings);
    let without = choice("without_evidence", &raw.without_evidence, &WITHOUT_EVIDENCE, findings);
    GatePolicy {
        tolerance: percent("tolerance", &raw.tolerance, findings).unwrap_or(default.tolerance),
        min_requests: integer("min_requests", &raw.min_requests, 1..=1_000_000, findings)
            .unwrap_or(default.min_requests),
        evidence_wait: wait.unwrap_or(default.evidence_wait),
        without_evidence: without.unwrap_or(default.without_evidence),
    }
}

fn share(name: &str, field: &Field<String>, findings: &mut Findings) -> Option<Share> {
    let Spanned { value, span } = field.given()?;
    let share = value.parse();
    if let Err(error) = &share {
        let message = format!("`{name}` is `{value}`, which is {error}");
        findings.push(Diagnostic::new(Code::InvalidShare, *span, message));
    }
    share.ok()
}

fn percent(name: &str, field: &Field<String>, findings: &mut Findings) -> Option<u8> {
    let Spanned { value, span } = field.given()?;
    match value.parse() {
        Ok(Share::Percent(percent)) => Some(percent),
        Ok(Share::Count(_)) | Err(_) => {
            let message = format!("`{name}` must be from 1% to 100%, not `{value}`");
            findings.push(Diagnostic::new(Code::OutOfRange, *span, message));
            None
        }
    }
}

fn allow_shrink(field: &Field<String>, findings: &mut Findings) -> Option<String> {
    let Spanned { value, span } = field.given()?;
    let is_hash = value.len() >= MIN_HASH_CHARACTERS && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        let message = "`allow_shrink` must be the hash of a revision, or how it begins";
        findings.push(
            Diagnostic::new(Code::InvalidRevisionHash, *span, message)
                .with_hint("`harbrctl rollout status` shows the one to write"),
        );
    }
    is_hash.then(|| value.to_ascii_lowercase())
}
