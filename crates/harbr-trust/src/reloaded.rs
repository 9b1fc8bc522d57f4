//! Certificates are renewed while a process runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::credentials::{Credentials, InvalidCredentials};
use crate::files::{CannotRead, Contents, TlsFiles};

/// How often the files are compared with what was read. Three small files; no event of the file system is lost.
const POLL: Duration = Duration::from_secs(2);

type Make<T> = Box<dyn Fn(&Credentials) -> Result<T, InvalidCredentials> + Send + Sync>;

/// What is made of the credentials in three files, again whenever they change. What cannot be used, such as a pair of
/// which only one half is written yet, never replaces what can.
pub struct Reloaded<T> {
    files: TlsFiles,
    make: Make<T>,
    current: ArcSwap<Loaded<T>>,
    seen: Mutex<Seen>,
}

/// The files when they were last looked at.
struct Seen {
    /// `None`: they could not be read.
    contents: Option<Contents>,
    problem: Option<String>,
}

struct Loaded<T> {
    value: Arc<T>,
    credentials: Credentials,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(transparent)]
    Unreadable(#[from] CannotRead),
    #[error("{0} cannot be used: {1}")]
    Invalid(Box<TlsFiles>, InvalidCredentials),
}

impl<T> Reloaded<T> {
    /// Reads the files for the first time. Blocks on the disk.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn open(
        files: TlsFiles,
        make: impl Fn(&Credentials) -> Result<T, InvalidCredentials> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        let contents = files.read()?;
        let loaded =
            load(&contents, &make).map_err(|reason| TlsError::Invalid(Box::new(files.clone()), reason))?;
        let current = ArcSwap::from_pointee(loaded);
        let seen = Mutex::new(Seen { contents: Some(contents), problem: None });
        Ok(Self { files, make: Box::new(make), current, seen })
    }

    /// The newest that can be used.
    pub fn current(&self) -> Arc<T> {
        self.current.load().value.clone()
    }

    pub fn credentials(&self) -> Credentials {
        self.current.load().credentials.clone()
    }

    /// When the certificate that is shown ends.
    pub fn not_after(&self) -> SystemTime {
        self.current.load().credentials.certificate().not_after
    }

    /// Why the files as they are now are not what is used; `None`: they are.
    pub fn problem(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    /// Looks at the files once. Blocks on the disk.
    pub fn refresh(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (contents, problem) = match self.files.read() {
            Ok(contents) if seen.contents.as_ref() == Some(&contents) => return,
            Ok(contents) => {
                let used = load(&contents, &self.make).map(|loaded| self.current.store(Arc::new(loaded)));
                (Some(contents), used.err().map(|error| error.to_string()))
            }
            Err(error) => (None, Some(error.to_string())),
        };
        match &problem {
            // Said when it begins, not at each look.
            Some(reason) if seen.problem.as_ref() != Some(reason) => {
                tracing::warn!("the TLS files have changed and are not used yet: {reason}; those before are");
            }
            Some(_) => {}
            None => tracing::info!(
                cert = %self.files.cert.display(),
                "the TLS files have changed and are used for new connections"
            ),
        }
        *seen = Seen { contents, problem };
    }
}

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Follows the files until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(POLL)).await.is_some() {
            let this = self.clone();
            // A panic in it costs one look.
            let _ = tokio::task::spawn_blocking(move || this.refresh()).await;
        }
    }
}

impl<T> fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloaded").field("files", &self.files).finish_non_exhaustive()
    }
}

fn load<T>(
    contents: &Contents,
    make: impl Fn(&Credentials) -> Result<T, InvalidCredentials>,
) -> Result<Loaded<T>, InvalidCredentials> {
    let credentials = Credentials::from_pem(&contents.ca, &contents.cert, &contents.key)?;
    Ok(Loaded { value: Arc::new(make(&credentials)?), credentials })
}

#[cfg(test)]
mod tests;
