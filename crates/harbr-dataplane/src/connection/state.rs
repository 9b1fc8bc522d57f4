use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use super::frames::Seen;
use super::patience::{Exhausted, Patience};

/// A connection of HTTP/1 that has rested so long is parked. Busier ones would be taken apart in vain.
const PARK_AFTER: Duration = Duration::from_millis(500);
/// What a client of HTTP/2 has to close a connection that rests, from GOAWAY on.
const GOODBYE: Duration = Duration::from_secs(5);
/// What an answer that is whole gives back of a connection's patience: more than a request may cost it.
const EARNED_BY_AN_ANSWER: u32 = 10;
use crate::coarse_clock::{CoarseClock, millis};
use crate::draining::Place;
use crate::request_body::pace;

/// How long a client that has closed its half is waited for an answer. Most have closed both.
const HALF_CLOSED: Duration = Duration::from_secs(1);

/// What the connection is doing; each phase has its own limit in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepted; nothing has come yet.
    Fresh,
    /// A head is on its way.
    Head,
    /// Between two requests.
    Idle,
    /// A request waits for its answer.
    Active,
    /// The answer is on its way.
    Answering,
    /// It was answered, and the rest of its body still comes.
    LateBody,
    /// No longer HTTP.
    Tunnel,
}

/// A connection as its worker's sweep sees it. Shared with the I/O type, which hyper may send along with an
/// upgraded connection.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    phase: AtomicU8,
    /// In milliseconds of the worker's clock: when the phase began, since when the client is behind in taking
    /// what is written, and since when it sends no more (0: it is not so).
    phase_since: AtomicU64,
    behind_since: AtomicU64,
    left_since: AtomicU64,
    /// Bytes that it took while it was behind.
    taken_behind: AtomicU64,
    /// Bytes of a next head are here already.
    head_begun: AtomicBool,
    /// Who waits to read on once the answer is given.
    reader: AtomicWaker,
    /// How long the body of the current request may stand still.
    idle_limit: AtomicU64,
    clock: Arc<CoarseClock>,
    end: Notify,
    ending: AtomicU8,
    ending_since: AtomicU64,
    requests_under_way: AtomicU32,
    is_http2: AtomicBool,
    /// Since when the fields of a request are on their way over HTTP/2 (0: none are).
    head_since: AtomicU64,
    /// Bytes of HTTP/2 that the client's system has taken.
    written: AtomicU64,
    patience: Patience,
    /// Only its socket is kept.
    is_parked: AtomicBool,
    /// When it ends while the node is drained.
    pub place: Place,
}

/// Which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
}

/// Whether the client takes what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteProgress {
    Taken(usize),
    Blocked,
    /// Nothing waits to be written.
    Flushed,
}

/// How the sweep ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// After what runs; at once when nothing does.
    Graceful,
    /// Now.
    Abort,
}

impl ConnectionState {
    /// `idle_limit` holds until a route says how long a body may stand still.
    pub(crate) fn new(clock: Arc<CoarseClock>, idle_limit: Duration) -> Self {
        Self {
            phase: AtomicU8::new(encode(Phase::Fresh)),
            phase_since: AtomicU64::new(clock.soon()),
            behind_since: AtomicU64::new(0),
            left_since: AtomicU64::new(0),
            taken_behind: AtomicU64::new(0),
            head_begun: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            idle_limit: AtomicU64::new(millis(idle_limit)),
            clock,
            end: Notify::new(),
            ending: AtomicU8::new(0),
            ending_since: AtomicU64::new(0),
            requests_under_way: AtomicU32::new(0),
            is_http2: AtomicBool::new(false),
            head_since: AtomicU64::new(0),
            written: AtomicU64::new(0),
            patience: Patience::new(),
            is_parked: AtomicBool::new(false),
            place: Place::at_random(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Fresh,
            1 => Phase::Head,
            2 => Phase::Idle,
            3 => Phase::Active,
            4 => Phase::LateBody,
            5 => Phase::Tunnel,
            _ => Phase::Answering,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(encode(phase), Relaxed);
        self.phase_since.store(self.clock.soon(), Relaxed);
    }

    pub(super) fn speak_http2(&self) {
        self.is_http2.store(true, Relaxed);
    }

    pub(crate) fn speaks(&self) -> Speaks {
        if self.is_http2.load(Relaxed) { Speaks::Http2 } else { Speaks::Http1 }
    }

    /// A request has come whole, but for its body. Says what it took to come, where it has the connection for itself.
    pub(crate) fn begin_request(&self) -> Option<Duration> {
        self.requests_under_way.fetch_add(1, Relaxed);
        let head = self.in_phase_for();
        self.enter(Phase::Active);
        (self.speaks() == Speaks::Http1).then_some(head)
    }

    pub(crate) fn requests_under_way(&self) -> u32 {
        self.requests_under_way.load(Relaxed)
    }

    /// Of requests that share a connection the most patient one decides.
    pub(crate) fn set_idle_limit(&self, limit: Duration) {
        match self.speaks() {
            Speaks::Http1 => self.idle_limit.store(millis(limit), Relaxed),
            Speaks::Http2 => _ = self.idle_limit.fetch_max(millis(limit), Relaxed),
        }
    }

    pub(crate) fn idle_limit(&self) -> Duration {
        Duration::from_millis(self.idle_limit.load(Relaxed))
    }

    /// What the client's frames hold.
    pub(super) fn note_frames(&self, seen: Seen, is_in_head: bool) -> Result<(), Exhausted> {
        if seen.frames > 0 && self.phase() == Phase::Head {
            self.enter(Phase::Idle);
        }
        if !is_in_head {
            self.head_since.store(0, Relaxed);
        } else if seen.heads > 0 || self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.clock.soon(), Relaxed);
        }
        if seen.cost == 0 { Ok(()) } else { self.patience.spend(seen.cost, self.clock.now()) }
    }

