//! The configuration file, and the files that it names, as they change on disk.
//!
//! Events of the file system are hints only: what counts is the content, read again after each hint, every two
//! seconds, and when asked. The parent folder is watched, not the file: a rename-save or a Kubernetes `..data`
//! swap replaces the file, and a watch of the old one would never fire again. A changed certificate is a changed
//! content like any other, and only what rests as a whole is taken: half of a new pair is not.

mod folder;
mod read;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use self::folder::FolderWatch;
pub(crate) use self::read::{Content, named_by, read};
use self::read::{Named, read_again};

/// What the file and those that it names hold, or why it cannot be read; `None` before it was looked at.
pub(crate) type Reading = Option<Result<Content, String>>;

/// The content is looked at this often, also without a hint: network file systems send none.
const POLL: Duration = Duration::from_secs(2);
/// A busy folder makes us look this often at most.
const BREATHER: Duration = Duration::from_millis(20);
/// Two equal reads this far apart make a written file.
const SETTLE: Duration = Duration::from_millis(250);
/// A file that never rests for that long is held to a shorter rest after this time …
const RESTLESS: Duration = Duration::from_secs(1);
const SHORT_SETTLE: Duration = Duration::from_millis(20);
/// … and taken as it is after this one.
const PATIENCE: Duration = Duration::from_millis(1_800);
/// A file that is missing for this long is not just being saved.
const ABSENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct FileWatch {
    path: PathBuf,
    /// Told by the file system, and by whoever wants the file read now.
    hint: Arc<Notify>,
}

impl FileWatch {
    pub(crate) fn new(path: PathBuf, hint: Arc<Notify>) -> Self {
        Self { path, hint }
    }

    /// Publishes each content that has come to rest, until `stop`. The first at once where nothing changes.
    pub(crate) async fn run(self, readings: watch::Sender<Reading>, stop: CancellationToken) {
        let mut folders = FolderWatch::new(self.hint.clone());
        let mut named = Named::default();
        let mut polls = interval(POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                tokio::select! {
                    () = self.hint.notified() => {}
                    _ = polls.tick() => {}
                }
                folders.follow(self.paths(&named)).await;
                let known = readings.borrow().clone();
                if let Some(reading) = self.settled(&known, &mut named).await {
                    readings.send_replace(Some(reading));
                    // It may name others than before.
                    folders.follow(self.paths(&named)).await;
                }
                sleep(BREATHER).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    fn paths(&self, named: &Named) -> Vec<PathBuf> {
        std::iter::once(self.path.clone()).chain(named.paths(&self.path)).collect()
    }

    /// What there is once it rests; `None` if that is `known`.
    async fn settled(&self, known: &Reading, named: &mut Named) -> Option<Result<Content, String>> {
        let begin = Instant::now();
        let mut seen = self.read(named).await;
        let mut since = begin;
        loop {
            if known.as_ref() == Some(&seen) {
                return None;
            }
            let rest = match &seen {
                Err(_) => ABSENCE,
                Ok(_) if begin.elapsed() < RESTLESS => SETTLE,
                Ok(_) => SHORT_SETTLE,
            };
            sleep(rest.saturating_sub(since.elapsed()).min(SETTLE)).await;
            let again = self.read(named).await;
            let rested = again == seen && since.elapsed() >= rest;
            if rested || (again.is_ok() && begin.elapsed() >= PATIENCE) {
                return Some(again).filter(|again| known.as_ref() != Some(again));
            }
            if again != seen {
                (seen, since) = (again, Instant::now());
            }
        }
    }

    async fn read(&self, named: &mut Named) -> Result<Content, String> {
        let (path, mut known) = (self.path.clone(), std::mem::take(named));
        let read = tokio::task::spawn_blocking(move || (read_again(&path, &mut known), known)).await;
        let Ok((content, found)) = read else { return Err("reading it failed".to_owned()) };
        *named = found;
        content
    }
}

#[cfg(test)]
mod tests;
