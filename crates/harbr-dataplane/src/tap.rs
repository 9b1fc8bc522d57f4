//! Requests told to whoever looks at them, as they end. While nobody does, a request pays one load.
//!
//! Who looks is the controller, by its directives: what is told goes back over the session, as much of it as was asked
//! for and no more. A worker never waits; what is over the rate is counted.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use harbr_proto::{batches, v1};
use http::HeaderValue;
use http::uri::PathAndQuery;

use crate::access_log::Record;
use crate::error::Reason;
use crate::mask::{cut, masked_query, shown_path};

/// Open at once.
pub(crate) const MAX_TAPS: usize = 16;
const MAX_PER_SECOND: u32 = 1_000;
/// A tap ends by itself after this, whatever the controller asks for.
const MAX_TIME: Duration = Duration::from_secs(60 * 60);
/// How often what was gathered is told.
pub(crate) const TELL_EVERY: Duration = Duration::from_millis(200);
/// Bytes of one message to the controller, well below what it takes.
const MESSAGE_BYTES: usize = 128 * 1024;
/// Bytes of a word that a client chose.
const MAX_WORD: usize = 255;

/// All that are open.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    are_open: AtomicBool,
    open: ArcSwap<Vec<Arc<OpenTap>>>,
    told: AtomicU64,
    left_out: AtomicU64,
}

#[derive(Debug)]
struct OpenTap {
    id: u64,
    filter: Filter,
    per_second: u32,
    until: Instant,
    /// Requests that may be told before the next refill.
    allowance: AtomicU32,
    left_out: AtomicU64,
    /// Not more than the allowance was.
    gathered: Mutex<Gathered>,
}

#[derive(Debug)]
struct Gathered {
    requests: Vec<v1::TappedRequest>,
    refilled: Instant,
}

/// Which requests it is for.
#[derive(Debug)]
struct Filter {
    /// Empty: any, or none.
    route: String,
    path: String,
    statuses: std::ops::RangeInclusive<u16>,
}

impl Taps {
    pub(crate) fn are_open(&self) -> bool {
        self.are_open.load(Relaxed)
    }

    /// These, and no others. Those that were open already go on as they are.
    pub(crate) fn set(&self, wanted: &[v1::Tap], now: Instant) {
        let before = self.open.load();
        let open = wanted.iter().take(MAX_TAPS).map(|tap| {
            let known = before.iter().find(|open| open.id == tap.id);
            known.cloned().unwrap_or_else(|| Arc::new(OpenTap::new(tap, now)))
        });
        self.keep(open.collect(), now);
    }

    /// A request has ended.
    pub(crate) fn offer(&self, record: &Record<'_>) {
        for tap in &**self.open.load() {
            tap.offer(record);
        }
    }

    /// What was gathered since the last time, in messages.
    pub(crate) fn tell(&self, now: Instant) -> Vec<v1::Tapped> {
        let open = self.open.load_full();
        let messages: Vec<_> = open.iter().flat_map(|tap| tap.tell(now)).collect();
        for message in &messages {
            self.told.fetch_add(message.requests.len() as u64, Relaxed);
            self.left_out.fetch_add(message.left_out, Relaxed);
        }
        if open.iter().any(|tap| tap.until <= now) {
            self.keep(open.to_vec(), now);
        }
        messages
    }

    /// Nobody is there to tell.
    pub(crate) fn close(&self) {
        self.keep(Vec::new(), Instant::now());
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load().len()
    }

    /// Requests that were told, and that were for a tap as well and over its rate.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.told.load(Relaxed), self.left_out.load(Relaxed))
    }

    fn keep(&self, mut open: Vec<Arc<OpenTap>>, now: Instant) {
        open.retain(|tap| now < tap.until);
        self.are_open.store(!open.is_empty(), Relaxed);
        self.open.store(Arc::new(open));
    }
}

