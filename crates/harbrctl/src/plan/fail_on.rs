use std::fmt;
use std::str::FromStr;

use super::document::{ChangesDocument, MoveKind, PlanDocument};
use crate::lookup::nearest;

/// A condition under which a pipeline should stop: `routes.removed>0`, `404>0`, `changed>5%`, `404>=1/s`.
#[derive(Debug, Clone)]
pub(crate) struct FailOn {
    quantity: Quantity,
    comparison: Comparison,
    limit: Limit,
}

/// That a condition is about something that is not known.
#[derive(Debug, thiserror::Error)]
#[error("--fail-on {condition} needs a traffic sample, and there is none{why}")]
pub(crate) struct Undecided {
    condition: FailOn,
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    /// Of what the two say.
    Structure(&'static str),
    /// Of requests of the last minutes.
    Traffic(MoveKind),
    /// Requests that were looked at.
    Sampled,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    Count(f64),
    Percent(f64),
    PerSecond(f64),
}

const STRUCTURE: [&str; 12] = [
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

const TRAFFIC: [(&str, Quantity); 8] = [
    ("404", Quantity::Traffic(MoveKind::NotFound)),
    ("405", Quantity::Traffic(MoveKind::MethodNotAllowed)),
    ("routed", Quantity::Traffic(MoveKind::Routed)),
    ("upstream", Quantity::Traffic(MoveKind::Upstream)),
    ("route", Quantity::Traffic(MoveKind::Route)),
    ("changed", Quantity::Traffic(MoveKind::Changed)),
    ("edited", Quantity::Traffic(MoveKind::Edited)),
    ("sampled", Quantity::Sampled),
];

/// The longer ones first, of which the others are the beginning.
const COMPARISONS: [(&str, Comparison); 4] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl FailOn {
    /// `why`: there is no traffic.
    ///
    /// # Errors
    /// If it is about traffic, and none is known.
    pub(crate) fn is_met(&self, plan: &PlanDocument, why: Option<&str>) -> Result<bool, Undecided> {
        let undecided = || Undecided {
            condition: self.clone(),
            why: why.map(|why| format!(": {why}")).unwrap_or_default(),
        };
        let (quantity, limit) = match (self.quantity, self.limit) {
            (Quantity::Structure(name), limit) => (structure(plan, name) as f64, limit.number()),
            (Quantity::Sampled, limit) => {
                (plan.traffic.as_ref().map_or(0.0, |traffic| traffic.sampled as f64), limit.number())
            }
            (Quantity::Traffic(kind), limit) => {
                let of = plan.traffic.as_ref().ok_or_else(undecided)?.of(kind);
                match limit {
                    Limit::Count(limit) => (of.requests, limit),
                    Limit::Percent(limit) => (of.share * 100.0, limit),
                    Limit::PerSecond(limit) => (of.per_second, limit),
                }
            }
        };
        Ok(match self.comparison {
            Comparison::Above => quantity > limit,
            Comparison::AtLeast => quantity >= limit,
            Comparison::Below => quantity < limit,
            Comparison::AtMost => quantity <= limit,
        })
    }
}

fn structure(plan: &PlanDocument, name: &str) -> u64 {
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

impl Limit {
    fn number(self) -> f64 {
        let (Self::Count(number) | Self::Percent(number) | Self::PerSecond(number)) = self;
        number
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = COMPARISONS.into_iter().find_map(|(sign, comparison)| {
            text.split_once(sign).map(|(name, limit)| (name.trim(), comparison, limit.trim()))
        });
        let (name, comparison, limit) =
            parts.ok_or("a condition is written `404>0`, `changed>5%` or `404>1/s`")?;
        let quantity = quantity(name)?;
        let limit: Limit = limit.parse()?;
        if !matches!(quantity, Quantity::Traffic(_)) && !matches!(limit, Limit::Count(_)) {
            return Err(format!("`{name}` is a number of things, not a share or a rate of requests"));
        }
        Ok(Self { quantity, comparison, limit })
    }
}

fn quantity(name: &str) -> Result<Quantity, String> {
    let structure = STRUCTURE.into_iter().find(|known| *known == name).map(Quantity::Structure);
    let traffic = || TRAFFIC.into_iter().find(|(known, _)| *known == name).map(|(_, quantity)| quantity);
    structure.or_else(traffic).ok_or_else(|| {
        let names = || STRUCTURE.into_iter().chain(TRAFFIC.map(|(name, _)| name));
        match nearest(names(), name) {
            Some(near) => format!("there is no `{name}`: did you mean `{near}`?"),
            None => format!("there is no `{name}`; there is {}", names().collect::<Vec<_>>().join(", ")),
        }
    })
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, limit): (&str, fn(f64) -> Self) = match (text.strip_suffix('%'), text.strip_suffix("/s"))
        {
            (Some(number), _) => (number, Self::Percent),
            (None, Some(number)) => (number, Self::PerSecond),
            (None, None) => (text, Self::Count),
        };
        let number = number.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        number.map(limit).ok_or_else(|| format!("`{text}` is no number, such as `10`, `2.5%` or `1/s`"))
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.quantity {
            Quantity::Structure(name) => name,
            of @ (Quantity::Traffic(_) | Quantity::Sampled) => {
                TRAFFIC.into_iter().find(|(_, known)| *known == of).map_or("", |(name, _)| name)
            }
        };
        let sign =
            COMPARISONS.into_iter().find(|(_, known)| *known == self.comparison).map_or("", |(sign, _)| sign);
        let unit = match self.limit {
            Limit::Count(_) => "",
            Limit::Percent(_) => "%",
            Limit::PerSecond(_) => "/s",
        };
        write!(f, "{name}{sign}{}{unit}", self.limit.number())
    }
}
