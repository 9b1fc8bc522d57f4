use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Links in a path; where there are more they lead in a circle.
const MAX_LINKS: usize = 40;

/// Watches each folder in which something decides where the paths of some files lead.
#[derive(Debug)]
pub(crate) struct FolderWatch {
    /// `None` where the system has no such service left; the content is still polled.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl FolderWatch {
    pub(crate) fn new(hint: Arc<Notify>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_a_change(event.kind)) {
                hint.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!("changes of files are found by polling only: {error}"))
            .ok();
        Self { watcher, watched: BTreeSet::new() }
    }

    /// Watches where these paths lead now. Asking again renews the watch of a folder that was replaced.
    pub(crate) async fn follow(&mut self, paths: Vec<PathBuf>) {
        let Some(mut watcher) = self.watcher.take() else { return };
        let before = std::mem::take(&mut self.watched);
        let watched = tokio::task::spawn_blocking(move || {
            let now: BTreeSet<PathBuf> = paths.iter().flat_map(|path| folders(path)).collect();
            for left in before.iter().filter(|folder| !now.contains(*folder)) {
                // It may be gone, and its watch with it.
                let _ = watcher.unwatch(left);
            }
            for folder in &now {
                if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                    tracing::debug!("{} is not watched, only polled: {error}", folder.display());
                }
            }
            (watcher, now)
        });
        if let Ok((watcher, now)) = watched.await {
            (self.watcher, self.watched) = (Some(watcher), now);
        }
    }
}

/// Opening and reading, which we do ourselves, change nothing.
fn is_a_change(kind: EventKind) -> bool {
    !kind.is_access() || kind == EventKind::Access(AccessKind::Close(AccessMode::Write))
}

/// The folder of each link on the way, and that of the file itself.
fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let mut reached = PathBuf::from(".");
    let mut ahead = reversed(path);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        let next = reached.join(name);
        match std::fs::read_link(&next) {
            Ok(target) if links < MAX_LINKS => {
                links += 1;
                folders.push(reached.clone());
                ahead.extend(reversed(&target));
            }
            // Not a link, or nothing yet.
            Ok(_) | Err(_) => reached = next,
        }
    }
    folders.extend(reached.parent().map(Path::to_owned));
    folders.sort();
    folders.dedup();
    folders
}

/// The parts of a path, the first one last. The root is one of them: joined to whatever came before, it replaces it.
fn reversed(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|component| component.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests;
