use super::{CONTINUATION, DATA, END_HEADERS, END_STREAM, FrameWatch, HEADERS, RST_STREAM, SETTINGS, Seen};
use crate::connection::preface::PREFACE;

const PING: u8 = 0x6;

fn frame(kind: u8, flags: u8, len: usize) -> Vec<u8> {
    let mut frame = u32::try_from(len).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags, 0, 0, 0, 1]);
    frame.extend(std::iter::repeat_n(0xff, len));
    frame
}

/// What all of it holds, in pieces of one size.
fn watch(bytes: &[u8], piece: usize) -> (Seen, FrameWatch) {
    let mut watch = FrameWatch::new();
    let mut sum = Seen::default();
    for piece in PREFACE.iter().chain(bytes).copied().collect::<Vec<_>>().chunks(piece) {
        let seen = watch.read(piece);
        sum.frames += seen.frames;
        sum.heads += seen.heads;
        sum.cost = sum.cost.saturating_add(seen.cost);
    }
    (sum, watch)
}

#[test]
fn frames_are_counted_however_they_are_cut() {
    let bytes = [
        frame(SETTINGS, 0, 12),
        frame(HEADERS, END_HEADERS, 40),
        frame(DATA, 0, 3_000),
        frame(DATA, END_STREAM, 0),
        frame(PING, 0, 8),
        frame(RST_STREAM, 0, 4),
    ]
    .concat();
    for piece in [1, 2, 8, 9, 10, 33, 5_000] {
        let (seen, watch) = watch(&bytes, piece);
        assert_eq!(seen, Seen { frames: 6, heads: 1, cost: 5 + 1 + 5 }, "{piece}");
        assert!(!watch.is_in_head(), "{piece}");
    }
}

#[test]
fn only_what_asks_for_nothing_costs() {
    for (kind, flags, len, cost) in [
        (HEADERS, END_HEADERS, 100, 0),
        (DATA, 0, 1, 0),
        (DATA, END_STREAM, 0, 0),
        (DATA, 0, 0, 1),
        (CONTINUATION, END_HEADERS, 0, 1),
        (RST_STREAM, 0, 4, 5),
        (SETTINGS, 0, 0, 5),
        (0x2, 0, 5, 1),
        (PING, 0, 8, 1),
        (0x8, 0, 4, 1),
        (0xbb, 0, 16_384, 17),
    ] {
        let bytes = [frame(SETTINGS, 0, 0), frame(kind, flags, len)].concat();
        assert_eq!(watch(&bytes, 64).0.cost, 5 + cost, "{kind} {flags} {len}");
    }
}

#[test]
fn a_client_that_does_not_begin_with_settings_has_no_patience_to_try() {
    assert_eq!(watch(&frame(PING, 0, 8), 64).0.cost, u32::MAX);
}

#[test]
fn a_head_lasts_from_its_first_frame_to_the_end_of_its_last() {
    let whole =
        [frame(HEADERS, 0, 10), frame(CONTINUATION, 0, 10), frame(CONTINUATION, END_HEADERS, 10)].concat();
    for cut in 0..whole.len() {
        assert_eq!(watch(&whole[..cut], 7).1.is_in_head(), cut >= 9, "{cut}");
    }
    assert!(!watch(&whole, 7).1.is_in_head());
}
