use std::collections::BTreeSet;

use harbr_proto::{Fence, SnapshotHash, v1};

use crate::caller::one_line;

const MAX_ID_BYTES: usize = 253;
const MAX_TEXT_BYTES: usize = 256;
const MAX_LABELS: usize = 64;
/// Of what a node has in quarantine, so many are looked at.
const MAX_QUARANTINED: usize = 64;

/// Of what its build can do, so many are looked at.
const MAX_FEATURES: usize = 256;

/// What a node says of itself at first, within limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) labels: Vec<v1::Label>,
    pub(crate) build: String,
    pub(crate) admin_addr: String,
    /// What it obeyed last, and has.
    pub(crate) serving: Option<(Fence, u64, SnapshotHash)>,
    pub(crate) limits: v1::Limits,
    pub(crate) schema_version: u32,
    /// What its build can do beyond the first schema version.
    pub(crate) features: BTreeSet<String>,
    /// The process before this one did not end by its own will.
    pub(crate) ended_uncleanly: bool,
    /// What it died of, and refuses.
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) pinned: Option<v1::Override>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quarantined {
    pub(crate) hash: SnapshotHash,
    pub(crate) revision: u64,
    pub(crate) reason: String,
}

impl Quarantined {
    fn from_wire(wire: v1::Quarantined) -> Option<Self> {
        let v1::Quarantined { hash, revision, reason } = wire;
        Some(Self { hash: SnapshotHash::from_slice(&hash)?, revision, reason: one_line(&reason) })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidGreeting {
    #[error("the node has no id")]
    NoId,
    #[error("{0} is too long")]
    TooLong(&'static str),
    #[error("there are more than {MAX_LABELS} labels")]
    TooManyLabels,
    #[error("the hash of what is served is not 32 bytes")]
    Hash,
}

impl TryFrom<v1::Hello> for Greeting {
    type Error = InvalidGreeting;

    fn try_from(hello: v1::Hello) -> Result<Self, InvalidGreeting> {
        let v1::Hello { node_id, instance_id, labels, build, serving, admin_addr, .. } = hello;
        let quarantined =
            hello.quarantined.into_iter().take(MAX_QUARANTINED).filter_map(Quarantined::from_wire);
        if node_id.is_empty() {
            return Err(InvalidGreeting::NoId);
        }
        check_length("the id", &node_id, MAX_ID_BYTES)?;
        check_length("the instance id", &instance_id, MAX_TEXT_BYTES)?;
        check_length("the build", &build, MAX_TEXT_BYTES)?;
        check_length("the admin address", &admin_addr, MAX_TEXT_BYTES)?;
        if labels.len() > MAX_LABELS {
            return Err(InvalidGreeting::TooManyLabels);
        }
        for label in &labels {
            check_length("a label", &label.name, MAX_TEXT_BYTES)?;
            check_length("a label", &label.value, MAX_TEXT_BYTES)?;
        }
        let serving =
            serving.filter(|serving| !serving.hash.is_empty()).map(serving_from_wire).transpose()?;
        Ok(Self {
            id: node_id,
            instance: instance_id,
            labels,
            build,
            admin_addr,
            serving,
            limits: hello.limits.unwrap_or_default(),
            // One that does not say speaks the first.
            schema_version: hello.schema_version.max(1),
            features: hello.features.into_iter().take(MAX_FEATURES).collect(),
            ended_uncleanly: hello.ended_uncleanly,
            quarantined: quarantined.collect(),
            pinned: hello.r#override,
        })
    }
}

fn serving_from_wire(serving: v1::Serving) -> Result<(Fence, u64, SnapshotHash), InvalidGreeting> {
    let hash = SnapshotHash::from_slice(&serving.hash).ok_or(InvalidGreeting::Hash)?;
    Ok((serving.fence.unwrap_or_default().into(), serving.revision, hash))
}

fn check_length(what: &'static str, text: &str, limit: usize) -> Result<(), InvalidGreeting> {
    if text.len() > limit { Err(InvalidGreeting::TooLong(what)) } else { Ok(()) }
}
