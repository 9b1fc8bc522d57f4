//! Whether the traffic of a wave speaks against its revision. Pure: counts go in, a verdict comes out.
//!
//! - [`Meter`]: what one node reports, as what is new in it, and what it was like before.
//! - [`Tally`]: counts of requests, in all and by route.
//! - `wager`: the statistics. A bet against "it behaves as the others do", fair if that is true: its gain is evidence
//!   that holds at whatever time one looks.
//! - [`Gate`]: one rollout's bets, for each route and in all, on failures and on slow answers.

mod exhibit;
mod meter;
mod tally;
mod wager;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use harbr_model::GatePolicy;
use harbr_proto::LatencyHistogram;

pub(crate) use self::exhibit::Exhibit;
pub(crate) use self::meter::Meter;
pub(crate) use self::tally::{Counts, Tally};
pub(crate) use self::wager::Trials;
use self::wager::{Wager, upper_bound};

/// At equal behaviour so many rollouts are stopped, at most.
const FALSE_ALARMS: f64 = 1.0 / 1_000.0;
/// Of these, failures and slow answers may each cause this part by a bet that is won by chance, and this one by a past
/// that was worse than it looked: all together the whole.
const BY_BETS: f64 = 3.0 / 8.0;
const BY_THE_PAST: f64 = 1.0 / 8.0;
/// All bets begin anew after this time, so that what is late weighs as much as what is early.
const ROUND: Duration = Duration::from_secs(10);
/// Routes that are bet on each; the others count in all.
const MAX_ROUTES: usize = 2_000;
/// So many bad requests at least, however clear the figures are.
const MIN_BAD: u64 = 5;
/// With fewer requests than this nothing is compared to.
const MIN_REST: u64 = 20;
const MIN_PAST: u64 = 100;
/// Slow is what takes twice as long as all but 5 % did before, and longer than this.
const SLOW_AT_LEAST: Duration = Duration::from_millis(25);
/// By so many percentage points more requests may be slow.
const SLOW_TOLERANCE: f64 = 0.10;

/// What is new since the last look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic {
    /// Of nodes that serve the candidate.
    pub(crate) wave: Tally,
    /// Of nodes that serve what it is to replace.
    pub(crate) rest: Tally,
    /// Of nodes that were not in the wave at the last look: the last minute before they were.
    pub(crate) past: Tally,
}

/// The bets of one rollout.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    policy: GatePolicy,
    began: Option<Duration>,
    round: u32,
    /// `None`: all requests together.
    comparisons: BTreeMap<Option<Arc<str>>, Comparison>,
    past: Tally,
    /// How often the past has grown.
    pasts: u32,
    /// Of the wave, since the last [`Gate::next_wave`].
    requests: u64,
}

/// Why a revision should be taken back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Harm {
    route: Option<Arc<str>>,
    what: What,
    wave: Trials,
    reference: Trials,
    is_past: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Failed,
    Slow(Duration),
}

/// What a wave's traffic has shown when it found nothing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    Enough { requests: u64 },
    NotEnough { requests: u64 },
    None,
}

/// One route, or all.
#[derive(Debug, Clone)]
struct Comparison {
    /// From 1, in the order in which they came: what is early may be found guilty more easily.
    index: u32,
    failures: Bet,
    slow: Bet,
    /// The bucket past which an answer is slow, where that is known.
    limit: Option<usize>,
}

/// Against the rest of the fleet at the same time, and against the wave's own past.
#[derive(Debug, Clone, Default)]
struct Bet {
    against_rest: Wager,
    against_past: Wager,
    /// Not bet on yet: a bet needs both sides.
    open_wave: Trials,
    open_rest: Trials,
    wave: Trials,
    rest: Trials,
    past: Trials,
    /// What the share of bad requests was below before.
    bound: f64,
}

