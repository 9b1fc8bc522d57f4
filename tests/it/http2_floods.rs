//! Clients of HTTP/2 that make work and want nothing, or hold a connection and do nothing with it. Counts are
//! bounded; the connection ends, the upstream sees little, and others are served meanwhile.

use std::time::Duration;

use harbr_tests::http2::{Frame, Http2Client, Kind, Outcome, flag};
use harbr_tests::{Answer, Fleet, Origin, RawClient, Shape, eventually, full, get};
use http::Response;
use tokio::time::{Instant, timeout};

use crate::file::{File, to};
use crate::http2_requests::get_with;

/// Within which another client is served, whatever a flood does.
const SERVED_WITHIN: Duration = Duration::from_secs(5);

async fn is_served(fleet: &Fleet) {
    let reply = timeout(SERVED_WITHIN, get(fleet.addr(), "/other")).await;
    assert_eq!(reply.expect("another client is served in time").status, 200);
}

async fn ended_by(fleet: &Fleet, limit: &str) -> u64 {
    let metrics = fleet.node().metrics().await;
    metrics.count("harbr_downstream_connections_ended_total", &[("limit", limit)])
}

/// Sends the same again and again, up to a bound, until the connection ends. What it was told at last.
async fn flood(fleet: &Fleet, client: &mut Http2Client, what: impl Fn(u32) -> Vec<Frame>) -> Option<u32> {
    const ROUNDS: u32 = 300;
    for round in 0..ROUNDS {
        if client.send(&what(round)).await.is_err() {
            break;
        }
        if round % 100 == 50 {
            is_served(fleet).await;
        }
    }
    let code = client.until_closed().await;
    is_served(fleet).await;
    code
}

/// A hundred of the same.
fn hundred(frame: &Frame) -> Vec<Frame> {
    vec![frame.clone(); 100]
}

#[tokio::test]
async fn frames_that_ask_for_nothing_end_the_connection() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for (name, frame) in [
        ("PING, CVE-2019-9512", Frame::ping()),
        ("acknowledged PING", Frame::new(Kind::PING, flag::ACK, 0, [0; 8])),
        ("SETTINGS, CVE-2019-9515", Frame::settings(&[(0x3, 100)])),
        ("PRIORITY, CVE-2019-9513", Frame::new(Kind::PRIORITY, 0, 1, [0, 0, 0, 0, 16])),
        ("WINDOW_UPDATE", Frame::window_update(0, 1)),
        ("unknown frames", Frame::new(0xbb, 0, 0, vec![0; 64])),
    ] {
        let mut client = Http2Client::connect(fleet.addr()).await;
        let before = ended_by(&fleet, "http2_flood").await;
        flood(&fleet, &mut client, |_| hundred(&frame)).await;
        assert_eq!(ended_by(&fleet, "http2_flood").await, before + 1, "{name}");
    }
    let seen = origin.seen();
    assert!(seen.iter().all(|seen| seen.target == "/other"), "{seen:?}");
}

#[tokio::test]
async fn requests_that_are_taken_back_reach_an_upstream_in_small_numbers() {
    let origin = Origin::start("a").await;
    origin.answers_with(|request| async move {
        if request.uri().path() == "/x" {
            std::future::pending::<()>().await;
        }
        Response::new(full("ok"))
    });
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let before = fleet.node().process.resident_bytes();

    // CVE-2023-44487, in bursts and one by one.
    for batch in [50, 1] {
        let mut client = Http2Client::connect(fleet.addr()).await;
        flood(&fleet, &mut client, |round| {
            let streams = (0..batch).map(|number| 1 + 2 * (round * batch + number));
            streams
                .flat_map(|stream| [Frame::request(stream, &get_with(&[])), Frame::reset(stream)])
                .collect()
        })
        .await;
    }
    let rapid = origin.seen().iter().filter(|seen| seen.target == "/x").count();
    assert!(rapid <= 512, "{rapid} requests reached the upstream");

    // CVE-2025-8671: it is the server that is made to reset them.
    let mut client = Http2Client::connect(fleet.addr()).await;
    let code = flood(&fleet, &mut client, |round| {
        let stream = 1 + 2 * round;
        vec![Frame::request(stream, &get_with(&[])), Frame::window_update(stream, (1 << 31) - 1)]
    })
    .await;
    const ENHANCE_YOUR_CALM: u32 = 0xb;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
    let made = origin.seen().iter().filter(|seen| seen.target == "/x").count() - rapid;
    assert!(made <= 256, "{made} requests reached the upstream");

    eventually("all of it is over", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_endpoint_requests_in_flight", &[]) == 0).then_some(())
    })
    .await;
    // A client must not be able to fill the log.
    let told = fleet.node().process.stderr_lines();
    assert!(!told.iter().any(|line| line.contains("h2::")), "{told:#?}");
    let grown = fleet.node().process.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
}

