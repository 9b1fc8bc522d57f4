use std::time::Instant;

use harbr_proto::{EncodedSnapshot, Fence, SnapshotHash, v1};

/// What is served, and by whose word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serving {
    pub fence: Fence,
    pub revision: u64,
    pub hash: SnapshotHash,
}

impl Serving {
    pub(crate) fn from_wire(wire: v1::Serving) -> Option<Self> {
        let v1::Serving { fence, revision, hash } = wire;
        Some(Self { fence: fence?.into(), revision, hash: SnapshotHash::from_slice(&hash)? })
    }
}

impl From<Serving> for v1::Serving {
    fn from(Serving { fence, revision, hash }: Serving) -> Self {
        Self { fence: Some(fence.into()), revision, hash: hash.as_bytes().to_vec() }
    }
}

/// A snapshot that the controller wants served.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub serving: Serving,
    pub snapshot: EncodedSnapshot,
    pub standing: Standing,
    /// When the last of it arrived.
    pub arrived: Instant,
}

/// What the fleet knows of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Candidate,
    /// It has served all of it for its proving time.
    Proven,
}

/// Why a snapshot was not taken; what served before serves on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Bad for any node.
    #[error("{0}")]
    Invalid(String),
    /// This node cannot take it now.
    #[error("{0}")]
    Local(String),
}
