//! The files that a configuration names. Somebody else reads them: here are only their paths and their bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::diagnostic::Findings;
use crate::raw::RawConfig;
use crate::read::{Field, Spanned};
use crate::tree;

/// Far above any certificate or key. Who reads such a file can stop one byte past it.
pub const MAX_NAMED_FILE_BYTES: usize = 1024 * 1024;

/// What the files hold that a configuration names, by the path as it is written there; or why that is not known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Result<Arc<[u8]>, String>>);

/// The paths of all files that a text names, as far as it can be read. Relative ones are meant from the folder of
/// the configuration.
#[must_use]
pub fn named_files(text: &[u8]) -> BTreeSet<String> {
    // Nearly all texts have none, and are read once instead of twice.
    let Ok(text) = str::from_utf8(text) else { return BTreeSet::new() };
    if !text.contains("tls") {
        return BTreeSet::new();
    }
    let mut ignored = Findings::default();
    let Ok(Some(root)) = tree::parse(text, &mut ignored) else { return BTreeSet::new() };
    let raw: Option<RawConfig> = crate::read::read(text, &root, &mut ignored);
    raw.iter().flat_map(named_by).map(|path| path.value.clone()).collect()
}

fn named_by(raw: &RawConfig) -> impl Iterator<Item = &Spanned<String>> {
    let listeners = raw.listeners.given().into_iter().flat_map(|list| &list.value).filter_map(Field::given);
    let listeners = listeners.filter_map(|listener| listener.value.tls.given()).flat_map(|tls| {
        let pairs = tls.value.certificates.given().into_iter().flat_map(|list| &list.value);
        let pairs = pairs.filter_map(Field::given).flat_map(|pair| [&pair.value.cert, &pair.value.key]);
        pairs.chain(tls.value.client_auth.given().map(|client_auth| &client_auth.value.ca))
    });
    let upstreams = raw.upstreams.given().into_iter().flat_map(|entries| &entries.value.0);
    let upstreams = upstreams
        .filter_map(|entry| entry.value.given()?.value.tls.given())
        .flat_map(|tls| [&tls.value.ca, &tls.value.cert, &tls.value.key]);
    listeners.chain(upstreams).filter_map(Field::given)
}

impl Files {
    /// For a configuration that names none.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    pub(crate) fn get(&self, path: &str) -> Result<&[u8], &str> {
        match self.0.get(path) {
            Some(Ok(bytes)) if bytes.len() > MAX_NAMED_FILE_BYTES => Err("it is larger than 1 MiB"),
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(reason)) => Err(reason),
            None => Err("nobody has read it"),
        }
    }
}

impl FromIterator<(String, Result<Vec<u8>, String>)> for Files {
    fn from_iter<I: IntoIterator<Item = (String, Result<Vec<u8>, String>)>>(files: I) -> Self {
        Self(files.into_iter().map(|(path, read)| (path, read.map(Into::into))).collect())
    }
}

/// The names alone: some of the files are secret.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
