//! What operators have ordered beside the configuration: who is drained, and which tokens let nodes in. Kept over a
//! restart where there is a state folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use harbr_trust::write_whole;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::drains::Drains;
use crate::tokens::Tokens;

const FILE: &str = "orders.json";

/// One writer at a time; who has to obey watches.
#[derive(Debug)]
pub(crate) struct Orders {
    /// `None`: they end with the process.
    file: Option<PathBuf>,
    book: Mutex<Book>,
    drains: watch::Sender<Arc<Drains>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Book {
    pub(crate) drains: Drains,
    pub(crate) tokens: Tokens,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError<E> {
    #[error(transparent)]
    Refused(E),
    #[error("it cannot be kept on disk: {0}")]
    Unwritable(io::Error),
}

impl Orders {
    /// A file that makes no sense is put aside, with a line in the log: all that it can cost is that who was drained
    /// serves again. Blocks on the disk.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let file = folder.map(|folder| folder.join(FILE));
        let book = file.as_deref().map(load).transpose()?.unwrap_or_default();
        let drains = watch::Sender::new(Arc::new(book.drains.clone()));
        Ok(Self { file, book: Mutex::new(book), drains })
    }

    pub(crate) fn drains(&self) -> watch::Receiver<Arc<Drains>> {
        self.drains.subscribe()
    }

    pub(crate) fn book(&self) -> Book {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is ordered: on disk before it is obeyed, and not at all if it is refused. Blocks on the disk.
    ///
    /// # Errors
    /// What the change says, or that it cannot be kept.
    pub(crate) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Book) -> Result<T, E>,
    ) -> Result<T, OrderError<E>> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = book.clone();
        let outcome = change(&mut changed).map_err(OrderError::Refused)?;
        if let Some(file) = &self.file {
            let text = serde_json::to_string(&changed).map_err(io::Error::other);
            let written = text.and_then(|text| write_whole(file, &text, 0o600));
            written.map_err(OrderError::Unwritable)?;
        }
        let has_changed = book.drains != changed.drains;
        *book = changed;
        if has_changed {
            self.drains.send_replace(Arc::new(book.drains.clone()));
        }
        Ok(outcome)
    }
}

/// Milliseconds of the system's clock since the epoch.
pub(crate) fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn load(file: &Path) -> io::Result<Book> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
        Err(error) => return Err(error),
    };
    match serde_json::from_slice(&bytes) {
        Ok(book) => Ok(book),
        Err(error) => {
            let aside = file.with_extension("json.broken");
            let (file, shown) = (file.display(), aside.display());
            tracing::error!("{file} makes no sense ({error}): nobody is drained; it is put aside as {shown}");
            std::fs::rename(file.to_string(), &aside)?;
            Ok(Book::default())
        }
    }
}

#[cfg(test)]
mod tests;