impl Gate {
    pub(crate) fn new(policy: GatePolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// The next wave has to show its own evidence. What harm there is goes on counting.
    pub(crate) fn next_wave(&mut self) {
        self.requests = 0;
    }

    pub(crate) fn evidence(&self) -> Evidence {
        match self.requests {
            0 => Evidence::None,
            requests if requests < u64::from(self.policy.min_requests) => Evidence::NotEnough { requests },
            requests => Evidence::Enough { requests },
        }
    }

    /// Takes new counts in. To be asked for a verdict after each.
    pub(crate) fn note(&mut self, traffic: &Traffic, now: Duration) {
        self.requests += traffic.wave.total.requests;
        if !traffic.past.is_empty() {
            self.past.merge(&traffic.past);
            self.pasts += 1;
            let past = &self.past;
            for (route, comparison) in &mut self.comparisons {
                comparison.remember(past.get(route.as_deref()), self.pasts);
            }
        }
        self.begin_round(now);
        self.note_one(None, &traffic.wave.total, Some(&traffic.rest.total));
        for (route, wave) in &traffic.wave.routes {
            self.note_one(Some(route), wave, traffic.rest.routes.get(route));
        }
        for (route, rest) in
            traffic.rest.routes.iter().filter(|(route, _)| !traffic.wave.routes.contains_key(*route))
        {
            self.note_one(Some(route), &Counts::default(), Some(rest));
        }
    }

    /// The harm, if there is any.
    pub(crate) fn verdict(&self) -> Option<Harm> {
        let harm = self.comparisons.iter().find_map(|(route, comparison)| self.harm(route, comparison))?;
        if harm.route.is_some() {
            return Some(harm);
        }
        // Together they were clear earlier than each for itself; a person wants to know where to look.
        let bet = |comparison: &Comparison| match harm.what {
            What::Failed => comparison.failures.clone(),
            What::Slow(_) => comparison.slow.clone(),
        };
        let routes =
            self.comparisons.iter().filter_map(|(route, comparison)| Some((route.clone()?, bet(comparison))));
        let worst = routes
            .filter(|(_, bet)| bet.wave.bad > 0)
            .max_by(|(_, a), (_, b)| a.weight().total_cmp(&b.weight()));
        let Some((route, bet)) = worst else { return Some(harm) };
        let reference = if harm.is_past { bet.past } else { bet.rest };
        Some(Harm { route: Some(route), wave: bet.wave, reference, ..harm })
    }

    fn begin_round(&mut self, now: Duration) {
        let began = *self.began.get_or_insert(now);
        let round = u32::try_from(now.saturating_sub(began).as_secs() / ROUND.as_secs()).unwrap_or(u32::MAX);
        if round != self.round {
            self.round = round;
            for comparison in self.comparisons.values_mut() {
                comparison.failures.begin_anew();
                comparison.slow.begin_anew();
            }
        }
    }

    fn note_one(&mut self, route: Option<&Arc<str>>, wave: &Counts, rest: Option<&Counts>) {
        let key = route.cloned();
        if !self.comparisons.contains_key(&key) {
            // Only what the wave has seen is of interest.
            if wave.requests == 0 || self.comparisons.len() > MAX_ROUTES {
                return;
            }
            let index = u32::try_from(self.comparisons.len()).unwrap_or(u32::MAX).saturating_add(1);
            let past = self.past.get(route.map(AsRef::as_ref));
            self.comparisons.insert(key.clone(), Comparison::new(index, past, self.pasts));
        }
        if let Some(comparison) = self.comparisons.get_mut(&key) {
            comparison.note(wave, rest);
        }
    }

    /// The gain of a bet that is harm, as its logarithm.
    fn needed(&self, comparison: &Comparison) -> f64 {
        let spent = |index: u32| f64::from(index) * (f64::from(index) + 1.0);
        let allowed = FALSE_ALARMS * BY_BETS / spent(self.round + 1) / spent(comparison.index);
        (1.0 / allowed).ln()
    }

    fn harm(&self, route: &Option<Arc<str>>, comparison: &Comparison) -> Option<Harm> {
        let needed = self.needed(comparison);
        let tolerance = f64::from(self.policy.tolerance) / 100.0;
        let slow = comparison.limit.map(|bucket| What::Slow(LatencyHistogram::upper_bound(bucket)));
        [(Some(What::Failed), &comparison.failures, tolerance), (slow, &comparison.slow, SLOW_TOLERANCE)]
            .into_iter()
            .find_map(|(what, bet, tolerance)| {
                let (what, (reference, is_past)) = (what?, bet.lost_to(needed, tolerance)?);
                Some(Harm { route: route.clone(), what, wave: bet.wave, reference, is_past })
            })
    }
}

impl Comparison {
    fn new(index: u32, past: Option<&Counts>, pasts: u32) -> Self {
        let mut comparison = Self { index, failures: Bet::default(), slow: Bet::default(), limit: None };
        comparison.remember(past, pasts);
        comparison
    }

