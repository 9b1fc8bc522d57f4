use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};

const LOCK: &str = "lock";

/// The largest file that is read back. Far above any snapshot; a folder that someone else filled does no harm.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// A folder that this process alone keeps its state in, for as long as this value lives.
///
/// Calls block on the disk: keep them off threads that serve requests.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    #[error("state directory {} is in use by another process", path.display())]
    InUse { path: PathBuf },
    #[error("cannot use state directory {}: {reason}", path.display())]
    Io { path: PathBuf, reason: io::Error },
}

impl StateDir {
    /// Creates the folder for its owner alone if it is missing, and locks it.
    ///
    /// # Errors
    /// If another process has it, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StateDirError> {
        let failed = |reason| StateDirError::Io { path: path.to_owned(), reason };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StateDirError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(reason)) => Err(failed(reason)),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces a file as a whole: after a crash it has either its old content or its new one.
    ///
    /// # Errors
    /// If the system refuses; the old content is still there then.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.path.join(format!("{name}.tmp"));
        // A leftover of a crash may have been made with other rights.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.path.join(name))?;
        self.sync()
    }

    /// # Errors
    /// If there is no such file, or the system refuses.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        self.sync()
    }

    /// Each of two files takes the other's place, at once.
    ///
    /// # Errors
    /// If one is not there, or the file system cannot do that: not all can.
    pub fn exchange(&self, one: &str, other: &str) -> io::Result<()> {
        let (one, other) = (self.path.join(one), self.path.join(other));
        rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?;
        self.sync()
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Ok(()) => self.sync(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The content of a file; `None` if there is none.
    ///
    /// # Errors
    /// If the system refuses, or the file is absurdly large.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some(bytes))
    }

    /// What was done to the folder's entries is still so after a power cut.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

#[cfg(test)]
mod tests;
