//! Clients that leave while their request is answered, and those that only seem to.

use harbr_tests::{Answer, Fleet, Origin, RawClient, RawOrigin, Shape, eventually, read_head};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::file::File;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An upstream that answers nothing, and says when a connection to it ended.
async fn silent_upstream() -> (RawOrigin, mpsc::Receiver<Event>) {
    let (tx, events) = mpsc::channel(8);
    let origin = RawOrigin::start(move |mut stream| {
        let tx = tx.clone();
        async move {
            if read_head(&mut stream).await.is_none() {
                return;
            }
            tx.send(Event::Asked).await.expect("the test listens");
            let _ended = stream.read_u8().await;
            tx.send(Event::Ended).await.expect("the test listens");
        }
    })
    .await;
    (origin, events)
}

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Asked,
    Ended,
}

async fn next(events: &mut mpsc::Receiver<Event>) -> Option<Event> {
    timeout(harbr_tests::GENEROUS, events.recv()).await.expect("an event at the upstream")
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_upstream_request() {
    let (upstream, mut events) = silent_upstream().await;
    let text = File::new()
        .global_timeout_ms(600_000)
        .route("/", &format!("upstream: \"{}\", timeout_ms: 600000", upstream.url()))
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for way in ["reset", "close", "half-close"] {
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(REQUEST).await.unwrap();
        assert_eq!(next(&mut events).await, Some(Event::Asked), "{way}");
        let kept = match way {
            "reset" => {
                client.reset();
                None
            }
            "close" => {
                drop(client);
                None
            }
            _ => {
                client.finish().await;
                Some(client)
            }
        };
        assert_eq!(next(&mut events).await, Some(Event::Ended), "{way}");
        drop(kept);
    }
    let metrics = eventually("all three are counted", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_request_failures_total", &[("reason", "client_gone")]) == 3).then_some(metrics)
    })
    .await;
    assert_eq!(metrics.count("proxy_attempt_total", &[]), 0, "it says nothing of the upstream");
    assert_eq!(metrics.count("harbr_endpoint_requests_in_flight", &[]), 0);
}

#[tokio::test]
async fn a_client_that_closes_its_half_gets_an_answer_that_comes_soon() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for _ in 0..10 {
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(REQUEST).await.unwrap();
        client.finish().await;
        let answer = client.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_came_in_part_behind_another_has_the_time_of_a_head() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::Echo);
    let text = File::all_to(&origin).set("header_timeout: 500ms").set("keep_alive_timeout: 600s").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    let start = Instant::now();
    client.send(format!("{REQUEST}GET /next HTT")).await.unwrap();
    client.read_until("\r\n\r\n").await;
    client.read_to_end().await;
    assert!(start.elapsed() < harbr_tests::GENEROUS);
    let metrics = fleet.node().metrics().await;
    let ended = metrics.count("harbr_downstream_connections_ended_total", &[("limit", "header_timeout")]);
    assert_eq!((ended, origin.requests()), (1, 1));
}
