use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How a revision reaches the fleet, and what may stop it. It is the controller's alone: no node is sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutPolicy {
    pub strategy: Strategy,
    /// How long a revision has to serve the whole fleet, after its last bake, before it counts as proven.
    pub proving_time: Duration,
    /// Of a wave's nodes so many may be unable to take the revision.
    pub max_unavailable: Share,
    pub gate: GatePolicy,
    /// A change that removes more than this share of the routes, upstreams or endpoints is held; in percent.
    pub max_shrink: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// One after the other; after the last the rest of the fleet.
    Waves(Vec<Wave>),
    /// The whole fleet at once. It is watched all the same.
    Immediate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    pub nodes: WaveNodes,
    /// How long it serves these nodes before the next wave.
    pub bake: Duration,
}

/// Who is in a wave, beside those of the waves before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaveNodes {
    /// So many of the connected nodes, the earlier waves' among them.
    Share(Share),
    /// Those with all of these labels.
    Labels(BTreeMap<String, String>),
}

/// A count, or a percentage of a whole, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Count(u32),
    Percent(u8),
}

/// What the traffic of a wave is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatePolicy {
    /// By so many percentage points more requests may fail than elsewhere and before.
    pub tolerance: u8,
    /// With fewer requests than this a wave has shown nothing.
    pub min_requests: u32,
    /// A wave that has shown too little waits for so long after its bake; what then, says `without_evidence`.
    pub evidence_wait: Duration,
    pub without_evidence: WithoutEvidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutEvidence {
    Continue,
    /// Until an operator promotes it.
    Hold,
}

/// A share is neither a whole number nor a percentage from 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number of nodes such as `2`, nor a percentage such as `25%`")]
pub struct InvalidShare;

impl RolloutPolicy {
    /// One node first.
    #[must_use]
    pub fn first_wave() -> Wave {
        Wave { nodes: WaveNodes::Share(Share::Count(1)), bake: Duration::from_secs(1) }
    }
}

impl Default for RolloutPolicy {
    fn default() -> Self {
        Self {
            strategy: Strategy::Waves(vec![Self::first_wave()]),
            proving_time: Duration::from_secs(30),
            max_unavailable: Share::Percent(10),
            gate: GatePolicy::default(),
            max_shrink: 50,
        }
    }
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self {
            tolerance: 1,
            min_requests: 100,
            evidence_wait: Duration::ZERO,
            without_evidence: WithoutEvidence::Continue,
        }
    }
}

impl Share {
    #[must_use]
    pub fn of(self, whole: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX).min(whole),
            Self::Percent(percent) => (whole * usize::from(percent)).div_ceil(100),
        }
    }
}

impl FromStr for Share {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Self, InvalidShare> {
        match text.strip_suffix('%') {
            Some(percent) => {
                percent.parse().ok().filter(|percent| (1..=100).contains(percent)).map(Self::Percent)
            }
            None => text.parse().ok().map(Self::Count),
        }
        .ok_or(InvalidShare)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl fmt::Display for WaveNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => share.fmt(f),
            Self::Labels(labels) => {
                let labels: Vec<String> =
                    labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                f.write_str(&labels.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests;
