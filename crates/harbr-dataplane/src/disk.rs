//! The last good snapshot on disk, from which a node starts when no controller answers.

use bytes::{Buf as _, Bytes};
use harbr_process::StateDir;
use harbr_proto::{Assembly, EncodedSnapshot, Fence, v1};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::node::Serving;

const FILE: &str = "last-good";
/// What the file begins with: its kind and the version of its form.
const MAGIC: &[u8; 8] = b"harbr\0\0\x01";

/// A file that was cut short or changed is noticed, whichever byte it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidFile {
    #[error("it is not a snapshot of this version")]
    Magic,
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its content is malformed")]
    Content,
}

/// Writes what serves now in place of what was there.
pub(crate) fn store(dir: &StateDir, serving: Serving, snapshot: &EncodedSnapshot) -> std::io::Result<()> {
    dir.write(FILE, &to_bytes(serving, snapshot))
}

/// What served last; `None` if there is nothing that can be used, which is said in the log.
pub(crate) fn load(dir: &StateDir) -> Option<(Serving, EncodedSnapshot)> {
    let bytes = match dir.read(FILE) {
        Ok(bytes) => bytes?,
        Err(error) => {
            tracing::warn!(%error, "the last good snapshot cannot be read");
            return None;
        }
    };
    from_bytes(bytes.into())
        .inspect_err(|error| tracing::warn!(%error, "the last good snapshot is not used"))
        .ok()
}

fn to_bytes(serving: Serving, snapshot: &EncodedSnapshot) -> Vec<u8> {
    let mut content = Vec::with_capacity(snapshot.encoded_len());
    for chunk in snapshot.chunks(serving.fence, serving.revision, None) {
        content.extend(chunk.encode_length_delimited_to_vec());
    }
    [MAGIC, Sha256::digest(&content).as_slice(), &content].concat()
}

fn from_bytes(mut bytes: Bytes) -> Result<(Serving, EncodedSnapshot), InvalidFile> {
    if !bytes.starts_with(MAGIC) {
        return Err(InvalidFile::Magic);
    }
    bytes.advance(MAGIC.len());
    if bytes.len() < Sha256::output_size() {
        return Err(InvalidFile::Checksum);
    }
    let checksum = bytes.split_to(Sha256::output_size());
    if Sha256::digest(&bytes).as_slice() != checksum {
        return Err(InvalidFile::Checksum);
    }
    let mut assembly = Assembly::default();
    loop {
        let chunk =
            v1::SnapshotChunk::decode_length_delimited(&mut bytes).map_err(|_| InvalidFile::Content)?;
        let (fence, revision) = (chunk.fence.map(Fence::from).unwrap_or_default(), chunk.revision);
        if let Some(snapshot) = assembly.add(chunk, None).map_err(|_| InvalidFile::Content)? {
            return Ok((Serving { fence, revision, hash: snapshot.hash() }, snapshot));
        }
    }
}

#[cfg(test)]
mod tests;
