//! Frames that break HTTP/2 itself. Each case names its rule; the connection or the stream ends with the error
//! that is due, nothing reaches the upstream, and others are served.

use std::time::Duration;

use harbr_tests::http2::{Frame, Http2Client, Kind, Outcome, flag};
use harbr_tests::{Fleet, Origin, Shape, Signal, eventually, get};

use crate::file::File;
use crate::http2_requests::{fields, get_with};

const PROTOCOL_ERROR: u32 = 0x1;
const FLOW_CONTROL_ERROR: u32 = 0x3;
const STREAM_CLOSED: u32 = 0x5;
const FRAME_SIZE_ERROR: u32 = 0x6;
const COMPRESSION_ERROR: u32 = 0x9;

/// Name, rule, frames after preface and settings, codes of which one is due.
type Case = (&'static str, &'static str, Vec<Frame>, &'static [u32]);

fn window(stream: u32, increment: u32) -> Frame {
    Frame::window_update(stream, increment)
}

fn connection_errors() -> Vec<Case> {
    let get = || Frame::request(1, &get_with(&[]));
    let part = || Frame::headers(flag::END_STREAM, 1, &get_with(&[]));
    let max_window = (1 << 31) - 1;
    vec![
        ("DATA on stream 0", "6.1", vec![Frame::data(0, 0, "x")], &[PROTOCOL_ERROR]),
        ("DATA on a stream that never was", "5.1", vec![Frame::data(0, 5, "x")], &[PROTOCOL_ERROR]),
        (
            "padding beyond the frame",
            "6.1",
            vec![Frame::open(1, &get_with(&[])), Frame::data(flag::PADDED, 1, *b"\xffx")],
            &[PROTOCOL_ERROR],
        ),
        ("HEADERS on stream 0", "6.2", vec![Frame::request(0, &get_with(&[]))], &[PROTOCOL_ERROR]),
        ("a stream of the server's", "5.1.1", vec![Frame::request(2, &get_with(&[]))], &[PROTOCOL_ERROR]),
        (
            "a stream below the last",
            "5.1.1",
            vec![Frame::request(5, &get_with(&[("x-case", "ok")])), Frame::request(3, &get_with(&[]))],
            &[PROTOCOL_ERROR, STREAM_CLOSED],
        ),
        (
            "CONTINUATION of nothing",
            "6.10",
            vec![Frame::new(Kind::CONTINUATION, flag::END_HEADERS, 1, [])],
            &[PROTOCOL_ERROR],
        ),
        ("another frame within a head", "6.10", vec![part(), Frame::ping()], &[PROTOCOL_ERROR]),
        (
            "another stream's CONTINUATION",
            "6.10",
            vec![part(), Frame::new(Kind::CONTINUATION, flag::END_HEADERS, 3, [])],
            &[PROTOCOL_ERROR],
        ),
        (
            "an unknown frame within a head",
            "5.5",
            vec![part(), Frame::new(0xbb, 0, 1, [])],
            &[PROTOCOL_ERROR],
        ),
        (
            "PUSH_PROMISE from a client",
            "8.4",
            vec![Frame::new(Kind::PUSH_PROMISE, flag::END_HEADERS, 1, [0, 0, 0, 2])],
            &[PROTOCOL_ERROR],
        ),
        (
            "an index beyond the tables",
            "RFC 7541, 2.3.3",
            vec![Frame::new(Kind::HEADERS, 5, 1, [0xff, 0xff, 0x7f])],
            &[PROTOCOL_ERROR, COMPRESSION_ERROR],
        ),
        (
            "the index 0",
            "RFC 7541, 6.1",
            vec![Frame::new(Kind::HEADERS, 5, 1, [0x80])],
            &[PROTOCOL_ERROR, COMPRESSION_ERROR],
        ),
        (
            "a Huffman code of no character",
            "RFC 7541, 5.2",
            vec![Frame::new(Kind::HEADERS, 5, 1, [0x00, 0x81, 0x00, 0x01, b'x'])],
            &[PROTOCOL_ERROR, COMPRESSION_ERROR],
        ),
        (
            "a table larger than was agreed",
            "RFC 7541, 6.3",
            vec![Frame::new(Kind::HEADERS, 5, 1, [0x3f, 0xff, 0xff, 0x7f])],
            &[PROTOCOL_ERROR, COMPRESSION_ERROR],
        ),
        (
            "a frame beyond SETTINGS_MAX_FRAME_SIZE",
            "4.2",
            vec![Frame::open(1, &get_with(&[])), Frame::data(0, 1, vec![0; 16_385])],
            &[FRAME_SIZE_ERROR],
        ),
        (
            "PRIORITY of four bytes",
            "6.3",
            vec![Frame::new(Kind::PRIORITY, 0, 1, [0; 4])],
            &[PROTOCOL_ERROR, FRAME_SIZE_ERROR],
        ),
        ("PRIORITY on stream 0", "6.3", vec![Frame::new(Kind::PRIORITY, 0, 0, [0; 5])], &[PROTOCOL_ERROR]),
        (
            "RST_STREAM of three bytes",
            "6.4",
            vec![get(), Frame::new(Kind::RST_STREAM, 0, 1, [0; 3])],
            &[PROTOCOL_ERROR, FRAME_SIZE_ERROR],
        ),
        ("RST_STREAM of a stream that never was", "6.4", vec![Frame::reset(7)], &[PROTOCOL_ERROR]),
        ("RST_STREAM on stream 0", "6.4", vec![Frame::reset(0)], &[PROTOCOL_ERROR]),
        (
            "SETTINGS of five bytes",
            "6.5",
            vec![Frame::new(Kind::SETTINGS, 0, 0, [0; 5])],
            &[PROTOCOL_ERROR, FRAME_SIZE_ERROR],
        ),
        ("SETTINGS of a stream", "6.5", vec![Frame::new(Kind::SETTINGS, 0, 1, [])], &[PROTOCOL_ERROR]),
        (
            "an acknowledgement that says something",
            "6.5",
            vec![Frame::new(Kind::SETTINGS, flag::ACK, 0, [0; 6])],
            &[PROTOCOL_ERROR, FRAME_SIZE_ERROR],
        ),
        ("SETTINGS_ENABLE_PUSH of 2", "6.5.2", vec![Frame::settings(&[(0x2, 2)])], &[PROTOCOL_ERROR]),
        (
            "SETTINGS_INITIAL_WINDOW_SIZE of 2^31",
            "6.5.2",
            vec![Frame::settings(&[(0x4, 1 << 31)])],
            &[FLOW_CONTROL_ERROR, PROTOCOL_ERROR],
        ),
        ("SETTINGS_MAX_FRAME_SIZE of 1", "6.5.2", vec![Frame::settings(&[(0x5, 1)])], &[PROTOCOL_ERROR]),
        (
            "PING of seven bytes",
            "6.7",
            vec![Frame::new(Kind::PING, 0, 0, [0; 7])],
            &[PROTOCOL_ERROR, FRAME_SIZE_ERROR],
        ),
        ("PING of a stream", "6.7", vec![Frame::new(Kind::PING, 0, 1, [0; 8])], &[PROTOCOL_ERROR]),
        ("GOAWAY of a stream", "6.8", vec![Frame::new(Kind::GOAWAY, 0, 1, [0; 8])], &[PROTOCOL_ERROR]),
        ("WINDOW_UPDATE of nothing", "6.9", vec![window(0, 0)], &[PROTOCOL_ERROR]),
        (
            "WINDOW_UPDATE of three bytes",
            "6.9",
            vec![Frame::new(Kind::WINDOW_UPDATE, 0, 0, [0; 3])],
            &[PROTOCOL_ERROR, FRAME_SIZE_ERROR],
        ),
        ("WINDOW_UPDATE of a stream that never was", "5.1", vec![window(9, 1)], &[PROTOCOL_ERROR]),
        (
            "a window beyond 2^31-1",
            "6.9.1",
            vec![window(0, max_window), window(0, max_window)],
            &[FLOW_CONTROL_ERROR],
        ),
    ]
}

#[tokio::test]
async fn frames_that_break_the_connection_end_it_with_the_error_that_is_due() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut problems = Vec::new();
    for (name, rule, frames, codes) in connection_errors() {
        let mut client = Http2Client::connect(fleet.addr()).await;
        // The end may come before all of it is written.
        let _ = client.send(&frames).await;
        let code = client.until_closed().await;
        if !code.is_some_and(|code| codes.contains(&code)) {
            problems.push(format!("{name} (RFC 9113, {rule}): one of {codes:?} was due, not {code:?}"));
        }
        if get(fleet.addr(), "/other").await.status != 200 {
            problems.push(format!("{name}: another client was not served"));
        }
    }
    assert_eq!(problems, Vec::<String>::new());
    let seen = origin.seen();
    // What came whole before the fault may be there.
    assert!(seen.iter().all(|seen| ["/x", "/other"].contains(&&*seen.target)), "{seen:?}");
    assert!(seen.iter().filter(|seen| seen.target == "/x").count() <= 5, "{seen:?}");
}

