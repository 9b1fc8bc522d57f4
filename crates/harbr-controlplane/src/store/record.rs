use std::fmt;

use harbr_proto::SnapshotHash;
use serde::{Deserialize, Serialize};

/// What is recorded of a revision. Its number and what it holds never change; its fate does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RevisionRecord {
    pub(crate) number: u64,
    #[serde(with = "hash_as_text")]
    pub(crate) hash: SnapshotHash,
    /// Milliseconds since the epoch.
    pub(crate) made: u64,
    pub(crate) cause: Cause,
    /// Who had it made, if it was a person, and why.
    pub(crate) actor: String,
    pub(crate) reason: String,
    /// What it changed against the one that served the fleet.
    pub(crate) summary: String,
    /// The revision whose file this one is of: itself, or the one that it returns to.
    pub(crate) source: u64,
    pub(crate) fate: Fate,
    /// What happened to it, in the order in which it did; why it ended is the last.
    pub(crate) story: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// The file was changed.
    File,
    /// The file had changed while no controller watched it.
    Restart,
    /// An operator wanted this older one back.
    Rollback { to: u64 },
    /// This one was taken back, and what had served before it returns.
    TakenBack { from: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// It is held.
    Pending,
    /// It is on its way, or on trial.
    Rolling,
    Proven,
    /// It did harm, or a node could not take it.
    Rejected,
    /// An operator wanted it back.
    RolledBack,
    /// Another one took its place before it was proven.
    Superseded,
}

/// That somebody changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditRecord {
    /// Milliseconds since the epoch.
    pub(crate) at: u64,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) what: String,
}

impl Fate {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Rolling => "rolling",
            Self::Proven => "proven",
            Self::Rejected => "rejected",
            Self::RolledBack => "rolled_back",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::Restart => f.write_str("restart"),
            Self::Rollback { to } => write!(f, "rollback to {to}"),
            Self::TakenBack { from } => write!(f, "{from} was taken back"),
        }
    }
}

/// A hash in JSON.
pub(crate) mod hash_as_text {
    use harbr_proto::SnapshotHash;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(hash: &SnapshotHash, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(hash)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SnapshotHash, D::Error> {
        let text = String::deserialize(from)?;
        SnapshotHash::from_hex(&text).ok_or_else(|| D::Error::custom("not a hash"))
    }
}
