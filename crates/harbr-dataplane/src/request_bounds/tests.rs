use proptest::prelude::*;

use super::{Fault, RequestBounds, Verdict};

/// What is passed on of a stream, in pieces of this size, and the verdict that ended it.
fn pass(stream: &[u8], piece: usize) -> (usize, Verdict) {
    let mut bounds = RequestBounds::new(64 * 1024);
    let mut passed = 0;
    for piece in stream.chunks(piece) {
        let (taken, verdict) = bounds.take(piece);
        passed += taken;
        if verdict != Verdict::Pass {
            return (passed, verdict);
        }
    }
    (passed, Verdict::Pass)
}

fn verdict(stream: &str) -> Verdict {
    let verdicts = [1, 2, 7, stream.len()].map(|piece| pass(stream.as_bytes(), piece).1);
    assert!(verdicts.iter().all(|one| *one == verdicts[0]), "{stream:?}: {verdicts:?}");
    verdicts[0]
}

#[test]
fn requests_that_can_be_read_in_one_way_pass_whole() {
    for stream in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\na\nb\n#\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\na\nb\r\n0\r\nX: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "M#THOD / HTTP/1.1\r\nX: #\r\n\r\n",
        "GET / HTTP/1.1\r\nX-Content-Length: 1\r\nContent-Lengths: 1\r\nTransfer: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    ] {
        for piece in [1, 3, stream.len()] {
            assert_eq!(pass(stream.as_bytes(), piece), (stream.len(), Verdict::Pass), "{stream:?}");
        }
    }
}

#[test]
fn what_hyper_would_not_tell_is_refused() {
    let framing = Verdict::RefuseHead(Fault::Framing);
    let bare_lf = Verdict::RefuseHead(Fault::BareLf);
    for (stream, expected) in [
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", framing),
        ("POST / HTTP/1.1\r\nTRANSFER-ENCODING: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", framing),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", framing),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::RefuseHead(Fault::Fragment)),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", bare_lf),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", bare_lf),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", bare_lf),
        ("\nGET / HTTP/1.1\r\n\r\n", bare_lf),
        ("GET / HTTP/1.1\r\n\r\nGET /#x HTTP/1.1\r\n\r\n", Verdict::RefuseHead(Fault::Fragment)),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\nY: 2\r\n\r\n",
            Verdict::RefuseBody(Fault::BareLf),
        ),
    ] {
        assert_eq!(verdict(stream), expected, "{stream:?}");
    }
}

#[test]
fn a_refused_head_stops_at_the_line_that_is_at_fault() {
    let stream = "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nA: 1\nB: 2\r\n\r\n";
    let whole_lines = "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n".len();
    assert_eq!(pass(stream.as_bytes(), stream.len()).0, whole_lines);
}

#[test]
fn what_follows_a_request_for_another_protocol_waits_for_its_answer() {
    let head = "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    let stream = format!("{head}GET /next HTTP/1.1\r\n\r\n");
    let mut bounds = RequestBounds::new(1024);
    assert_eq!(bounds.take(stream.as_bytes()), (head.len(), Verdict::Hold));
    assert!(bounds.awaits_answer());
    bounds.go_on();
    assert_eq!(bounds.take(&stream.as_bytes()[head.len()..]).1, Verdict::Pass);
    let connect = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nhello";
    assert_eq!(verdict(connect), Verdict::Hold);
}

#[test]
fn it_is_known_whether_a_head_has_begun() {
    let mut bounds = RequestBounds::new(1024);
    for (piece, in_head, between) in [
        ("", false, true),
        ("GE", true, false),
        ("T / HTTP/1.1\r\n", true, false),
        ("Content-Length: 2\r\n\r\n", false, false),
        ("ab", false, true),
        ("\r\n", false, true),
    ] {
        bounds.take(piece.as_bytes());
        assert_eq!((bounds.is_in_head(), bounds.is_between()), (in_head, between), "after {piece:?}");
    }
}

#[test]
fn a_line_that_never_ends_is_not_kept() {
    let mut bounds = RequestBounds::new(1024);
    for _ in 0..100 {
        assert_eq!(bounds.take(&[b'x'; 100]), (100, Verdict::Pass));
    }
    assert!(bounds.partial.capacity() <= 2048);
}

proptest! {
    #[test]
    fn how_the_stream_is_cut_makes_no_difference(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..24),
        piece in 1_usize..40,
    ) {
        let stream = words.concat();
        prop_assert_eq!(pass(stream.as_bytes(), piece).1, pass(stream.as_bytes(), stream.len().max(1)).1);
    }
}

const WORDS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /a#b HTTP/1.1\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Upgrade: x\r\n",
    "X: y\r\n",
    "\r\n",
    "\n",
    "\r",
    "abc",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    "5;a=b\r\n",
    "\0",
];
