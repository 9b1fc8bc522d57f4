use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use crate::{EncodedSnapshot, Fence, SnapshotHash, v1};

/// Bytes of a snapshot that a node takes at most.
pub const MAX_SNAPSHOT_BYTES: usize = 512 * 1024 * 1024;

/// A snapshot on its way to a node, put together from chunks. A chunk of a newer one drops what came before:
/// a slow node skips revisions.
#[derive(Debug, Default)]
pub struct Assembly {
    partial: Option<Partial>,
}

struct Partial {
    fence: Fence,
    hash: SnapshotHash,
    resources: BTreeMap<String, Bytes>,
    received: usize,
}

/// Without the resources themselves: some are secret.
impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial")
            .field("fence", &self.fence)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChunk {
    #[error("the chunk has no fence")]
    NoFence,
    #[error("the chunk's hash is not 32 bytes")]
    Hash,
    #[error("the change is against {expected}, which is not served here")]
    UnknownBase { expected: String },
    #[error("the snapshot is over {MAX_SNAPSHOT_BYTES} bytes")]
    TooLarge,
    #[error("the resources received have the hash {found}, not {expected}")]
    HashMismatch { expected: SnapshotHash, found: SnapshotHash },
}

impl Assembly {
    /// Adds a chunk; `base` is what changes may be against. The whole snapshot comes back with its last chunk.
    ///
    /// # Errors
    /// If the chunk cannot be used; what was received of its snapshot is then dropped.
    pub fn add(
        &mut self,
        chunk: v1::SnapshotChunk,
        base: Option<&EncodedSnapshot>,
    ) -> Result<Option<EncodedSnapshot>, InvalidChunk> {
        let fence = chunk.fence.map(Fence::from).ok_or(InvalidChunk::NoFence)?;
        let mut partial = match self.partial.take() {
            Some(partial) if partial.fence == fence => partial,
            Some(_) | None => Partial::begin(fence, &chunk, base)?,
        };
        for key in &chunk.removals {
            partial.resources.remove(key);
        }
        for v1::ResourceEntry { key, body } in chunk.upserts {
            partial.received += key.len() + body.len();
            if partial.received > MAX_SNAPSHOT_BYTES {
                return Err(InvalidChunk::TooLarge);
            }
            partial.resources.insert(key, body);
        }
        if !chunk.last {
            self.partial = Some(partial);
            return Ok(None);
        }
        let snapshot = EncodedSnapshot::from_resources(partial.resources);
        let (expected, found) = (partial.hash, snapshot.hash());
        if expected != found {
            return Err(InvalidChunk::HashMismatch { expected, found });
        }
        Ok(Some(snapshot))
    }
}

impl Partial {
    fn begin(
        fence: Fence,
        chunk: &v1::SnapshotChunk,
        base: Option<&EncodedSnapshot>,
    ) -> Result<Self, InvalidChunk> {
        let hash = SnapshotHash::from_slice(&chunk.hash).ok_or(InvalidChunk::Hash)?;
        let resources = if chunk.base_hash.is_empty() {
            BTreeMap::new()
        } else {
            let expected = SnapshotHash::from_slice(&chunk.base_hash).ok_or(InvalidChunk::Hash)?;
            let base = base.filter(|base| base.hash() == expected);
            let unknown = || InvalidChunk::UnknownBase { expected: expected.to_string() };
            base.ok_or_else(unknown)?.resources().clone()
        };
        Ok(Self { fence, hash, resources, received: 0 })
    }
}
