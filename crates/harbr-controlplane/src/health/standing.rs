use harbr_model::{Health, HealthCheck};

/// What the results so far say of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) health: Health,
    /// Results in a row that speak against `health`.
    against: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    Failure,
}

impl Standing {
    pub(crate) const UNKNOWN: Self = Self { health: Health::Unknown, against: 0 };

    /// The first result decides at once; later ones need `rise` or `fall` in a row to turn it over.
    pub(crate) fn after(self, verdict: Verdict, check: &HealthCheck) -> Self {
        let (says, needed) = match verdict {
            Verdict::Success => (Health::Healthy, check.rise),
            Verdict::Failure => (Health::Unhealthy, check.fall),
        };
        let against = self.against.saturating_add(1);
        match self.health {
            health if health == says => Self { health, against: 0 },
            Health::Healthy | Health::Unhealthy if against < needed => Self { against, ..self },
            Health::Unknown | Health::Healthy | Health::Unhealthy => Self { health: says, against: 0 },
        }
    }
}

#[cfg(test)]
mod tests;
