//! What the fleet should serve, and the only place where that changes.
//!
//! The [rollout](crate::rollout) decides; here its decisions are kept in the [store](crate::store), and only then
//! become an [`Intent`] that sessions obey. What could not be kept has not happened.

mod book;
mod intent;
mod operator;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use harbr_model::RolloutPolicy;
use harbr_proto::{EncodedSnapshot, Fence, SnapshotHash};
use tokio::sync::watch;
use tokio::time::Instant;

use self::book::{Book, Changes};
pub(crate) use self::intent::{Intent, Target};
pub(crate) use self::operator::{Actor, CommandError};
use crate::fleet::Fleet;
use crate::metrics;
use crate::orders::now_millis;
use crate::revision::{Compiled, ConfigError, Revision, shrink, summary};
use crate::rollout::{Happened, Needs, Offer, Offered, Release, Rollout, Standing, State};
use crate::store::{AuditRecord, Cause, Fate, RevisionRecord, RevisionStore, UnwritableState};

/// Who has changed what no operator has, for the audit.
const BY_ITSELF: &str = "the controller";

/// One writer, any number of readers that each take a whole [`Intent`].
#[derive(Debug)]
pub(crate) struct Ledger {
    desk: Mutex<Desk>,
    intent: watch::Sender<Intent>,
}

