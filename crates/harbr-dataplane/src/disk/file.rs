//! The form of the files: what kind it is, a checksum, the content. A file that was cut short or changed is
//! noticed, whichever byte it is.

use bytes::{Buf as _, Bytes};
use harbr_proto::{Assembly, EncodedSnapshot, Fence, v1};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::node::Serving;

/// What a file holds. The byte stands in its head, before the version of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot = b's' as isize,
    Mark = b'm' as isize,
    Quarantine = b'q' as isize,
    Pin = b'p' as isize,
}

const HEAD_BYTES: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidFile {
    #[error("it is not of this kind and version")]
    Head,
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its content is malformed")]
    Content,
}

pub(super) fn snapshot_to_bytes(serving: Serving, snapshot: &EncodedSnapshot) -> Vec<u8> {
    let mut content = Vec::with_capacity(snapshot.encoded_len());
    for chunk in snapshot.chunks(serving.fence, serving.revision, None) {
        content.extend(chunk.encode_length_delimited_to_vec());
    }
    seal(Kind::Snapshot, &content)
}

pub(super) fn snapshot_from_bytes(bytes: Vec<u8>) -> Result<(Serving, EncodedSnapshot), InvalidFile> {
    let mut content = unseal(Kind::Snapshot, bytes)?;
    let mut assembly = Assembly::default();
    loop {
        let chunk =
            v1::SnapshotChunk::decode_length_delimited(&mut content).map_err(|_| InvalidFile::Content)?;
        let (fence, revision) = (chunk.fence.map(Fence::from).unwrap_or_default(), chunk.revision);
        if let Some(snapshot) = assembly.add(chunk, None).map_err(|_| InvalidFile::Content)? {
            return Ok((Serving { fence, revision, hash: snapshot.hash() }, snapshot));
        }
    }
}

pub(super) fn message_to_bytes(kind: Kind, message: &impl prost::Message) -> Vec<u8> {
    seal(kind, &message.encode_to_vec())
}

pub(super) fn message_from_bytes<M: prost::Message + Default>(
    kind: Kind,
    bytes: Vec<u8>,
) -> Result<M, InvalidFile> {
    M::decode(unseal(kind, bytes)?).map_err(|_| InvalidFile::Content)
}

fn head(kind: Kind) -> [u8; HEAD_BYTES] {
    [b'h', b'a', b'r', b'b', b'r', 0, kind as u8, 1]
}

fn seal(kind: Kind, content: &[u8]) -> Vec<u8> {
    [&head(kind), checksum(kind, content).as_slice(), content].concat()
}

fn unseal(kind: Kind, bytes: Vec<u8>) -> Result<Bytes, InvalidFile> {
    let mut bytes = Bytes::from(bytes);
    if !bytes.starts_with(&head(kind)) {
        return Err(InvalidFile::Head);
    }
    bytes.advance(HEAD_BYTES);
    if bytes.len() < Sha256::output_size() {
        return Err(InvalidFile::Checksum);
    }
    let expected = bytes.split_to(Sha256::output_size());
    if checksum(kind, &bytes) != expected { Err(InvalidFile::Checksum) } else { Ok(bytes) }
}

fn checksum(kind: Kind, content: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(head(kind)).chain_update(content).finalize().to_vec()
}

#[cfg(test)]
mod tests;
