use std::collections::VecDeque;
use std::time::{Duration, Instant};

use harbr_model::{MAX_SAMPLE_STRIDE, TrafficSample};

use super::{BYTES_EACH, MIN_BYTES, SampleSize, Sampled, WINDOW};

/// What one worker remembers: of all its requests of the window one in so many. Where there is no room for that, half
/// of them go, at random, and each of the others stands for twice as many; so the window stays whole.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// The oldest first.
    requests: VecDeque<Sampled>,
    bytes: usize,
    /// Of so many requests one.
    stride: u32,
    /// Since when; `None`: it is off.
    since: Option<Instant>,
}

/// What one worker may remember.
#[derive(Debug, Clone, Copy)]
pub(super) struct RingLimits {
    pub(super) one_in: u32,
    pub(super) requests: usize,
    pub(super) bytes: usize,
}

impl RingLimits {
    pub(super) fn of(settings: TrafficSample, workers: usize) -> Self {
        let requests = (settings.size as usize).div_ceil(workers.max(1));
        Self { one_in: settings.one_in, requests, bytes: (requests * BYTES_EACH).max(MIN_BYTES) }
    }
}

impl Ring {
    /// Takes what came, one in `stride`, forgets what is too old or too much, and says of how many requests to take one
    /// from now on; 0: none.
    pub(super) fn tend(
        &mut self,
        fresh: Vec<Sampled>,
        stride: u32,
        limits: &RingLimits,
        now: Instant,
    ) -> u32 {
        if limits.one_in == 0 {
            *self = Self::default();
            return 0;
        }
        self.since.get_or_insert(now);
        while self.requests.front().is_some_and(|oldest| now.saturating_duration_since(oldest.at) > WINDOW) {
            self.bytes -= self.requests.pop_front().map_or(0, |oldest| oldest.bytes());
        }
        self.bytes += fresh.iter().map(Sampled::bytes).sum::<usize>();
        self.requests.extend(fresh);
        self.stride = self.stride.max(stride).max(limits.one_in);
        while self.requests.len() > limits.requests || self.bytes > limits.bytes {
            self.requests.retain_mut(thin);
            self.bytes = self.requests.iter().map(Sampled::bytes).sum();
            self.stride = (self.stride * 2).min(MAX_SAMPLE_STRIDE);
        }
        if self.requests.is_empty() {
            self.stride = limits.one_in;
        } else if self.requests.len() < limits.requests / 4 && self.bytes < limits.bytes / 4 {
            self.stride = (self.stride / 2).max(limits.one_in);
        }
        self.stride
    }

    /// The time that it says something about.
    pub(super) fn covered(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since).min(WINDOW))
    }

    pub(super) fn size(&self) -> SampleSize {
        SampleSize { requests: self.requests.len(), bytes: self.bytes, one_in: self.stride }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sampled> {
        self.requests.iter()
    }
}

/// One in two stays, for both.
pub(super) fn thin(sampled: &mut Sampled) -> bool {
    sampled.weight = sampled.weight.saturating_mul(2);
    fastrand::bool()
}
