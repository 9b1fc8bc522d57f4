use harbr_proto::{EncodedSnapshot, Fence};

use super::{from_bytes, to_bytes};
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
    (serving, to_bytes(serving, &snapshot))
}

#[test]
fn what_was_stored_comes_back() {
    let (serving, bytes) = file();
    let (loaded, snapshot) = from_bytes(bytes.into()).unwrap();
    assert_eq!(loaded, serving);
    assert_eq!(snapshot.decode(), self::snapshot().decode());
}

#[test]
fn a_file_cut_short_or_flipped_at_any_byte_is_noticed() {
    let (_, bytes) = file();
    for at in 0..bytes.len() {
        assert!(from_bytes(bytes[..at].to_vec().into()).is_err(), "cut at {at}");
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(from_bytes(flipped.into()).is_err(), "flipped at {at}");
    }
}
