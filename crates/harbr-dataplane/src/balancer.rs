use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use harbr_model::Balance;

/// Picks one of an upstream's endpoints, by index. What an endpoint is stays the caller's: it says which are
/// eligible and how busy each is.
#[derive(Debug)]
pub(crate) struct Balancer {
    balance: Balance,
    weights: Box<[u32]>,
    /// Sums of the weights up to and with each endpoint.
    cumulative: Box<[usize]>,
    /// Coprime to the total weight, near the golden ratio of it: walks all shares once a cycle, evenly spread.
    stride: usize,
    cursor: AtomicUsize,
}

/// Draws by weight that may miss before the eligible endpoints are counted out one by one.
const DRAWS: usize = 8;

impl Balancer {
    pub(crate) fn new(balance: Balance, weights: impl IntoIterator<Item = u32>) -> Self {
        let weights: Box<[u32]> = weights.into_iter().collect();
        let shares = weights.iter().scan(0_usize, |sum, weight| {
            *sum += *weight as usize;
            Some(*sum)
        });
        let cumulative: Box<[usize]> = shares.collect();
        let stride = coprime_near_golden_ratio(cumulative.last().copied().unwrap_or(1));
        Self { balance, weights, cumulative, stride, cursor: AtomicUsize::new(0) }
    }

    pub(crate) fn pick(
        &self,
        eligible: impl Fn(usize) -> bool,
        load: impl Fn(usize) -> u32,
    ) -> Option<usize> {
        if self.weights.len() == 1 {
            return eligible(0).then_some(0);
        }
        match self.balance {
            Balance::RoundRobin => self.next_in_turn(eligible),
            Balance::LeastRequest => self.less_busy_of_two(eligible, load),
        }
    }

    fn next_in_turn(&self, eligible: impl Fn(usize) -> bool) -> Option<usize> {
        let turns = (0..DRAWS).map(|_| self.cursor.fetch_add(1, Relaxed).wrapping_mul(self.stride));
        turns.map(|turn| self.at_share(turn)).find(|&index| eligible(index)).or_else(|| self.any(&eligible))
    }

    fn less_busy_of_two(
        &self,
        eligible: impl Fn(usize) -> bool,
        load: impl Fn(usize) -> u32,
    ) -> Option<usize> {
        let draw = |eligible: &dyn Fn(usize) -> bool| {
            let mut draws = (0..DRAWS).map(|_| self.at_share(fastrand::usize(..)));
            draws.find(|&index| eligible(index)).or_else(|| self.any(&eligible))
        };
        let first = draw(&eligible)?;
        let Some(second) = draw(&|index| index != first && eligible(index)) else { return Some(first) };
        // Requests per weight, the one to come counted in.
        let cost = |index: usize, other: usize| (u64::from(load(index)) + 1) * u64::from(self.weights[other]);
        Some(if cost(second, first) < cost(first, second) { second } else { first })
    }

    /// When nearly all are out: an eligible one at random, found by looking at each.
    fn any(&self, eligible: &impl Fn(usize) -> bool) -> Option<usize> {
        let left: Vec<usize> = (0..self.weights.len()).filter(|&index| eligible(index)).collect();
        fastrand::choice(left)
    }

    /// The endpoint that owns a share of the total weight.
    fn at_share(&self, share: usize) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(1);
        self.cumulative.partition_point(|sum| *sum <= share % total)
    }
}

fn coprime_near_golden_ratio(total: usize) -> usize {
    let start = total * 618 / 1_000;
    (start..=start + total).find(|&stride| gcd(stride, total) == 1).unwrap_or(1)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