    pub(super) fn note_written(&self, bytes: usize) {
        self.written.store(self.written().wrapping_add(bytes as u64), Relaxed);
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// A piece of an answer went out.
    pub(crate) fn note_answered(&self, bytes: usize) {
        self.patience.earn(1 + u32::try_from(bytes / 1_024).unwrap_or(u32::MAX));
    }

    pub(crate) fn note_whole_answer(&self) {
        self.patience.earn(EARNED_BY_AN_ANSWER);
    }

    /// The fields of a request have been on their way for longer than this.
    pub(crate) fn is_head_late(&self, limit: Duration) -> bool {
        let since = self.head_since.load(Relaxed);
        since != 0 && self.clock.now().saturating_sub(since) > millis(limit)
    }

    /// Bytes came: a connection at rest has begun a head. A first head's time runs from accept on.
    pub(crate) fn note_read(&self) {
        match self.phase() {
            // Which of its bytes are a request's, its frames say.
            Phase::Idle if self.speaks() == Speaks::Http2 => {}
            Phase::Fresh => self.phase.store(encode(Phase::Head), Relaxed),
            Phase::Idle => self.enter(Phase::Head),
            Phase::LateBody => self.enter(Phase::LateBody),
            Phase::Head | Phase::Active | Phase::Answering | Phase::Tunnel => {}
        }
    }

    pub(crate) fn begin_answer(&self) {
        self.phase.store(encode(Phase::Answering), Relaxed);
    }

    /// A request has been answered, and so have all others of its connection, unless one remains.
    pub(crate) fn end_request(&self, body_has_ended: bool) {
        let was_last = self.requests_under_way.fetch_sub(1, Relaxed) == 1;
        if was_last && matches!(self.phase(), Phase::Active | Phase::Answering) {
            match self.speaks() {
                Speaks::Http1 => self.end_answer(body_has_ended),
                Speaks::Http2 => self.enter(Phase::Idle),
            }
        }
    }

    /// The head of the next request may have come in part meanwhile.
    fn end_answer(&self, body_has_ended: bool) {
        match (body_has_ended, self.head_begun.load(Relaxed)) {
            (false, _) => self.enter(Phase::LateBody),
            (true, true) => self.enter(Phase::Head),
            (true, false) => self.enter(Phase::Idle),
        }
        self.reader.wake();
    }

    pub(crate) fn set_head_begun(&self, head_begun: bool) {
        self.head_begun.store(head_begun, Relaxed);
    }

    /// Calls once the request that is being served has its answer.
    pub(crate) fn wake_after_answer(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    /// The client sends no more. That is not yet to say that it waits no more.
    pub(crate) fn note_left(&self) {
        if self.left_since.load(Relaxed) == 0 {
            self.left_since.store(self.clock.soon(), Relaxed);
        }
    }

    /// The client waits for no answer any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        let since = self.left_since.load(Relaxed);
        since != 0
            && matches!(self.phase(), Phase::Head | Phase::Active)
            && self.clock.now().saturating_sub(since) > millis(HALF_CLOSED)
    }

    /// A client that is behind has to keep the minimum rate until it has caught up.
    pub(crate) fn note_write(&self, progress: WriteProgress) {
        let behind_since = self.behind_since.load(Relaxed);
        match progress {
            WriteProgress::Blocked if behind_since == 0 => {
                self.taken_behind.store(0, Relaxed);
                self.behind_since.store(self.clock.soon(), Relaxed);
            }
            WriteProgress::Taken(bytes) if behind_since != 0 => {
                let taken = self.taken_behind.load(Relaxed) + bytes as u64;
                self.taken_behind.store(taken, Relaxed);
                if taken >= pace(Duration::from_millis(self.idle_limit.load(Relaxed))) {
                    self.behind_since.store(0, Relaxed);
                }
            }
            WriteProgress::Flushed if behind_since != 0 => self.behind_since.store(0, Relaxed),
            WriteProgress::Blocked | WriteProgress::Taken(_) | WriteProgress::Flushed => {}
        }
    }

    pub(crate) fn in_phase_for(&self) -> Duration {
        Duration::from_millis(self.clock.now().saturating_sub(self.phase_since.load(Relaxed)))
    }

    /// Next to nothing has moved for longer than the request's route allows: the client does not take what is
    /// written, or does not send the body that it owes.
    pub(crate) fn is_stalled(&self) -> bool {
        let since = match (self.behind_since.load(Relaxed), self.phase()) {
            (0, Phase::LateBody) => self.phase_since.load(Relaxed),
            // It has limits of its own.
            (_, Phase::Tunnel) | (0, _) => return false,
            (behind_since, _) => behind_since,
        };
        self.clock.now().saturating_sub(since) > self.idle_limit.load(Relaxed)
    }

    /// Nothing is owed either way: not even the end of an answer that its client is slow to take.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.phase(), Phase::Fresh | Phase::Idle)
            && self.behind_since.load(Relaxed) == 0
            && self.ending().is_none()
    }

