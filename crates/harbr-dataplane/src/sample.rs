//! What a node remembers of its requests, for `harbrctl plan` to try a change on: one in so many of the last ten
//! minutes, in memory only.
//!
//! A request pays one subtraction. One that is remembered is copied into its worker's own list; all else is done by
//! the worker's sweep. What is kept is what a route is found by and nothing more: the method, the host, the path
//! without the query, and of headers those that a route matches on, see [`MatchedHeaders`].

mod matched_headers;
mod ring;

use std::cell::{Cell, RefCell};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use harbr_model::{MAX_SAMPLE_STRIDE, TrafficSample};
use harbr_proto::{batches, v1};
use harbr_routing::RequestHead;
use http::{HeaderName, Method};

pub(crate) use self::matched_headers::MatchedHeaders;
use self::ring::{Ring, RingLimits, thin};
use crate::mask::shown_path;

/// What is older is forgotten.
const WINDOW: Duration = Duration::from_secs(600);
/// Bytes of what is remembered, for each request that may be.
const BYTES_EACH: usize = 512;
/// Bytes that a worker may always have.
const MIN_BYTES: usize = 64 * 1024;
/// Requests that a worker gathers between two sweeps.
const MAX_FRESH: usize = 1_024;
const MAX_METHOD: usize = 32;
const MAX_HOST: usize = 255;
/// Bytes of one message to the controller, well below what it takes.
const MESSAGE_BYTES: usize = 128 * 1024;

/// A request as it was matched.
#[derive(Debug, Clone)]
pub(crate) struct Sampled {
    at: Instant,
    /// Requests that it stands for.
    weight: u32,
    method: Method,
    host: Box<str>,
    path: Box<str>,
    headers: Vec<(HeaderName, Box<[u8]>)>,
}

/// A worker's side: which request is next, and what came since the last sweep.
#[derive(Debug)]
pub(crate) struct Sampler {
    /// Requests up to the next one that is remembered.
    countdown: Cell<u32>,
    /// Of so many requests one; 0: none.
    stride: Cell<u32>,
    fresh: RefCell<Vec<Sampled>>,
}

/// How much is remembered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleSize {
    pub requests: usize,
    pub bytes: usize,
    /// Of so many requests one is taken, where that is rarest; 0: none.
    pub one_in: u32,
}

/// What all workers remember.
#[derive(Debug)]
pub(crate) struct Samples(Box<[Mutex<Ring>]>);

impl Default for Sampler {
    /// Off, until the first sweep.
    fn default() -> Self {
        Self { countdown: Cell::new(u32::MAX), stride: Cell::new(0), fresh: RefCell::default() }
    }
}

impl Sampler {
    /// This request is one to remember.
    pub(crate) fn is_due(&self) -> bool {
        let left = self.countdown.get() - 1;
        self.countdown.set(left);
        left == 0 && self.draw()
    }

    /// Drawn, not counted off: traffic may have a rhythm of its own.
    #[cold]
    fn draw(&self) -> bool {
        let stride = self.stride.get();
        self.countdown.set(if stride == 0 { u32::MAX } else { fastrand::u32(1..=2 * stride - 1) });
        stride != 0
    }

    #[cold]
    pub(crate) fn remember(&self, head: &RequestHead<'_>, matched: &MatchedHeaders, at: Instant) {
        let fresh = &mut *self.fresh.borrow_mut();
        if fresh.len() >= MAX_FRESH {
            self.stride.set((self.stride.get() * 2).min(MAX_SAMPLE_STRIDE));
            fresh.retain_mut(thin);
        }
        fresh.push(Sampled::new(head, matched, at, self.stride.get()));
    }
}