#[tokio::test]
async fn heads_and_bodies_without_end_are_cut_off() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let before = fleet.node().process.resident_bytes();

    // CVE-2024-27316.
    let mut client = Http2Client::connect(fleet.addr()).await;
    client.send(&[Frame::headers(0, 1, &get_with(&[]))]).await.unwrap();
    let more = Frame::headers(0, 1, &vec![("x-a".to_owned(), "x".repeat(100)); 100]).payload;
    let code = flood(&fleet, &mut client, |_| vec![Frame::new(Kind::CONTINUATION, 0, 1, more.clone())]).await;
    assert!(code.is_some_and(|code| code != 0), "{code:?}");

    // The same without content.
    let mut client = Http2Client::connect(fleet.addr()).await;
    client.send(&[Frame::headers(0, 1, &get_with(&[]))]).await.unwrap();
    let code = flood(&fleet, &mut client, |_| hundred(&Frame::new(Kind::CONTINUATION, 0, 1, []))).await;
    assert!(code.is_some_and(|code| code != 0), "{code:?}");

    // RUSTSEC-2026-0258.
    let mut client = Http2Client::connect(fleet.addr()).await;
    client.send(&[Frame::open(1, &get_with(&[]))]).await.unwrap();
    flood(&fleet, &mut client, |_| hundred(&Frame::data(0, 1, ""))).await;

    // A field of 3 KiB in the table, and 10,000 times its index: the bomb of RFC 7541, 7.3.
    let mut client = Http2Client::connect(fleet.addr()).await;
    let mut bomb = Frame::headers(0, 1, &get_with(&[])).payload;
    bomb.extend([0x40, 1, b'x', 127, 0xb9, 0x16]);
    bomb.extend([b'y'; 3_000]);
    bomb.extend([0xbe; 10_000]);
    client.send(&[Frame::new(Kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, 1, bomb)]).await.unwrap();
    let answer = client.answer(1).await;
    assert!(answer.status == Some(431) || answer.outcome != Outcome::Whole, "{answer:?}");

    let seen = origin.seen();
    assert!(seen.iter().filter(|seen| seen.target != "/other").count() <= 1, "{seen:?}");
    let grown = fleet.node().process.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
    is_served(&fleet).await;
}

#[tokio::test]
async fn more_requests_at_once_than_allowed_are_refused_unseen() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::Silence);
    let text = File::all_to(&origin).set("http2: { max_concurrent_streams: 5 }").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Http2Client::connect(fleet.addr()).await;
    let all: Vec<_> = (0..9).map(|number| Frame::request(1 + 2 * number, &get_with(&[]))).collect();
    client.send(&all).await.unwrap();
    const REFUSED_STREAM: u32 = 0x7;
    assert_eq!(client.answer(11).await.outcome, Outcome::Reset(REFUSED_STREAM), "RFC 9113, 5.1.2");
    eventually("five are at the upstream", async || (origin.requests() == 5).then_some(())).await;
}

#[tokio::test]
async fn a_client_that_does_not_get_to_a_request_is_closed() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).set("header_timeout: 500ms").set("keep_alive_timeout: 500ms").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let settings = Frame::settings(&[]).to_bytes();
    let half_head = Frame::headers(flag::END_STREAM, 1, &get_with(&[])).to_bytes();
    for (name, bytes) in [
        ("half a preface", Frame::PREFACE[..10].to_vec()),
        ("a preface", Frame::PREFACE.to_vec()),
        ("half a frame of settings", [Frame::PREFACE, &settings[..5]].concat()),
        ("settings", [Frame::PREFACE, &settings].concat()),
        ("half a head", [Frame::PREFACE, &settings, &half_head].concat()),
        ("half a frame of a head", [Frame::PREFACE, &settings, &half_head[..20]].concat()),
    ] {
        let start = Instant::now();
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(bytes).await.unwrap();
        client.read_to_end().await;
        assert!(start.elapsed() < Duration::from_secs(15), "{name}: {:?}", start.elapsed());
    }
    assert_eq!(origin.requests(), 0);
    is_served(&fleet).await;
}