/// All that belongs to a decision.
#[derive(Debug)]
struct Desk {
    /// The file that is watched: what it names is beside it.
    config: PathBuf,
    rollout: Rollout,
    book: Book,
    /// Those that a node serves or may have to, by number.
    live: BTreeMap<u64, Arc<Revision>>,
    /// Snapshots that changes can be sent against, the newest first.
    bases: VecDeque<EncodedSnapshot>,
    /// What the file says, if it is valid.
    file: Option<Compiled>,
    /// The next revision comes of what changed while nobody watched.
    is_restart: bool,
    /// Said once, not at each try.
    is_failing: bool,
    began: Instant,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Published {
    New,
    Unchanged,
    /// It is valid, and not served for now.
    Withheld(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    New,
    /// For the same reason as before, and since then.
    Known,
}

/// What a step leaves behind besides the state.
#[derive(Debug, Default)]
struct Step {
    happened: Vec<Happened>,
    /// The content of a revision that was made.
    made: Option<Compiled>,
    actor: Actor,
    /// For the audit.
    what: Option<String>,
}

impl Ledger {
    /// # Errors
    /// If the store cannot be read. Blocks on the disk.
    pub(crate) fn open(config: PathBuf, store: Box<dyn RevisionStore>) -> Result<Self, UnwritableState> {
        let (book, state) = Book::open(store)?;
        let is_restart = state.is_some();
        let mut desk = Desk {
            config,
            rollout: Rollout::new(state.unwrap_or_else(State::new), RolloutPolicy::default()),
            book,
            live: BTreeMap::new(),
            bases: VecDeque::new(),
            file: None,
            is_restart,
            is_failing: false,
            began: Instant::now(),
        };
        desk.revive();
        let intent = desk.intent(None, None);
        Ok(Self { desk: Mutex::new(desk), intent: watch::Sender::new(intent) })
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Intent> {
        self.intent.subscribe()
    }

    pub(crate) fn intent(&self) -> Intent {
        self.intent.borrow().clone()
    }

    /// The file says this now. Blocks on the disk.
    ///
    /// # Errors
    /// If the store cannot keep what follows; the fleet then serves what it did.
    pub(crate) fn publish(&self, compiled: Compiled, fleet: &Fleet) -> Result<Published, UnwritableState> {
        let mut desk = self.desk();
        let cause = if desk.is_restart { Cause::Restart } else { Cause::File };
        desk.file = Some(compiled.clone());
        let warnings = compiled.warnings.clone();
        let offered = self.offer(&mut desk, compiled, cause, Actor::default(), fleet)?;
        let published = match offered {
            Offered::New(_) => Published::New,
            Offered::Unchanged => Published::Unchanged,
            Offered::Held { number, reason } => {
                Published::Withheld(format!("revision {number} is held: {reason}"))
            }
            Offered::Refused(reason) => Published::Withheld(reason),
        };
        desk.is_restart = false;
        if !matches!(published, Published::Withheld(_)) {
            self.intent.send_modify(|intent| {
                intent.config_error = None;
                intent.warnings = warnings;
            });
        }
        Ok(published)
    }

    fn offer(
        &self,
        desk: &mut Desk,
        compiled: Compiled,
        cause: Cause,
        actor: Actor,
        fleet: &Fleet,
    ) -> Result<Offered, UnwritableState> {
        let offer = desk.offer_of(&compiled, cause);
        let before = desk.rollout.state.clone();
        let now = desk.began.elapsed();
        let (offered, happened) = desk.rollout.offer(offer, &fleet.snapshot(), now);
        let what = match cause {
            Cause::Rollback { to } => {
                if matches!(offered, Offered::New(_) | Offered::Unchanged) {
                    desk.pin_out();
                }
                Some(format!("rollback to revision {to}"))
            }
            Cause::File | Cause::Restart | Cause::TakenBack { .. } => happened.iter().find_map(made),
        };
        self.settle(desk, &before, Step { happened, made: Some(compiled), actor, what })?;
        Ok(offered)
    }

    /// Looks at the fleet and lets the rollout go on. Says whether one is under way. Blocks on the disk.
    pub(crate) fn observe(&self, fleet: &Fleet) -> bool {
        let mut desk = self.desk();
        let before = desk.rollout.state.clone();
        let base = before.base.map(|base| base.release.hash);
        let traffic = match &before.active {
            Some(active) => fleet.traffic(base, active.placement.release.hash),
            None => Default::default(),
        };
        let now = desk.began.elapsed();
        let happened = desk.rollout.observe(&fleet.snapshot(), &traffic, now);
        let what = happened.iter().find_map(taken_back);
        if let Err(error) = self.settle(&mut desk, &before, Step { happened, what, ..Step::default() })
            && !std::mem::replace(&mut desk.is_failing, true)
        {
            tracing::error!("the rollout stands still: {error}");
        }
        desk.rollout.state.active.is_some() || desk.rollout.state.pending.is_some()
    }

    /// Notes that the file is not what the fleet serves; says whether that is news.
    pub(crate) fn reject(&self, error: Arc<ConfigError>) -> Rejected {
        if error.diagnostics.is_some() {
            let mut desk = self.desk();
            // It has changed, if only to something that is no use: what it said before is let in when it comes again.
            desk.file = None;
        }
        let is_news = self.intent.send_if_modified(|intent| {
            let known = intent.config_error.as_ref();
            let is_news = known.is_none_or(|known| known.message != error.message);
            if is_news {
                intent.config_error = Some(error);
            }
            is_news
        });
        if is_news { Rejected::New } else { Rejected::Known }
    }

    /// Takes note of what a node says it obeyed last. May raise the epoch for all; then it blocks on the disk.
    ///
    /// # Errors
    /// If the store cannot keep the new epoch.
    pub(crate) fn shown(&self, shown: Fence, hash: SnapshotHash) -> Result<Standing, UnwritableState> {
        let mut desk = self.desk();
        let before = desk.rollout.state.clone();
        let standing = desk.rollout.state.shown(shown, hash, now_millis());
        self.settle(&mut desk, &before, Step::default())?;
        let fence = desk.rollout.state.fence();
        if before.epoch != fence.epoch {
            tracing::warn!(
                "a node obeys {shown}, which a lost state gave: all are told to obey {fence} instead"
            );
        }
        Ok(standing)
    }

    /// Keeps the step, and only then lets it be seen.
    fn settle(&self, desk: &mut Desk, before: &State, step: Step) -> Result<(), UnwritableState> {
        if desk.rollout.state == *before && step.happened.is_empty() && step.what.is_none() {
            return Ok(());
        }
        let kept = desk.keep(before, &step);
        if let Err(error) = kept {
            desk.rollout.restore(before.clone());
            return Err(error);
        }
        desk.is_failing = false;
        step.happened.iter().for_each(tell);
        let withdrawn = desk.withdrawn(&step.happened);
        self.intent.send_modify(|intent| {
            let error = withdrawn.or(intent.config_error.take());
            *intent = desk.intent(error, intent.warnings.take());
        });
        Ok(())
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn offer_of(&self, compiled: &Compiled, cause: Cause) -> Offer {
        let state = &self.rollout.state;
        let hash = compiled.encoded.hash();
        let newest = state.newest().and_then(|newest| self.live.get(&newest.release.number));
        let base = state.base.and_then(|base| self.live.get(&base.release.number)).or(newest);
        let proven = state.proven.and_then(|proven| self.live.get(&proven.number));
        let is_allowed =
            compiled.allow_shrink.as_ref().is_some_and(|begin| hash.to_string().starts_with(begin));
        let percent = proven.map_or(compiled.policy.max_shrink, |proven| proven.policy.max_shrink);
        let shrunk =
            base.filter(|_| !is_allowed).and_then(|base| shrink(&base.snapshot, &compiled.snapshot, percent));
        let shrink = shrunk.map(|shrunk| {
            format!("{shrunk}; `harbrctl rollout promote --allow-shrink` lets it through, and so does `allow_shrink: {hash}` under `rollout` in the file")
        });
        Offer {
            hash,
            is_same: newest.is_some_and(|newest| newest.hash() == hash && newest.policy == compiled.policy),
            cause,
            policy: proven.map_or(&compiled.policy, |proven| &proven.policy).clone(),
            governed_by: proven.map(|proven| proven.number),
            shrink: shrink.filter(|_| !matches!(cause, Cause::Rollback { .. })),
            needs: Needs::of(&compiled.snapshot, &compiled.encoded),
        }
    }

    /// Writes the step down, in one transaction, and knows the revisions that it made from then on.
    fn keep(&mut self, before: &State, step: &Step) -> Result<(), UnwritableState> {
        let mut live = self.live.clone();
        let mut changes = Changes::default();
        for event in &step.happened {
            if let Happened::Made { release, cause } = event {
                let Some(revision) = self.made(*release, *cause, before, step, &mut changes) else {
                    continue;
                };
                live.insert(release.number, Arc::new(revision));
            } else {
                self.book.follow(event, &mut changes);
            }
        }
        let nobody = step.actor.name.is_empty();
        changes.audit = step.what.as_ref().map(|what| AuditRecord {
            at: now_millis(),
            actor: if nobody { BY_ITSELF.to_owned() } else { step.actor.name.clone() },
            reason: step.actor.reason.clone(),
            what: what.clone(),
        });
        let releases = self.rollout.state.releases();
        live.retain(|number, _| releases.iter().any(|release| release.number == *number));
        self.book.commit(&self.rollout.state, &live, changes)?;
        for (_, revision) in live.iter().filter(|(number, _)| !self.live.contains_key(*number)) {
            self.bases.retain(|base| base.hash() != revision.hash());
            self.bases.push_front(revision.encoded.clone());
        }
        intent::forget_old(&mut self.bases);
        self.live = live;
        Ok(())
    }

    /// A revision that did not exist, and its record.
    fn made(
        &self,
        release: Release,
        cause: Cause,
        before: &State,
        step: &Step,
        changes: &mut Changes,
    ) -> Option<Revision> {
        let served = before.base.or(before.newest()).and_then(|base| self.live.get(&base.release.number));
        let content = step.made.as_ref().filter(|made| made.encoded.hash() == release.hash);
        let (revision, summary) = match content {
            Some(content) if !matches!(cause, Cause::TakenBack { .. }) => {
                let summary = summary(served.map(|served| &*served.snapshot), &content.snapshot);
                changes.source = Some((release.number, content.file.clone()));
                (Revision::new(release.number, content.clone(), served.map(Arc::as_ref)), summary)
            }
            Some(_) | None => {
                let old = self.live.values().find(|revision| revision.hash() == release.hash)?;
                (old.again(release.number), format!("what revision {} said", old.number))
            }
        };
        let source = match changes.source {
            Some((number, _)) if number == release.number => number,
            Some(_) | None => self.book.source_of(release.hash)?,
        };
        changes.records.insert(
            release.number,
            RevisionRecord {
                number: release.number,
                hash: release.hash,
                made: now_millis(),
                cause,
                actor: step.actor.name.clone(),
                reason: step.actor.reason.clone(),
                summary,
                source,
                fate: Fate::Pending,
                story: Vec::new(),
            },
        );
        Some(revision)
    }

    /// Why the file is not served from now on although it was, or was about to be.
    fn withdrawn(&self, happened: &[Happened]) -> Option<Arc<ConfigError>> {
        let file = self.file.as_ref()?.encoded.hash();
        happened.iter().find_map(|event| match event {
            Happened::Ended { number, fate: Fate::Rejected | Fate::RolledBack, reason } => {
                let hash = self.book.get(*number)?.hash;
                let message = format!("revision {number} was taken back: {reason}");
                (hash == file).then(|| ConfigError::elsewhere(message))
            }
            Happened::Made { .. }
            | Happened::Began { .. }
            | Happened::Went { .. }
            | Happened::Ended { .. } => None,
        })
    }
}

/// For the audit: the file was changed.
fn made(event: &Happened) -> Option<String> {
    match event {
        Happened::Made { release, .. } => Some(format!("revision {} comes of the file", release.number)),
        Happened::Began { .. } | Happened::Went { .. } | Happened::Ended { .. } => None,
    }
}

/// For the audit: what nobody has ordered.
fn taken_back(event: &Happened) -> Option<String> {
    match event {
        Happened::Ended { number, fate: Fate::Rejected, reason } => {
            Some(format!("revision {number} is taken back: {reason}"))
        }
        Happened::Made { .. } | Happened::Began { .. } | Happened::Went { .. } | Happened::Ended { .. } => {
            None
        }
    }
}

fn tell(event: &Happened) {
    match event {
        Happened::Made { .. } => {}
        Happened::Began { number } => tracing::info!("revision {number} is rolled out"),
        Happened::Went { number, what } => tracing::info!("revision {number}: {what}"),
        Happened::Ended { number, fate, reason } => {
            ::metrics::counter!(metrics::ROLLOUTS, "outcome" => fate.as_str()).increment(1);
            match fate {
                Fate::Rejected => tracing::error!("revision {number} is taken back: {reason}"),
                Fate::RolledBack => tracing::warn!("revision {number} is taken back: {reason}"),
                Fate::Pending | Fate::Rolling | Fate::Proven | Fate::Superseded if reason.is_empty() => {
                    tracing::info!("revision {number} is {}", fate.as_str());
                }
                Fate::Pending | Fate::Rolling | Fate::Proven | Fate::Superseded => {
                    tracing::info!("revision {number} is {}: {reason}", fate.as_str());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
