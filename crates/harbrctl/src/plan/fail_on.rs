use std::fmt;
use std::str::FromStr;

use super::document::{ChangesDocument, PlanDocument};

/// A condition under which a pipeline should stop: `routes.removed>0`.
#[derive(Debug, Clone)]
pub(crate) struct FailOn {
    quantity: &'static str,
    comparison: Comparison,
    limit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
}

const QUANTITIES: [&str; 12] = [
    "routes.added",
    "routes.removed",
    "routes.changed",
    "upstreams.added",
    "upstreams.removed",
    "upstreams.changed",
    "listeners.added",
    "listeners.removed",
    "listeners.changed",
    "settings.changed",
    "shadowed",
    "warnings",
];

impl FailOn {
    pub(crate) fn is_met(&self, plan: &PlanDocument) -> bool {
        let quantity = quantity(plan, self.quantity);
        match self.comparison {
            Comparison::Above => quantity > self.limit,
            Comparison::AtLeast => quantity >= self.limit,
        }
    }
}

fn quantity(plan: &PlanDocument, name: &str) -> u64 {
    let of = |changes: &ChangesDocument, which: &str| match which {
        "added" => changes.added.len(),
        "removed" => changes.removed.len(),
        _ => changes.changed.len(),
    };
    let count = match name.split_once('.') {
        Some(("routes", which)) => of(&plan.routes, which),
        Some(("upstreams", which)) => of(&plan.upstreams, which),
        Some(("listeners", which)) => of(&plan.listeners, which),
        Some(_) => plan.settings.len(),
        None if name == "shadowed" => plan.shadowed.len(),
        None => plan.warnings.len(),
    };
    count as u64
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('>').ok_or("a condition is written `routes.removed>0`")?;
        let (comparison, limit) = match rest.strip_prefix('=') {
            Some(limit) => (Comparison::AtLeast, limit),
            None => (Comparison::Above, rest),
        };
        let limit = limit.trim().parse().map_err(|_| format!("`{limit}` is not a whole number"))?;
        let quantity = QUANTITIES.into_iter().find(|known| *known == name.trim());
        let quantity = quantity.ok_or_else(|| format!("there is {}", QUANTITIES.join(", ")))?;
        Ok(Self { quantity, comparison, limit })
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comparison = match self.comparison {
            Comparison::Above => ">",
            Comparison::AtLeast => ">=",
        };
        write!(f, "{}{comparison}{}", self.quantity, self.limit)
    }
}