impl OpenTap {
    fn new(tap: &v1::Tap, now: Instant) -> Self {
        let asked = tap.ttl.and_then(|ttl| Duration::try_from(ttl).ok()).unwrap_or(MAX_TIME);
        let per_second = tap.per_second.clamp(1, MAX_PER_SECOND);
        Self {
            id: tap.id,
            filter: Filter::new(tap),
            per_second,
            until: now + asked.min(MAX_TIME),
            allowance: AtomicU32::new(per_second),
            left_out: AtomicU64::new(0),
            gathered: Mutex::new(Gathered { requests: Vec::new(), refilled: now }),
        }
    }

    fn offer(&self, record: &Record<'_>) {
        if !self.filter.takes(record) {
            return;
        }
        if self.allowance.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err() {
            self.left_out.fetch_add(1, Relaxed);
            return;
        }
        let told = told(record);
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).requests.push(told);
    }

    fn tell(&self, now: Instant) -> Vec<v1::Tapped> {
        let requests = {
            let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            self.refill(&mut gathered, now);
            std::mem::take(&mut gathered.requests)
        };
        let mut left_out = self.left_out.swap(0, Relaxed);
        let message =
            |requests| v1::Tapped { tap: self.id, requests, left_out: std::mem::take(&mut left_out) };
        let mut messages: Vec<_> = batches(requests, MESSAGE_BYTES).into_iter().map(message).collect();
        if messages.is_empty() && left_out > 0 {
            messages.push(v1::Tapped { tap: self.id, requests: Vec::new(), left_out });
        }
        messages
    }

    /// Up to what a second brings, so that a quiet one is not made up for.
    fn refill(&self, gathered: &mut Gathered, now: Instant) {
        let since = now.saturating_duration_since(gathered.refilled);
        let more = (u64::from(self.per_second) * since.as_millis() as u64) / 1_000;
        if more == 0 {
            return;
        }
        let most = u64::from(self.per_second);
        // What is left of the time counts for the next one.
        gathered.refilled =
            if more < most { gathered.refilled + Duration::from_millis(more * 1_000 / most) } else { now };
        let refilled = |left| u32::try_from((u64::from(left) + more).min(most)).ok();
        let _always = self.allowance.fetch_update(Relaxed, Relaxed, refilled);
    }
}

impl Filter {
    fn new(tap: &v1::Tap) -> Self {
        let status = |status| u16::try_from(status).unwrap_or(u16::MAX);
        let statuses = match (tap.min_status, tap.max_status) {
            (0, 0) => 0..=u16::MAX,
            (least, most) => status(least)..=status(most),
        };
        Self { route: tap.route.clone(), path: tap.path.clone(), statuses }
    }

    fn takes(&self, record: &Record<'_>) -> bool {
        self.statuses.contains(&record.status.as_u16())
            && (self.route.is_empty() || record.route.is_some_and(|route| **route == *self.route))
            && record.heard.as_ref().map_or("", |heard| heard.uri.path()).starts_with(&self.path)
    }
}

fn told(record: &Record<'_>) -> v1::TappedRequest {
    let word = |value: Option<&HeaderValue>| {
        cut(value.and_then(|value| value.to_str().ok()).unwrap_or_default(), MAX_WORD).to_owned()
    };
    let name = |name: Option<&Arc<str>>| name.map(ToString::to_string).unwrap_or_default();
    let heard = record.heard.as_ref();
    v1::TappedRequest {
        ended: Some(record.ended_at.into()),
        method: cut(heard.map_or("", |heard| heard.method.as_str()), MAX_WORD).to_owned(),
        host: word(heard.and_then(|heard| heard.host)),
        path: shown_path(heard.map_or("", |heard| heard.uri.path())).into_owned(),
        query: heard
            .and_then(|heard| heard.uri.path_and_query())
            .and_then(PathAndQuery::query)
            .map(masked_query)
            .unwrap_or_default(),
        status: record.status.as_u16().into(),
        route: name(record.route),
        upstream: name(record.upstream),
        endpoint: name(record.endpoint),
        attempts: record.attempts,
        duration: record.phases.total.try_into().ok(),
        bytes_received: record.bytes_received,
        bytes_sent: record.bytes_sent,
        reason: record.reason.map(Reason::as_str).unwrap_or_default().to_owned(),
        request_id: word(record.request_id),
    }
}

#[cfg(test)]
mod tests;
