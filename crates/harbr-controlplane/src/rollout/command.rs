//! What operators do to a rollout.

use std::time::Duration;

use super::{Happened, Hold, Release, Rollout, Stage};
use crate::fleet::Node;
use crate::store::Fate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// No further wave. It can still be taken back.
    Pause,
    Resume,
    /// The whole fleet now, whatever is not known of it.
    Promote {
        allow_shrink: bool,
    },
    Abort,
    /// Changes of the file wait.
    Freeze,
    Thaw,
}

/// Why a command does nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

impl Rollout {
    /// # Errors
    /// If there is nothing to do it to.
    pub(crate) fn command(
        &mut self,
        command: Command,
        nodes: &[Node],
        now: Duration,
    ) -> Result<Vec<Happened>, Refused> {
        let mut happened = Vec::new();
        match command {
            Command::Pause => self.set_paused(true, &mut happened)?,
            Command::Resume => self.set_paused(false, &mut happened)?,
            Command::Promote { allow_shrink } => self.promote(allow_shrink, nodes, now, &mut happened)?,
            Command::Abort => {
                let active = self.state.active.as_ref().ok_or_else(nothing_runs)?;
                let release = active.placement.release;
                if self.state.base.is_none() {
                    let reason = "there is nothing to go back to: this is the first revision".to_owned();
                    return Err(Refused(reason));
                }
                // A rollback has pinned out what the file says; that stays so.
                self.state.pinned_out.get_or_insert(release);
                self.take_back(Fate::RolledBack, "an operator aborted it", &mut happened);
            }
            Command::Freeze => self.state.frozen = true,
            Command::Thaw => {
                self.state.frozen = false;
                if self.state.pending.as_ref().is_some_and(|pending| pending.hold == Hold::Frozen) {
                    self.let_go(nodes, now, &mut happened);
                }
            }
        }
        self.advance(nodes, now, &mut happened);
        Ok(happened)
    }

    fn set_paused(&mut self, paused: bool, happened: &mut Vec<Happened>) -> Result<(), Refused> {
        let active = self.state.active.as_mut().ok_or_else(nothing_runs)?;
        active.paused = paused;
        let what = if paused { "paused" } else { "resumed" }.to_owned();
        happened.push(Happened::Went { number: active.placement.release.number, what });
        Ok(())
    }

    fn promote(
        &mut self,
        allow_shrink: bool,
        nodes: &[Node],
        now: Duration,
        happened: &mut Vec<Happened>,
    ) -> Result<(), Refused> {
        if let Some(pending) = &self.state.pending {
            return match &pending.hold {
                Hold::Shrink(reason) if !allow_shrink => {
                    Err(Refused(format!("{reason}: `--allow-shrink` lets it through")))
                }
                Hold::Capacity(reason) => Err(Refused(reason.clone())),
                Hold::Shrink(_) | Hold::Frozen => {
                    self.let_go(nodes, now, happened);
                    Ok(())
                }
            };
        }
        let mut active = self.state.active.clone().ok_or_else(nothing_runs)?;
        let waves = self.waves(&active).len();
        if active.stage == Stage::Proving {
            return Err(Refused("it is on the whole fleet already, and on trial there".to_owned()));
        }
        (active.wave, active.promoted, active.paused) = (waves, true, false);
        let number = active.placement.release.number;
        self.state.active = Some(active);
        self.trial.since = None;
        happened.push(Happened::Went { number, what: "promoted to the whole fleet".to_owned() });
        Ok(())
    }

    /// A content that was rejected, or taken back, may be tried again.
    pub(crate) fn forgive(&mut self, release: Release) {
        self.state.forgive(release);
        if self.state.pinned_out.is_some_and(|pinned| pinned.hash == release.hash) {
            self.state.pinned_out = None;
        }
    }
}

fn nothing_runs() -> Refused {
    Refused("no rollout is under way".to_owned())
}
