//! The configuration file as it changes on disk.
//!
//! Events of the file system are hints only: what counts is the content, read again after each hint, every two
//! seconds, and when asked. The parent folder is watched, not the file: a rename-save or a Kubernetes `..data`
//! swap replaces the file, and a watch of the old one would never fire again.

mod folder;
mod read;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use self::folder::FolderWatch;
pub(crate) use self::read::read;

/// What the file holds, or why it cannot be read; `None` before it was looked at.
pub(crate) type Reading = Option<Result<Bytes, String>>;

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
        let mut folder = FolderWatch::new(self.hint.clone());
        let mut polls = interval(POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                tokio::select! {
                    () = self.hint.notified() => {}
                    _ = polls.tick() => {}
                }
                folder.follow(&self.path).await;
                let known = readings.borrow().clone();
                if let Some(reading) = self.settled(&known).await {
                    readings.send_replace(Some(reading));
                }
                sleep(BREATHER).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// What the file holds once it rests; `None` if that is `known`.
    async fn settled(&self, known: &Reading) -> Option<Result<Bytes, String>> {
        let begin = Instant::now();
        let mut seen = self.read().await;
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
            let again = self.read().await;
            let rested = again == seen && since.elapsed() >= rest;
            if rested || (again.is_ok() && begin.elapsed() >= PATIENCE) {
                return Some(again).filter(|again| known.as_ref() != Some(again));
            }
            if again != seen {
                (seen, since) = (again, Instant::now());
            }
        }
    }

    async fn read(&self) -> Result<Bytes, String> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        read.unwrap_or_else(|_| Err("reading it failed".to_owned()))
    }
}

#[cfg(test)]
mod tests;
