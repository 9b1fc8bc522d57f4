use std::ops::AddAssign;

/// By how much worse the wave may be, as the bet has it: a share of the stake on each.
const TIMES_WORSE: [f64; 6] = [1.5, 2.0, 4.0, 10.0, 40.0, 200.0];

/// Requests, and how many of them were bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Trials {
    pub(crate) count: u64,
    pub(crate) bad: u64,
}

/// A bet that is fair as long as the wave is no worse: it multiplies what was staked by at most 1 on average. So its
/// gain reaches `1/a` with a chance of `a` at most, over all times at which one may look (Ville's inequality).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Wager {
    /// The logarithm of what each of [`TIMES_WORSE`] has made of its stake.
    gains: [f64; TIMES_WORSE.len()],
}

impl Trials {
    #[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
    pub(super) fn share(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.bad as f64 / self.count as f64 }
    }
}

impl AddAssign for Trials {
    fn add_assign(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.bad = self.bad.saturating_add(other.bad);
    }
}

impl Wager {
    /// Bets on the wave having more than its part of what was bad, in a window in which both sides had requests. At
    /// equal behaviour each bad request is the wave's with the chance of its part of all requests, whatever the share
    /// of bad ones is at that time. (Of a fixed number of requests that is drawn without putting back, which is less
    /// spread, so the bet is at most fair.)
    #[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
    pub(super) fn stake_against(&mut self, wave: Trials, rest: Trials) {
        let part = wave.count as f64 / (wave.count + rest.count) as f64;
        let bad = (wave.bad + rest.bad) as f64;
        for (gain, times) in self.gains.iter_mut().zip(TIMES_WORSE) {
            *gain += wave.bad as f64 * times.ln() - bad * (1.0 + part * (times - 1.0)).ln();
        }
    }

    /// Bets on more than this share of requests being bad.
    #[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
    pub(super) fn stake_above(&mut self, wave: Trials, bound: f64) {
        let bound = bound.clamp(1e-9, 0.999);
        for (gain, times) in self.gains.iter_mut().zip(TIMES_WORSE) {
            // Towards 1, where a multiple would be above it.
            let share = (bound * times).min(1.0 - (1.0 - bound) / times);
            let good = (wave.count - wave.bad.min(wave.count)) as f64;
            *gain += wave.bad as f64 * (share / bound).ln() + good * ((1.0 - share) / (1.0 - bound)).ln();
        }
    }

    /// The logarithm of what all have made of the stake together.
    pub(super) fn gain(&self) -> f64 {
        let most = self.gains.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.gains.iter().map(|gain| (gain - most).exp()).sum();
        most + (sum / TIMES_WORSE.len() as f64).ln()
    }
}

/// What the true share of bad requests is below, but for a chance of `doubt` (Chernoff's bound).
#[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
pub(super) fn upper_bound(seen: Trials, doubt: f64) -> f64 {
    let share = seen.share();
    let far = (1.0 / doubt).ln() / seen.count.max(1) as f64;
    let (mut low, mut high) = (share, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if divergence(share, middle) < far { low = middle } else { high = middle }
    }
    high
}

/// Of one share from another, in nats (Kullback and Leibler).
fn divergence(share: f64, other: f64) -> f64 {
    let term = |a: f64, b: f64| if a <= 0.0 { 0.0 } else { a * (a / b.max(f64::MIN_POSITIVE)).ln() };
    term(share, other) + term(1.0 - share, 1.0 - other)
}

#[cfg(test)]
mod tests;