impl Samples {
    pub(crate) fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mutex::default()).collect())
    }

    /// Puts away what a worker has gathered, and has it take so many as there is room for.
    pub(crate) fn tend(&self, worker: usize, sampler: &Sampler, settings: TrafficSample) {
        let limits = RingLimits::of(settings, self.0.len());
        let fresh = sampler.fresh.take();
        let stride = self.ring(worker).tend(fresh, sampler.stride.get(), &limits, Instant::now());
        if sampler.stride.replace(stride) != stride {
            sampler.draw();
        }
    }

    pub(crate) fn size(&self) -> SampleSize {
        let sizes = (0..self.0.len()).map(|worker| self.ring(worker).size());
        sizes.fold(SampleSize::default(), |sum, one| SampleSize {
            requests: sum.requests + one.requests,
            bytes: sum.bytes + one.bytes,
            one_in: sum.one_in.max(one.one_in),
        })
    }

    /// What is remembered, in messages; of more than `most` requests so many, drawn at random, which stand for the rest
    /// too.
    pub(crate) fn told(&self, request: v1::SampleRequest) -> Vec<v1::SampleChunk> {
        let v1::SampleRequest { id, most } = request;
        let (now, there) = (Instant::now(), self.size().requests);
        let most = (most as usize).min(there);
        let (mut requests, mut covered) = (Vec::with_capacity(most), Duration::ZERO);
        let mut left = (there, most);
        for worker in 0..self.0.len() {
            let ring = self.ring(worker);
            covered = covered.max(ring.covered(now));
            for sampled in ring.iter() {
                if drawn(&mut left) {
                    requests.push(sampled.told(there as f64 / most as f64, now));
                }
            }
        }
        let covered = covered.try_into().ok();
        let mut chunks: Vec<_> = batches(requests, MESSAGE_BYTES)
            .into_iter()
            .map(|requests| v1::SampleChunk { id, requests, covered, last: false })
            .collect();
        match chunks.last_mut() {
            Some(chunk) => chunk.last = true,
            None => chunks.push(v1::SampleChunk { id, requests: Vec::new(), covered, last: true }),
        }
        chunks
    }

    fn ring(&self, worker: usize) -> MutexGuard<'_, Ring> {
        self.0[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the next of those that are left is among those that are wanted (selection sampling: each set is as likely).
fn drawn((there, wanted): &mut (usize, usize)) -> bool {
    let is_drawn = *wanted > 0 && fastrand::usize(..(*there).max(1)) < *wanted;
    *there = there.saturating_sub(1);
    *wanted -= usize::from(is_drawn);
    is_drawn
}

impl Sampled {
    fn new(head: &RequestHead<'_>, matched: &MatchedHeaders, at: Instant, weight: u32) -> Self {
        let method = match head.method.as_str() {
            long if long.len() > MAX_METHOD => Method::from_bytes(&long.as_bytes()[..MAX_METHOD]),
            _ => Ok(head.method.clone()),
        };
        // A host is matched from its end.
        let host = head.host.get(head.host.len().saturating_sub(MAX_HOST)..).unwrap_or_default();
        Self {
            at,
            weight,
            method: method.unwrap_or_default(),
            host: host.into(),
            path: shown_path(head.path).into(),
            headers: matched.of(head.headers),
        }
    }

    fn bytes(&self) -> usize {
        let headers =
            self.headers.iter().map(|(_, value)| size_of::<(HeaderName, Box<[u8]>)>() + value.len());
        size_of::<Self>() + self.host.len() + self.path.len() + headers.sum::<usize>()
    }

    /// `share`: how many stand for one here.
    fn told(&self, share: f64, now: Instant) -> v1::SampledRequest {
        let header = |(name, value): &(HeaderName, Box<[u8]>)| v1::Header {
            name: name.to_string(),
            value: value.to_vec(),
        };
        v1::SampledRequest {
            method: self.method.to_string(),
            host: self.host.to_string(),
            path: self.path.to_string(),
            headers: self.headers.iter().map(header).collect(),
            weight: f64::from(self.weight) * share,
            age: now.saturating_duration_since(self.at).try_into().ok(),
        }
    }
}

#[cfg(test)]
mod tests;
