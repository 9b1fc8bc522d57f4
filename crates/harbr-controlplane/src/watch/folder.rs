use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Watches the folder that a file is named in, and the one that it is in after all links.
#[derive(Debug)]
pub(crate) struct FolderWatch {
    /// `None` where the system has no such service left; the content is still polled.
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
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
        Self { watcher, watched: Vec::new() }
    }

    /// Watches where `path` leads now. Asking again renews the watch of a folder that was replaced.
    pub(crate) async fn follow(&mut self, path: &Path) {
        let Some(mut watcher) = self.watcher.take() else { return };
        let (path, before) = (path.to_owned(), std::mem::take(&mut self.watched));
        let watched = tokio::task::spawn_blocking(move || {
            let now = folders(&path);
            for left in before.iter().filter(|folder| !now.contains(folder)) {
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

fn folders(path: &Path) -> Vec<PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    let named = parent(path);
    let real = path.canonicalize().ok().map(|path| parent(&path)).filter(|real| *real != named);
    std::iter::once(named).chain(real).collect()
}
