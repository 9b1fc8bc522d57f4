//! Snapshots have the private keys of certificates in them; in the store they are sealed.
//!
//! The key that opens them is in a file of its own beside the store, so that a copy of the store, as in a backup or a
//! report, gives no certificate away. Who has both files has the keys: that is what it takes to go on after a restart.

use std::fmt;
use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use bytes::Bytes;
use harbr_process::StateDir;
use harbr_proto::SnapshotHash;

const FILE: &str = "revisions.key";
/// Where a key that is none is put aside.
const BROKEN: &str = "revisions.key.broken";
const KEY_LEN: usize = 32;

pub(super) struct Seal(LessSafeKey);

impl Seal {
    /// The key that is there, or a new one: what was sealed with a key that is lost counts as not there.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub(super) fn open(dir: &StateDir) -> io::Result<Self> {
        let found = dir.read(FILE)?;
        if let Some(key) = found.as_deref().and_then(Self::new) {
            return Ok(key);
        }
        if found.is_some() {
            tracing::error!("{FILE} is no key: it is put aside as {BROKEN}, and sealed snapshots are lost");
            dir.rename(FILE, BROKEN)?;
        }
        let mut key = [0; KEY_LEN];
        rand::fill(&mut key).map_err(io::Error::other)?;
        dir.write(FILE, &key)?;
        Self::new(&key).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn new(key: &[u8]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// # Errors
    /// If this system has no randomness to give.
    pub(super) fn seal(&self, hash: SnapshotHash, mut content: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(io::Error::other)?;
        let (once, bound) = (Nonce::assume_unique_for_key(nonce), Aad::from(hash.as_bytes()));
        self.0.seal_in_place_append_tag(once, bound, &mut content).map_err(io::Error::other)?;
        Ok([nonce.as_slice(), &content].concat())
    }

    /// `None` if it was sealed with another key, or for another hash, or was changed.
    pub(super) fn unseal(&self, hash: SnapshotHash, sealed: &[u8]) -> Option<Bytes> {
        let (nonce, content) = sealed.split_at_checked(NONCE_LEN)?;
        let (nonce, mut content) = (Nonce::try_assume_unique_for_key(nonce).ok()?, content.to_vec());
        let length = self.0.open_in_place(nonce, Aad::from(hash.as_bytes()), &mut content).ok()?.len();
        content.truncate(length);
        Some(content.into())
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}
