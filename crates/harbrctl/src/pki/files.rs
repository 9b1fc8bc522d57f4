//! Certificates and keys on disk. A key is its owner's alone, and nothing is overwritten unasked.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use harbr_trust::{Certificate, Pair, write_whole};

/// NAME.crt and NAME.key.
#[derive(Debug)]
pub(super) struct PairFiles {
    pub(super) certificate: PathBuf,
    key: PathBuf,
}

/// What becomes of files that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Kept,
    Replaced,
}

impl Existing {
    pub(super) fn from_force(force: bool) -> Self {
        if force { Self::Replaced } else { Self::Kept }
    }
}

impl PairFiles {
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        Self { certificate: dir.join(format!("{name}.crt")), key: dir.join(format!("{name}.key")) }
    }

    pub(super) fn of_certificate(certificate: &Path) -> Self {
        Self { certificate: certificate.to_owned(), key: certificate.with_extension("key") }
    }

    pub(super) fn read(&self) -> anyhow::Result<Pair> {
        let read =
            |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        Ok(Pair { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    /// The key first: a process that looks in between finds a pair that does not fit, and looks again.
    pub(super) fn write(&self, pair: &Pair, existing: Existing) -> anyhow::Result<()> {
        let taken = [&self.certificate, &self.key].into_iter().find(|path| path.exists());
        if let (Existing::Kept, Some(path)) = (existing, taken) {
            bail!("{} is there already: --force replaces it", path.display());
        }
        for (path, text, mode) in
            [(&self.key, &pair.key, 0o600), (&self.certificate, &pair.certificate, 0o644)]
        {
            write_whole(path, text, mode).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// The certificates of a folder, by name.
pub(super) fn certificates(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("cannot read {}", dir.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "crt") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn read_certificate(path: &Path) -> anyhow::Result<Certificate> {
    let pem = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Certificate::from_pem(&pem).with_context(|| path.display().to_string())
}
