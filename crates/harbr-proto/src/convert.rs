use std::fmt;

use harbr_model::Health;

use crate::v1;

/// What orders all that a node is told: it obeys only what is above the last it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Fence {
    pub epoch: u64,
    pub generation: u64,
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.generation)
    }
}

impl From<Fence> for v1::Fence {
    fn from(Fence { epoch, generation }: Fence) -> Self {
        Self { epoch, generation }
    }
}

impl From<v1::Fence> for Fence {
    fn from(v1::Fence { epoch, generation }: v1::Fence) -> Self {
        Self { epoch, generation }
    }
}

#[must_use]
pub fn health_to_wire(health: Health) -> v1::Health {
    match health {
        Health::Unknown => v1::Health::Unknown,
        Health::Healthy => v1::Health::Healthy,
        Health::Unhealthy => v1::Health::Unhealthy,
    }
}

/// `None` for a value that this build does not know.
#[must_use]
pub fn health_from_wire(health: i32) -> Option<Health> {
    match v1::Health::try_from(health).ok()? {
        v1::Health::Unspecified => None,
        v1::Health::Unknown => Some(Health::Unknown),
        v1::Health::Healthy => Some(Health::Healthy),
        v1::Health::Unhealthy => Some(Health::Unhealthy),
    }
}
