use std::time::Duration;

use crate::v1;

/// Each doubling is cut into this many buckets of equal width, so that a bucket is at most an eighth as wide as
/// what it holds is long.
const PARTS: u64 = 8;
const PART_BITS: u32 = PARTS.ilog2();
/// What lasts this long or longer, 134 s, is in the last bucket.
const END_BITS: u32 = 27;

/// How long requests took, in buckets that are the same everywhere, so that histograms of many nodes add up.
///
/// Log-linear over microseconds: a bucket for each of 0 to 7, then eight for each doubling up to 2^27.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    /// By bucket, up to the last that has any.
    counts: Vec<u64>,
}

/// What came as a histogram is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHistogram {
    #[error("there are {buckets} buckets and {counts} counts")]
    Lengths { buckets: usize, counts: usize },
    #[error("there is no bucket {0}")]
    Bucket(u32),
}

impl LatencyHistogram {
    pub const BUCKETS: usize = ((END_BITS - PART_BITS) as usize + 1) * PARTS as usize;

    /// Below [`Self::BUCKETS`].
    #[must_use]
    pub fn bucket_of(latency: Duration) -> usize {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).min((1 << END_BITS) - 1);
        if micros < PARTS {
            return index(micros);
        }
        let doublings = micros.ilog2() - PART_BITS;
        // The leading bits of it, from 8 to 15.
        let part = micros >> doublings;
        index(u64::from(doublings) * PARTS + part)
    }

    /// The shortest latency of the bucket after this one; of the last one its own, 134 s.
    #[must_use]
    pub fn upper_bound(bucket: usize) -> Duration {
        let next = bucket as u64 + 1;
        if next < 2 * PARTS {
            return Duration::from_micros(next);
        }
        let (doublings, part) = (next / PARTS - 1, next % PARTS + PARTS);
        Duration::from_micros(part << doublings.min(u64::from(END_BITS - PART_BITS)))
    }

    pub fn record(&mut self, latency: Duration) {
        self.add(Self::bucket_of(latency), 1);
    }

    /// Counts of a bucket that was found by [`Self::bucket_of`]; those of others are left out.
    pub fn add(&mut self, bucket: usize, count: u64) {
        if count == 0 || bucket >= Self::BUCKETS {
            return;
        }
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] = self.counts[bucket].saturating_add(count);
    }

    pub fn merge(&mut self, other: &Self) {
        other.counts.iter().enumerate().for_each(|(bucket, count)| self.add(bucket, *count));
    }

    /// What was recorded after `earlier`, an older state of this histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = Self::default();
        for (bucket, count) in self.counts.iter().enumerate() {
            since.add(bucket, count.saturating_sub(earlier.counts.get(bucket).copied().unwrap_or(0)));
        }
        since
    }

    /// How many latencies were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Counts by bucket, from the first up to the last that has any.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The upper bound of the bucket that this share of the latencies, from 0 to 1, is in or below: at most an
    /// eighth above the latency itself. `None` when there are none.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank that is off by one in 2^53 is in the same bucket"
    )]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = ((share.clamp(0.0, 1.0) * self.count() as f64).ceil() as u64).max(1);
        let mut seen = 0_u64;
        let bucket = self.counts.iter().position(|count| {
            seen = seen.saturating_add(*count);
            seen >= rank
        })?;
        Some(Self::upper_bound(bucket))
    }
}

impl From<&LatencyHistogram> for v1::LatencyHistogram {
    fn from(histogram: &LatencyHistogram) -> Self {
        let filled = || histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        Self {
            buckets: filled().filter_map(|(bucket, _)| u32::try_from(bucket).ok()).collect(),
            counts: filled().map(|(_, count)| *count).collect(),
        }
    }
}

impl TryFrom<v1::LatencyHistogram> for LatencyHistogram {
    type Error = InvalidHistogram;

    fn try_from(wire: v1::LatencyHistogram) -> Result<Self, InvalidHistogram> {
        let v1::LatencyHistogram { buckets, counts } = wire;
        if buckets.len() != counts.len() {
            return Err(InvalidHistogram::Lengths { buckets: buckets.len(), counts: counts.len() });
        }
        let mut histogram = Self::default();
        for (bucket, count) in buckets.into_iter().zip(counts) {
            let index = usize::try_from(bucket).ok().filter(|index| *index < Self::BUCKETS);
            histogram.add(index.ok_or(InvalidHistogram::Bucket(bucket))?, count);
        }
        Ok(histogram)
    }
}

fn index(bucket: u64) -> usize {
    usize::try_from(bucket).expect("there are fewer buckets than fit a byte")
}

#[cfg(test)]
mod tests;