#[tokio::test]
async fn what_does_not_begin_as_http2_is_none() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;

    // RFC 9113, 3.4: settings come first.
    let mut client = Http2Client::connect_silently(fleet.addr()).await;
    client.send_bytes(Frame::PREFACE).await.unwrap();
    client.send(&[Frame::ping()]).await.unwrap();
    client.until_closed().await;

    // A preface with another end is a request of HTTP/1, and no good one.
    let answer = harbr_tests::RawClient::exchange(fleet.addr(), "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{answer}");
    let answer = harbr_tests::RawClient::exchange(
        fleet.addr(),
        "PRI / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "a method of that name is nothing special: {answer}");
    assert_eq!(origin.requests(), 1);
}

#[tokio::test]
async fn frames_that_break_one_stream_end_that_one() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let open = || Frame::open(1, &get_with(&[]));
    let max_window = (1 << 31) - 1;
    for (name, rule, frames, codes) in [
        ("WINDOW_UPDATE of nothing", "6.9", vec![open(), Frame::window_update(1, 0)], &[PROTOCOL_ERROR][..]),
        (
            "a window beyond 2^31-1",
            "6.9.1",
            vec![open(), Frame::window_update(1, max_window)],
            &[FLOW_CONTROL_ERROR],
        ),
        (
            "a stream that depends on itself",
            "5.3.1 of RFC 7540",
            vec![open(), Frame::new(Kind::PRIORITY, 0, 1, [0, 0, 0, 1, 16])],
            &[PROTOCOL_ERROR],
        ),
        (
            "DATA behind the end",
            "5.1",
            vec![
                Frame::open(1, &get_with(&[])),
                Frame::data(flag::END_STREAM, 1, ""),
                Frame::data(0, 1, "x"),
            ],
            &[STREAM_CLOSED, PROTOCOL_ERROR],
        ),
    ] {
        let mut client = Http2Client::connect(fleet.addr()).await;
        let _ = client.send(&frames).await;
        let answer = client.answer(1).await;
        let is_due =
            matches!(answer.outcome, Outcome::Reset(told) | Outcome::GoAway(told) if codes.contains(&told));
        assert!(is_due, "{name} ({rule}): {answer:?}");
        assert_eq!(get(fleet.addr(), "/other").await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn a_client_that_says_goodbye_gets_the_answers_that_it_waits_for() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = Http2Client::connect(fleet.addr()).await;
    let goodbye = Frame::new(Kind::GOAWAY, 0, 0, [0; 8]);
    client
        .send(&[
            Frame::request(
                1,
                &fields(&[
                    (":method", "GET"),
                    (":scheme", "http"),
                    (":path", "/last"),
                    (":authority", "a.test"),
                ]),
            ),
            goodbye,
        ])
        .await
        .unwrap();
    assert_eq!(client.answer(1).await.echo().target, "/last");
    client.until_closed().await;
}

#[tokio::test]
async fn a_termination_ends_http2_by_goaway_and_answers_what_is_under_way() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut resting = Http2Client::connect(fleet.addr()).await;
    assert_eq!(resting.ask(1, &get_with(&[])).await.status, Some(200));
    origin.answers(harbr_tests::Answer::EchoAfter(Duration::from_millis(1_500)));
    let mut busy = Http2Client::connect(fleet.addr()).await;
    busy.send(&[Frame::request(1, &get_with(&[]))]).await.unwrap();
    eventually("it is at the upstream", async || (origin.requests() == 2).then_some(())).await;
    fleet.node().process.signal(Signal::Terminate);

    for client in [&mut resting, &mut busy] {
        let goodbye = client.frame_of(Kind::GOAWAY).await;
        assert_eq!(goodbye.payload[4..8], [0; 4]);
        // Nothing is lost that was sent before it came (RFC 9113, 6.8).
        let ping = client.frame_of(Kind::PING).await;
        client.send(&[Frame::new(Kind::PING, flag::ACK, 0, ping.payload)]).await.unwrap();
    }
    assert_eq!(busy.answer(1).await.status, Some(200));
    busy.until_closed().await;
    resting.until_closed().await;
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
}