    fn remember(&mut self, past: Option<&Counts>, pasts: u32) {
        let Some(past) = past.filter(|past| past.requests >= MIN_PAST) else { return };
        // What counts as slow stays what it was, so that it is the same for all that is counted.
        let limit = *self.limit.get_or_insert_with(|| {
            let usual = past.latency.quantile(0.95).unwrap_or_default();
            LatencyHistogram::bucket_of((usual * 2).max(SLOW_AT_LEAST))
        });
        let (index, pasts) = (f64::from(self.index), f64::from(pasts.max(1)));
        let doubt = FALSE_ALARMS * BY_THE_PAST / (index * (index + 1.0)) / (pasts * (pasts + 1.0));
        for (bet, trials) in
            [(&mut self.failures, past.failures()), (&mut self.slow, past.slower_than(limit))]
        {
            bet.past = trials;
            bet.bound = upper_bound(trials, doubt);
        }
    }

    fn note(&mut self, wave: &Counts, rest: Option<&Counts>) {
        let none = Counts::default();
        let rest = rest.unwrap_or(&none);
        self.failures.note(wave.failures(), rest.failures());
        if let Some(limit) = self.limit {
            self.slow.note(wave.slower_than(limit), rest.slower_than(limit));
        }
    }
}

impl Bet {
    fn note(&mut self, wave: Trials, rest: Trials) {
        self.wave += wave;
        self.rest += rest;
        self.open_wave += wave;
        self.open_rest += rest;
        if self.open_wave.count > 0 && self.open_rest.count > 0 {
            self.against_rest
                .stake_against(std::mem::take(&mut self.open_wave), std::mem::take(&mut self.open_rest));
        }
        if self.past.count >= MIN_PAST {
            self.against_past.stake_above(wave, self.bound);
        }
    }

    fn begin_anew(&mut self) {
        *self = Self { past: self.past, bound: self.bound, ..Self::default() };
    }

    /// What the wave is worse than, and whether that is its past.
    fn lost_to(&self, needed: f64, tolerance: f64) -> Option<(Trials, bool)> {
        if self.wave.bad < MIN_BAD {
            return None;
        }
        let is_clear = |wager: &Wager, reference: Trials| {
            wager.gain() >= needed && self.wave.share() - reference.share() >= tolerance
        };
        // Where both are known, it has to be worse than both: what fails everywhere at the same time is not the
        // revision's fault, nor are nodes that were as bad before.
        let past = (self.past.count >= MIN_PAST).then(|| is_clear(&self.against_past, self.past));
        let rest = (self.rest.count >= MIN_REST).then(|| is_clear(&self.against_rest, self.rest));
        match (rest, past) {
            (Some(true), Some(true) | None) => Some((self.rest, false)),
            (None, Some(true)) => Some((self.past, true)),
            (Some(_) | None, Some(_) | None) => None,
        }
    }

    /// For telling which route is to blame most.
    fn weight(&self) -> f64 {
        if self.rest.count >= MIN_REST { self.against_rest.gain() } else { self.against_past.gain() }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.route {
            Some(route) => write!(f, "route `{route}`: ")?,
            None => f.write_str("all routes together: ")?,
        }
        let what = self.what;
        let reference = if self.is_past { "in the minute before it was" } else { "on the rest of the fleet" };
        let (wave, other) = (self.wave, self.reference);
        write!(
            f,
            "{} of {} requests {what}, {reference} {} of {}",
            wave.bad, wave.count, other.bad, other.count
        )
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("failed"),
            Self::Slow(limit) => write!(f, "took longer than {limit:?}"),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enough { requests } => write!(f, "{requests} requests, as good as before"),
            Self::NotEnough { requests } => write!(f, "not_enough_evidence: {requests} requests"),
            Self::None => f.write_str("no_evidence: no requests"),
        }
    }
}

#[cfg(test)]
mod tests;