#[tokio::test]
async fn a_connection_at_rest_is_told_goodbye() {
    let origin = Origin::start("a").await;
    let fleet =
        Fleet::start(Shape::Split, &File::all_to(&origin).set("keep_alive_timeout: 500ms").text()).await;
    let mut client = Http2Client::connect(fleet.addr()).await;
    assert_eq!(client.ask(1, &get_with(&[])).await.status, Some(200));
    const NO_ERROR: u32 = 0;
    let goodbye = client.frame_of(Kind::GOAWAY).await;
    assert_eq!(&goodbye.payload[4..8], NO_ERROR.to_be_bytes());
    // It asks whether all was seen, before it closes (RFC 9113, 6.8).
    let ping = client.frame_of(Kind::PING).await;
    client.send(&[Frame::new(Kind::PING, flag::ACK, 0, ping.payload)]).await.unwrap();
    assert_eq!(client.until_closed().await, Some(NO_ERROR));
    assert_eq!(ended_by(&fleet, "keep_alive_timeout").await, 1);
    // Pings are no requests: a client cannot hold its place by them.
    let mut pinging = Http2Client::connect(fleet.addr()).await;
    let start = Instant::now();
    while pinging.send(&[Frame::ping()]).await.is_ok() && start.elapsed() < Duration::from_secs(20) {
        tokio::task::yield_now().await;
        if timeout(Duration::from_millis(50), pinging.frame()).await.is_ok_and(|frame| frame.is_none()) {
            break;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_alone() {
    let origin = Origin::start("a").await;
    origin.answers_with(|_| async { Response::new(full(vec![b'x'; 200_000])) });
    let text = File::new().route("/", &format!("{}, idle_timeout: 700ms", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    // SETTINGS_INITIAL_WINDOW_SIZE: nothing may be sent on a stream before it is asked for.
    let mut client = Http2Client::connect_with(fleet.addr(), &[(0x4, 0)]).await;
    let stuck = client.ask(1, &get_with(&[])).await;
    assert_eq!(stuck.status, Some(200));
    assert!(matches!(stuck.outcome, Outcome::Reset(_)), "{:?}", stuck.outcome);
    assert!(stuck.body.is_empty());

    client
        .send(&[
            Frame::request(3, &get_with(&[])),
            Frame::window_update(3, 1 << 20),
            Frame::window_update(0, 1 << 20),
        ])
        .await
        .unwrap();
    let taken = client.answer(3).await;
    assert_eq!((taken.outcome, taken.body.len()), (Outcome::Whole, 200_000));
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_downstream_streams_ended_total", &[("limit", "idle_timeout")]), 1);
    eventually("nothing is held for it", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_endpoint_requests_in_flight", &[]) == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408_and_others_of_its_connection_go_on() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, idle_timeout: 700ms", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Http2Client::connect(fleet.addr()).await;
    client.send(&[Frame::open(1, &get_with(&[])), Frame::data(0, 1, "half")]).await.unwrap();
    let answer = client.answer(1).await;
    assert_eq!(answer.status, Some(408), "{answer:?}");
    assert_eq!(client.ask(3, &get_with(&[])).await.status, Some(200));
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_gone() {
    let origin = Origin::start("a").await;
    origin.answers_with(|_| async { Response::new(full(vec![b'x'; 1 << 20])) });
    let text = File::new()
        .set("header_timeout: 500ms")
        .set("keep_alive_timeout: 500ms")
        .route("/", &format!("{}, idle_timeout: 700ms", to(&origin)))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let big = (1 << 31) - 1;
    let mut client = Http2Client::connect_with(fleet.addr(), &[(0x4, big)]).await;
    client.send(&[Frame::window_update(0, big - 65_535)]).await.unwrap();
    let all: Vec<_> = (0..50).map(|number| Frame::request(1 + 2 * number, &get_with(&[]))).collect();
    client.send(&all).await.unwrap();
    eventually("its connection is closed", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_downstream_connections", &[]) == 0).then_some(())
    })
    .await;
    drop(client);
}
