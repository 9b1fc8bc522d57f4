//! What operators change and ask.

use bytes::Bytes;
use harbr_proto::SnapshotHash;

use super::{Desk, Ledger, Step};
use crate::fleet::Fleet;
use crate::revision::{Compiled, compile};
use crate::rollout::{Command, Offered, Pending, Refused, Release, Rollout};
use crate::store::{AuditRecord, Cause, Fate, RevisionRecord, UnwritableState};
use crate::watch::named_by;

/// Who changes something, and why, by their own word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Unwritable(#[from] UnwritableState),
}

impl Ledger {
    /// Does what an operator wants, and says what came of it. Blocks on the disk.
    ///
    /// # Errors
    /// If there is nothing to do, or it could not be kept.
    pub(crate) fn command(
        &self,
        command: Command,
        actor: Actor,
        fleet: &Fleet,
    ) -> Result<String, CommandError> {
        let mut desk = self.desk();
        let what = match command {
            Command::Pause => "the rollout pauses: no further wave",
            Command::Resume => "the rollout goes on",
            Command::Promote { .. } => "promoted: it goes to the whole fleet",
            Command::Abort => "aborted: the fleet gets back what it had",
            Command::Freeze => "frozen: changes of the file wait",
            Command::Thaw => "thawed: changes of the file go through",
        };
        if let Some(offered) = self.retry(&mut desk, command, &actor, fleet)? {
            return Ok(offered);
        }
        let before = desk.rollout.state.clone();
        let now = desk.began.elapsed();
        let happened = desk.rollout.command(command, &fleet.snapshot(), now)?;
        let active = before.active.as_ref().map(|active| active.placement.release.number);
        let number = active.or(before.pending.as_ref().map(|pending| pending.release.number));
        let of = number.map(|number| format!(" (revision {number})")).unwrap_or_default();
        let noted = Some(format!("{what}{of}"));
        self.settle(&mut desk, &before, Step { happened, made: None, actor, what: noted })?;
        Ok(what.to_owned())
    }

    /// What the file says was taken back, and is let in again.
    fn retry(
        &self,
        desk: &mut Desk,
        command: Command,
        actor: &Actor,
        fleet: &Fleet,
    ) -> Result<Option<String>, CommandError> {
        let state = &desk.rollout.state;
        let Some(file) = desk.file.clone() else { return Ok(None) };
        let hash = file.encoded.hash();
        let pinned = state.pinned_out.filter(|pinned| pinned.hash == hash);
        let rejected = state.rejection(hash).map(|rejected| rejected.release);
        let is_paused = state.active.as_ref().is_some_and(|active| active.paused);
        let release = match command {
            // A rollback that pauses is what goes on, not the file that it keeps out.
            Command::Resume if !is_paused => pinned,
            Command::Promote { .. } if state.pending.is_none() => rejected.or(pinned),
            Command::Resume
            | Command::Promote { .. }
            | Command::Pause
            | Command::Abort
            | Command::Freeze
            | Command::Thaw => None,
        };
        let Some(release) = release else { return Ok(None) };
        let before = state.clone();
        desk.rollout.forgive(release);
        fleet.forgive(release.hash);
        let what = format!("what revision {} said is let in again", release.number);
        let step = Step { actor: actor.clone(), what: Some(what.clone()), ..Step::default() };
        self.settle(desk, &before, step)?;
        let offered = self.offer(desk, file, Cause::File, actor.clone(), fleet)?;
        self.intent.send_modify(|intent| intent.config_error = None);
        Ok(Some(match offered {
            Offered::New(number) => format!("{what}, as revision {number}"),
            Offered::Unchanged => what,
            Offered::Held { number, reason } => {
                format!("{what}, as revision {number}, which is held: {reason}")
            }
            Offered::Refused(reason) => return Err(Refused(reason).into()),
        }))
    }

    /// Rolls out what this revision said; without a number the newest proven one that is something else. What the
    /// file says is kept out until it changes.
    ///
    /// # Errors
    /// If there is no such revision, its file means nothing to this build, or it could not be kept.
    pub(crate) fn roll_back(
        &self,
        to: Option<u64>,
        actor: Actor,
        fleet: &Fleet,
    ) -> Result<String, CommandError> {
        let mut desk = self.desk();
        let to = to
            .or_else(|| desk.last_good())
            .ok_or_else(|| Refused("there is no older proven revision to go back to".to_owned()))?;
        let compiled = desk.compiled(to)?;
        let offered = self.offer(&mut desk, compiled, Cause::Rollback { to }, actor, fleet)?;
        let is_pinned = desk.rollout.state.pinned_out.is_some();
        let kept_out = if is_pinned { "; the file is kept out until it changes" } else { "" };
        match offered {
            Offered::New(number) => Ok(format!("revision {number} says what {to} said{kept_out}")),
            Offered::Unchanged => Ok(format!("that is what the fleet serves{kept_out}")),
            Offered::Held { reason, .. } | Offered::Refused(reason) => Err(Refused(reason).into()),
        }
    }

