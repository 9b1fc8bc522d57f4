use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::credentials::Credentials;
use crate::reloaded::TlsError;

/// Far above any chain of certificates.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// How a process proves who it is to the other plane, and whom it believes. All three, or none.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsArgs {
    /// The authority that the other side's certificate must be from, as PEM
    #[arg(long, env = "HARBR_TLS_CA", value_name = "FILE", global = true)]
    pub tls_ca: Option<PathBuf>,
    /// This side's certificate, and what is between it and its authority, as PEM
    #[arg(long, env = "HARBR_TLS_CERT", value_name = "FILE", global = true)]
    pub tls_cert: Option<PathBuf>,
    /// The key of that certificate, as PEM
    #[arg(long, env = "HARBR_TLS_KEY", value_name = "FILE", global = true)]
    pub tls_key: Option<PathBuf>,
}

/// The same, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub ca: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("--tls-ca, --tls-cert and --tls-key belong together: {0} is missing")]
pub struct IncompleteTls(&'static str);

#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {reason}", path.display())]
pub struct CannotRead {
    path: PathBuf,
    reason: io::Error,
}

/// What the files hold, not looked at yet.
#[derive(PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) ca: Vec<u8>,
    pub(crate) cert: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl TlsArgs {
    /// `None`: nothing is given.
    ///
    /// # Errors
    /// If only some are.
    pub fn files(&self) -> Result<Option<TlsFiles>, IncompleteTls> {
        match self.clone() {
            Self { tls_ca: None, tls_cert: None, tls_key: None } => Ok(None),
            Self { tls_ca: Some(ca), tls_cert: Some(cert), tls_key: Some(key) } => {
                Ok(Some(TlsFiles { ca, cert, key }))
            }
            Self { tls_ca: None, .. } => Err(IncompleteTls("--tls-ca")),
            Self { tls_cert: None, .. } => Err(IncompleteTls("--tls-cert")),
            Self { tls_key: None, .. } => Err(IncompleteTls("--tls-key")),
        }
    }
}

impl TlsFiles {
    /// What they hold now. Blocks on the disk.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn load(&self) -> Result<Credentials, TlsError> {
        let Contents { ca, cert, key } = self.read()?;
        Credentials::from_pem(&ca, &cert, &key)
            .map_err(|reason| TlsError::Invalid(Box::new(self.clone()), reason))
    }

    pub(crate) fn read(&self) -> Result<Contents, CannotRead> {
        Ok(Contents { ca: read(&self.ca)?, cert: read(&self.cert)?, key: read(&self.key)? })
    }
}

/// As people read it.
impl fmt::Display for TlsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} or {}", self.ca.display(), self.cert.display(), self.key.display())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CannotRead> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    };
    read().map_err(|reason| CannotRead { path: path.to_owned(), reason })
}

/// Puts a file in the place of what is there, whole or not at all, with these rights. A missing folder is made for its
/// owner alone.
///
/// # Errors
/// If the system refuses; what was there is there then.
pub fn write_whole(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(".tmp");
    let draft = PathBuf::from(draft);
    // A leftover may have been made with other rights.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}
