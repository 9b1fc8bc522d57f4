use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::gate::Counts;

/// The width of one point.
pub(crate) const STEP: Duration = Duration::from_secs(5);
/// Points kept: 15 minutes.
pub(crate) const POINTS: usize = 180;

/// Traffic over time: its last 15 minutes in points that are over, and the present in full.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// The oldest first, up to the one before `step`.
    points: VecDeque<Point>,
    /// The number of the point that is being filled, in steps since the epoch; 0 before the first.
    step: u64,
    filling: Counts,
    /// Of the point before.
    before: Counts,
}

/// A point that is over, cut down to what is shown: 20 bytes, as there are a few million of them.
#[derive(Debug, Clone, Copy, Default)]
struct Point {
    requests: u32,
    failures: u32,
    retries: u32,
    /// 0: nothing was answered.
    p50_micros: u32,
    p99_micros: u32,
}

/// The point before and the one that is being filled: what is called "now".
#[derive(Debug, Default)]
pub(crate) struct Window(Counts);

/// Rates are a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) requests: f64,
    pub(crate) failures: f64,
    pub(crate) retries: f64,
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
}

/// As many points as are kept, empty ones where nothing came.
#[derive(Debug)]
pub(crate) struct Points {
    /// The end of the last point.
    pub(crate) end: SystemTime,
    pub(crate) points: Vec<Summary>,
}

impl Track {
    pub(crate) fn add(&mut self, counts: &Counts, now: SystemTime) {
        self.advance(step_of(now));
        self.filling.merge(counts);
    }

    /// The last one that was added to.
    pub(super) fn step(&self) -> u64 {
        self.step
    }

    pub(crate) fn points(&self, now: SystemTime) -> Points {
        let step = step_of(now);
        let points = (step - POINTS as u64..step).map(|step| self.at(step).summary());
        Points { end: UNIX_EPOCH + STEP * u32::try_from(step).unwrap_or(u32::MAX), points: points.collect() }
    }

    pub(crate) fn now(&self, now: SystemTime) -> Summary {
        let mut window = Window::default();
        self.add_to(&mut window, now);
        window.summary(now)
    }

    pub(super) fn add_to(&self, window: &mut Window, now: SystemTime) {
        match step_of(now).checked_sub(self.step) {
            Some(0) => {
                window.0.merge(&self.before);
                window.0.merge(&self.filling);
            }
            Some(1) => window.0.merge(&self.filling),
            Some(_) | None => {}
        }
    }

    /// Ends the points before `step`.
    fn advance(&mut self, step: u64) {
        if step <= self.step {
            return;
        }
        let missing = if self.step == 0 { 0 } else { step - self.step };
        let filled = std::mem::take(&mut self.filling);
        if missing > 0 {
            self.points.push_back(Point::of(&filled));
        }
        self.before = if missing == 1 { filled } else { Counts::default() };
        for _ in 1..missing.min(POINTS as u64) {
            self.points.push_back(Point::default());
        }
        while self.points.len() > POINTS {
            self.points.pop_front();
        }
        self.step = step;
    }

    fn at(&self, step: u64) -> Point {
        if step == self.step {
            return Point::of(&self.filling);
        }
        let back = self.step.checked_sub(step).and_then(|back| usize::try_from(back).ok());
        let index = back.and_then(|back| self.points.len().checked_sub(back));
        index.and_then(|index| self.points.get(index)).copied().unwrap_or_default()
    }
}

impl Window {
    pub(super) fn summary(&self, now: SystemTime) -> Summary {
        let filled = since_epoch(now).as_secs_f64() % STEP.as_secs_f64();
        Summary::of(&self.0, STEP.as_secs_f64() + filled)
    }
}

impl Summary {
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    fn of(counts: &Counts, seconds: f64) -> Self {
        let rate = |count: u64| count as f64 / seconds;
        Self {
            requests: rate(counts.requests),
            failures: rate(counts.failed()),
            retries: rate(counts.retries),
            p50: counts.latency.quantile(0.5),
            p99: counts.latency.quantile(0.99),
        }
    }
}

impl Point {
    fn of(counts: &Counts) -> Self {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let micros = |share: f64| {
            let latency = counts.latency.quantile(share).unwrap_or_default();
            u32::try_from(latency.as_micros()).unwrap_or(u32::MAX)
        };
        Self {
            requests: count(counts.requests),
            failures: count(counts.failed()),
            retries: count(counts.retries),
            p50_micros: micros(0.5),
            p99_micros: micros(0.99),
        }
    }

    fn summary(self) -> Summary {
        let rate = |count: u32| f64::from(count) / STEP.as_secs_f64();
        let latency = |micros: u32| (micros > 0).then(|| Duration::from_micros(micros.into()));
        Summary {
            requests: rate(self.requests),
            failures: rate(self.failures),
            retries: rate(self.retries),
            p50: latency(self.p50_micros),
            p99: latency(self.p99_micros),
        }
    }
}

fn step_of(now: SystemTime) -> u64 {
    (since_epoch(now).as_secs() / STEP.as_secs()).max(POINTS as u64)
}

fn since_epoch(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests;