    /// Notes that somebody changed something that is not the rollout's.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(crate) fn record(&self, actor: Actor, what: String) -> Result<(), UnwritableState> {
        let mut desk = self.desk();
        let before = desk.rollout.state.clone();
        self.settle(&mut desk, &before, Step { actor, what: Some(what), ..Step::default() })
    }

    /// The newest first.
    pub(crate) fn history(&self, most: usize) -> Vec<RevisionRecord> {
        self.desk().book.records().rev().take(most).cloned().collect()
    }

    pub(crate) fn hash_of(&self, number: u64) -> Option<SnapshotHash> {
        self.desk().book.get(number).map(|record| record.hash)
    }

    /// What the file of a revision means today.
    ///
    /// # Errors
    /// If there is no such revision, or its file means nothing to this build.
    pub(crate) fn compiled(&self, number: u64) -> Result<Compiled, CommandError> {
        self.desk().compiled(number)
    }

    /// A revision and its file.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn revision(&self, number: u64) -> Result<Option<(RevisionRecord, Bytes)>, UnwritableState> {
        let mut desk = self.desk();
        let Some(record) = desk.book.get(number).cloned() else { return Ok(None) };
        Ok(desk.book.source(number)?.map(|source| (record, source)))
    }

    /// The newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn audit(&self, most: usize) -> Result<Vec<AuditRecord>, UnwritableState> {
        self.desk().book.audit(most)
    }

    /// Looks at the rollout as it is now; `now` is on its own clock.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Rollout, std::time::Duration) -> T) -> T {
        let desk = self.desk();
        look(&desk.rollout, desk.began.elapsed())
    }
}

impl Desk {
    fn compiled(&mut self, number: u64) -> Result<Compiled, CommandError> {
        let source =
            self.book.source(number)?.ok_or_else(|| Refused(format!("there is no revision {number}")))?;
        let content = named_by(&self.config, source);
        Ok(compile(&format!("revision {number}"), content).map_err(|error| {
            let message = &error.message;
            Refused(format!("the file of revision {number} is not valid for this controller:\n{message}"))
        })?)
    }

    /// The newest proven revision that says something else than what the fleet is at, or on its way to.
    fn last_good(&self) -> Option<u64> {
        let newest = self.rollout.state.newest()?.release.hash;
        let is_other = |record: &&RevisionRecord| record.fate == Fate::Proven && record.hash != newest;
        self.book.records().rev().find(is_other).map(|record| record.number)
    }

    /// What the file says is not to come back by itself, unless it is what the fleet is on its way to.
    pub(super) fn pin_out(&mut self) {
        let Some(hash) = self.file.as_ref().map(|file| file.encoded.hash()) else { return };
        if self.rollout.state.newest().is_some_and(|newest| newest.release.hash == hash) {
            return;
        }
        let said = self.book.records().rev().find(|record| record.hash == hash);
        let number = said.map_or(0, |record| record.number);
        self.rollout.state.pinned_out = Some(Release { number, hash });
    }

    /// Takes up what was going on when the controller ended.
    pub(super) fn revive(&mut self) {
        for release in self.rollout.state.releases() {
            match self.book.revive(release, &self.config) {
                Ok(Some(revision)) => {
                    self.bases.push_front(revision.encoded.clone());
                    self.live.insert(release.number, revision.into());
                }
                Ok(None) => tracing::error!("revision {} is lost: its content is not there", release.number),
                Err(error) => tracing::error!("revision {} cannot be read: {error}", release.number),
            }
        }
        let mut state = self.rollout.state.clone();
        let has = |number: u64| self.live.contains_key(&number);
        state.base = state.base.filter(|base| has(base.release.number));
        state.proven = state.proven.filter(|proven| has(proven.number));
        state.active = state.active.filter(|active| has(active.placement.release.number));
        state.pending = state.pending.filter(|Pending { release, .. }| has(release.number));
        let governor = state.active.as_ref().map(|active| active.governed_by);
        let policy =
            governor.and_then(|number| self.live.get(&number)).map(|revision| revision.policy.clone());
        self.rollout = Rollout::new(state, policy.unwrap_or_default());
    }
}
