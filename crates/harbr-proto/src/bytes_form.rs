use bytes::{Bytes, BytesMut};
use prost::Message as _;

use crate::{Assembly, EncodedSnapshot, Fence, SnapshotHash, v1};

/// What should be a snapshot as bytes is none, or not the one that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not the snapshot that they should be")]
pub struct InvalidSnapshotBytes;

impl EncodedSnapshot {
    /// For keeping it on disk.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = BytesMut::with_capacity(self.encoded_len());
        for chunk in self.chunks(Fence::default(), 0, None) {
            bytes.extend_from_slice(&chunk.encode_length_delimited_to_vec());
        }
        bytes.to_vec()
    }

    /// # Errors
    /// If the bytes do not make the snapshot with this hash.
    pub fn from_bytes(mut bytes: Bytes, expected: SnapshotHash) -> Result<Self, InvalidSnapshotBytes> {
        let mut assembly = Assembly::default();
        loop {
            let chunk = v1::SnapshotChunk::decode_length_delimited(&mut bytes);
            let whole = assembly.add(chunk.map_err(|_| InvalidSnapshotBytes)?, None);
            if let Some(snapshot) = whole.map_err(|_| InvalidSnapshotBytes)? {
                return Some(snapshot)
                    .filter(|found| found.hash() == expected && bytes.is_empty())
                    .ok_or(InvalidSnapshotBytes);
            }
        }
    }
}
