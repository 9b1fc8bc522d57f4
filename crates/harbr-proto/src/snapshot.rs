use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use harbr_model::Snapshot;
use sha2::{Digest as _, Sha256};

use crate::{Fence, InvalidResource, decode, encode, v1};

/// Bytes of resources in one message, unless a single resource is larger: well below gRPC's 4 MiB limit.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A snapshot as it is sent: resources by key, each as bytes, and the hash over them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EncodedSnapshot(Arc<Encoded>);

struct Encoded {
    resources: BTreeMap<String, Bytes>,
    hash: SnapshotHash,
}

/// Without the resources themselves: some are secret.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("resources", &self.resources.len())
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// SHA-256 over each resource in the order of keys: the key's length (4 bytes, little endian), the key, the
/// body's length, the body, all as sent. A node that does not know a field computes the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotHash([u8; 32]);

/// One step from a base to a snapshot.
enum Change<'a> {
    Removal(&'a String),
    Upsert(&'a String, &'a Bytes),
}

impl Change<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Removal(key) => key.len(),
            Self::Upsert(key, body) => key.len() + body.len(),
        }
    }
}

impl EncodedSnapshot {
    #[must_use]
    pub fn encode(snapshot: &Snapshot) -> Self {
        Self::from_resources(encode::resources(snapshot))
    }

    /// # Errors
    /// The first resource that is not valid, or the first rule that they break together.
    pub fn decode(&self) -> Result<Snapshot, InvalidResource> {
        decode::snapshot(&self.0.resources)
    }

    #[must_use]
    pub fn hash(&self) -> SnapshotHash {
        self.0.hash
    }

    /// Bytes of all keys and bodies.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.0.resources.iter().map(|(key, body)| key.len() + body.len()).sum()
    }

    /// The messages that bring a node from `base`, or from nothing, to this snapshot. At least one.
    #[must_use]
    pub fn chunks(&self, fence: Fence, revision: u64, base: Option<&Self>) -> Vec<v1::SnapshotChunk> {
        let known = |key: &str| base.and_then(|base| base.0.resources.get(key));
        let upserts = self.0.resources.iter().filter(|(key, body)| known(key) != Some(body));
        let removals = base
            .iter()
            .flat_map(|base| base.0.resources.keys())
            .filter(|key| !self.0.resources.contains_key(*key));

        let empty = v1::SnapshotChunk {
            fence: Some(fence.into()),
            revision,
            hash: self.0.hash.as_bytes().to_vec(),
            base_hash: base.map(|base| base.hash().as_bytes().to_vec()).unwrap_or_default(),
            ..Default::default()
        };
        let changes =
            removals.map(Change::Removal).chain(upserts.map(|(key, body)| Change::Upsert(key, body)));
        let mut chunks = Vec::new();
        let mut chunk = empty.clone();
        let mut size = 0;
        for change in changes {
            if size > 0 && size + change.len() > CHUNK_BYTES {
                chunks.push(std::mem::replace(&mut chunk, empty.clone()));
                size = 0;
            }
            size += change.len();
            match change {
                Change::Removal(key) => chunk.removals.push(key.clone()),
                Change::Upsert(key, body) => {
                    chunk.upserts.push(v1::ResourceEntry { key: key.clone(), body: body.clone() });
                }
            }
        }
        chunk.last = true;
        chunks.push(chunk);
        chunks
    }

    pub(crate) fn from_resources(resources: BTreeMap<String, Bytes>) -> Self {
        let hash = SnapshotHash::of(&resources);
        Self(Arc::new(Encoded { resources, hash }))
    }

    pub(crate) fn resources(&self) -> &BTreeMap<String, Bytes> {
        &self.0.resources
    }
}

impl SnapshotHash {
    /// As [`Display`](fmt::Display) writes it; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).ok();
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        Self::from_slice(&bytes?)
    }

    /// `None` if it is not 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn of(resources: &BTreeMap<String, Bytes>) -> Self {
        let mut hasher = Sha256::new();
        for (key, body) in resources {
            for part in [key.as_bytes(), body] {
                hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
                hasher.update(part);
            }
        }
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for SnapshotHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SnapshotHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
