use std::sync::Arc;

use harbr_proto::{LatencyHistogram, v1};

use super::{Bet, Comparison, Gate, MIN_PAST, MIN_REST, Trials, What};

/// One bet for people who look: what is compared, and how far it has gone towards harm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exhibit {
    /// `None`: all requests together.
    route: Option<Arc<str>>,
    what: What,
    wave: Trials,
    rest: Trials,
    past: Trials,
    /// A share of what is needed to call it harm; never below 0.
    evidence: f64,
}

impl Gate {
    /// All requests together, and the routes with the most evidence against them.
    pub(crate) fn exhibits(&self, most: usize) -> Vec<Exhibit> {
        let mut exhibits: Vec<Exhibit> = Vec::new();
        for (route, comparison) in &self.comparisons {
            let needed = self.needed(comparison);
            let of = |what, bet: &Bet| Exhibit {
                route: route.clone(),
                what,
                wave: bet.wave,
                rest: bet.rest,
                past: bet.past,
                evidence: (bet.gain() / needed).max(0.0),
            };
            exhibits.push(of(What::Failed, &comparison.failures));
            exhibits.extend(slow(comparison).map(|(what, bet)| of(what, bet)));
        }
        let weight = |exhibit: &Exhibit| (exhibit.route.is_none(), exhibit.evidence, exhibit.wave.count);
        exhibits.sort_by(|a, b| {
            let ((a_all, a_gain, a_count), (b_all, b_gain, b_count)) = (weight(a), weight(b));
            b_all.cmp(&a_all).then(b_gain.total_cmp(&a_gain)).then(b_count.cmp(&a_count))
        });
        exhibits.truncate(most);
        exhibits
    }
}

fn slow(comparison: &Comparison) -> Option<(What, &Bet)> {
    let limit = LatencyHistogram::upper_bound(comparison.limit?);
    Some((What::Slow(limit), &comparison.slow))
}

impl Bet {
    /// The logarithm of the gain that counts: where both references are known, the wave has to be worse than both.
    fn gain(&self) -> f64 {
        let past = (self.past.count >= MIN_PAST).then(|| self.against_past.gain());
        let rest = (self.rest.count >= MIN_REST).then(|| self.against_rest.gain());
        match (rest, past) {
            (Some(rest), Some(past)) => rest.min(past),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => 0.0,
        }
    }
}

impl From<Exhibit> for v1::Comparison {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0, and a float saturates"
    )]
    fn from(exhibit: Exhibit) -> Self {
        let trials = |trials: Trials| Some(v1::Trials { requests: trials.count, bad: trials.bad });
        Self {
            route: exhibit.route.as_deref().unwrap_or_default().to_owned(),
            bad: exhibit.what.to_string(),
            wave: trials(exhibit.wave),
            rest: trials(exhibit.rest),
            past: trials(exhibit.past),
            evidence_percent: (exhibit.evidence * 100.0) as u32,
        }
    }
}

#[cfg(test)]
mod tests;