    /// It has answered all that it was asked, and waits for the next request.
    pub(super) fn rests(&self) -> bool {
        self.phase() == Phase::Idle && self.is_at_rest()
    }

    /// Has a connection taken apart that has rested for a while.
    pub(crate) fn park_when_at_rest(&self) {
        if self.rests()
            && self.speaks() == Speaks::Http1
            && !self.is_parked.load(Relaxed)
            && self.in_phase_for() >= PARK_AFTER
        {
            self.end.notify_one();
        }
    }

    pub(super) fn set_parked(&self, is_parked: bool) {
        self.is_parked.store(is_parked, Relaxed);
    }

    /// Ends a connection at rest; one that never began has nothing to end in order.
    pub(crate) fn end_at_rest(&self) {
        self.end(if self.phase() == Phase::Fresh { Ending::Abort } else { Ending::Graceful });
    }

    /// It rests, and its client was told to close it and does not.
    pub(crate) fn outstays(&self) -> bool {
        let since = self.ending_since.load(Relaxed).max(self.phase_since.load(Relaxed));
        self.ending() == Some(Ending::Graceful)
            && self.phase() == Phase::Idle
            && self.clock.now().saturating_sub(since) > millis(GOODBYE)
    }

    /// Ends it in order, if that was not asked for already.
    pub(crate) fn end_once(&self) {
        if self.ending().is_none() {
            self.end(Ending::Graceful);
        }
    }

    pub(crate) fn end(&self, ending: Ending) {
        if self.ending().is_none() {
            self.ending_since.store(self.clock.soon(), Relaxed);
        }
        self.ending.store(if ending == Ending::Abort { 2 } else { 1 }, Relaxed);
        self.end.notify_one();
    }

    /// Resolves when the connection is to end, or, if [`ending`](Self::ending) is none, may be parked.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        match self.ending.load(Relaxed) {
            0 => None,
            1 => Some(Ending::Graceful),
            _ => Some(Ending::Abort),
        }
    }
}

fn encode(phase: Phase) -> u8 {
    match phase {
        Phase::Fresh => 0,
        Phase::Head => 1,
        Phase::Idle => 2,
        Phase::Active => 3,
        Phase::LateBody => 4,
        Phase::Tunnel => 5,
        Phase::Answering => 6,
    }
}

#[cfg(test)]
mod tests;
