use harbr_proto::{EncodedSnapshot, Fence, v1};

use super::{Kind, message_from_bytes, message_to_bytes, snapshot_from_bytes, snapshot_to_bytes};
use crate::node::Serving;
use crate::testing::{self, route, upstream};

fn snapshot() -> EncodedSnapshot {
    EncodedSnapshot::encode(&testing::snapshot(
        vec![upstream("u", &[(1, 1)], "/h")],
        vec![route("/", "u", 0)],
    ))
}

fn file() -> (Serving, Vec<u8>) {
    let snapshot = snapshot();
    let fence = Fence { epoch: 2, generation: 7 };
    let serving = Serving { fence, revision: 7, hash: snapshot.hash() };
    (serving, snapshot_to_bytes(serving, &snapshot))
}

/// Each way to cut a file short, and to change a bit of it.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..bytes.len()).map(|at| bytes[..at].to_vec());
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    cut.chain(flipped)
}

#[test]
fn what_was_stored_comes_back() {
    let (serving, bytes) = file();
    let (loaded, snapshot) = snapshot_from_bytes(bytes).unwrap();
    assert_eq!(loaded, serving);
    assert_eq!(snapshot.decode(), self::snapshot().decode());
}

#[test]
fn a_snapshot_cut_short_or_flipped_at_any_byte_is_noticed() {
    for bytes in damaged(&file().1) {
        assert!(snapshot_from_bytes(bytes).is_err());
    }
}

#[test]
fn a_small_file_cut_short_or_flipped_at_any_byte_is_noticed() {
    let mark = v1::Mark { serving: None, strikes: 2, settled: true };
    let bytes = message_to_bytes(Kind::Mark, &mark);
    assert_eq!(message_from_bytes(Kind::Mark, bytes.clone()), Ok(mark));
    assert!(message_from_bytes::<v1::Mark>(Kind::Pin, bytes.clone()).is_err());
    for bytes in damaged(&bytes) {
        assert!(message_from_bytes::<v1::Mark>(Kind::Mark, bytes).is_err());
    }
}
