//! What is tried again, where, and how often.

use std::time::Duration;

use harbr_tests::{
    Answer, Client, ClosedPort, Fleet, Load, Origin, Plan, RawOrigin, Shape, empty, full, get, request, send,
};
use http::{Method, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::file::File;

/// Every request goes to `urls` in turn, with this many retries.
fn in_turn(urls: &[String], retry_count: u32) -> String {
    File::new()
        .route("/", &format!("upstream: pool, retry_count: {retry_count}"))
        .upstream("pool", urls, "balance: round_robin, outlier: {max_ejected: 0}")
        .text()
}

over_both_shapes! {
    async fn a_refused_connection_is_tried_elsewhere_whatever_the_method(shape: Shape) {
        let (closed, good) = (ClosedPort::new(), Origin::start("good").await);
        let fleet = Fleet::start(shape, &in_turn(&[closed.url(), good.url()], 1)).await;
        for _ in 0..10 {
            assert_eq!(get(fleet.addr(), "/").await.status, 200);
            let reply = send(fleet.addr(), request(Method::POST, "/", full("hello"))).await;
            assert_eq!((reply.status.as_u16(), reply.echo().body_bytes), (200, 5));
        }
        assert_eq!(good.requests(), 20);
    }
}

#[tokio::test]
async fn a_post_that_was_sent_is_never_sent_again() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    a.answers(Answer::HangUp);
    b.answers(Answer::HangUp);
    let fleet = Fleet::start(Shape::Split, &in_turn(&[a.url(), b.url()], 3)).await;
    for sent in 1..=4 {
        let reply = send(fleet.addr(), request(Method::POST, "/", full("x"))).await;
        assert_eq!(reply.status, 502);
        assert_eq!(a.requests() + b.requests(), sent);
    }
}

#[tokio::test]
async fn the_503_of_a_post_is_passed_on_and_that_of_a_get_is_tried_elsewhere() {
    let (bad, good) = (Origin::start("bad").await, Origin::start("good").await);
    bad.answers(Answer::Status(503));
    let fleet = Fleet::start(Shape::Split, &in_turn(&[bad.url(), good.url()], 1)).await;
    for _ in 0..6 {
        assert_eq!(get(fleet.addr(), "/").await.echo().origin, "good");
    }
    let mut posts = Vec::new();
    for _ in 0..6 {
        posts.push(send(fleet.addr(), request(Method::POST, "/", full("x"))).await.status.as_u16());
    }
    assert!(posts.contains(&503) && posts.contains(&200), "{posts:?}");
}

#[tokio::test]
async fn a_get_that_is_reset_or_not_answered_in_time_is_tried_elsewhere() {
    let (bad, good) = (Origin::start("bad").await, Origin::start("good").await);
    let text = File::new()
        .route("/", "upstream: pool, timeout_ms: 500, retry_count: 1")
        .upstream("pool", &[bad.url(), good.url()], "balance: round_robin")
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for answer in [Answer::HangUp, Answer::Silence] {
        bad.answers(answer);
        for _ in 0..4 {
            assert_eq!(get(fleet.addr(), "/").await.echo().origin, "good");
        }
    }
    assert!(bad.requests() > 0, "the balancer never chose the bad one");
}

#[tokio::test]
async fn the_body_of_a_put_is_sent_again_whole() {
    let (bad, good) = (Origin::start("bad").await, Origin::start("good").await);
    bad.answers(Answer::Status(502));
    let fleet = Fleet::start(Shape::Split, &in_turn(&[bad.url(), good.url()], 1)).await;
    for _ in 0..4 {
        let reply = send(fleet.addr(), request(Method::PUT, "/", full(vec![b'x'; 5_000]))).await;
        assert_eq!((reply.status.as_u16(), reply.echo().body_bytes), (200, 5_000));
    }
    assert!(bad.requests() > 0, "the balancer never chose the bad one");
}

#[tokio::test]
async fn other_statuses_are_answers_and_not_tried_again() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &in_turn(&[origin.url()], 3)).await;
    for (so_far, status) in [400, 404, 429, 500, 501].into_iter().enumerate() {
        origin.answers(Answer::Status(status));
        assert_eq!(get(fleet.addr(), "/").await.status, status);
        assert_eq!(origin.requests(), so_far + 1, "{status}");
    }
}

#[tokio::test]
async fn the_last_failure_is_what_the_client_sees() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::Status(503));
    let fleet = Fleet::start(Shape::Split, &in_turn(&[origin.url()], 2)).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 503);
    assert_eq!(origin.requests(), 3, "one endpoint alone is tried again too");
}

#[tokio::test]
async fn without_retry_count_nothing_is_tried_twice() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for (so_far, answer) in [Answer::HangUp, Answer::Status(502), Answer::Status(503)].into_iter().enumerate()
    {
        origin.answers(answer);
        assert!(get(fleet.addr(), "/").await.status.is_server_error());
        assert_eq!(origin.requests(), so_far + 1);
    }
}

#[tokio::test]
async fn a_kept_connection_that_proves_dead_costs_no_request() {
    // Answers once per connection, promises to keep it, and closes it: what an upstream does when its idle
    // time ends as we send.
    let upstream = RawOrigin::start(|mut stream| async move {
        let mut buffer = [0; 4096];
        if let Ok(1..) = stream.read(&mut buffer).await {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            if stream.write_all(answer).await.is_ok() {
                // The close comes with the next request, not before.
                let _ = stream.read(&mut buffer).await;
            }
        }
    })
    .await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    for number in 0..30 {
        let reply = client.send(request(Method::GET, "/", empty())).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "ok"), "request {number}");
    }
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("proxy_attempt_total", &[("result", "success")]), 30);
    assert_eq!(metrics.count("proxy_attempt_total", &[("result", "failure")]), 0);
}

#[tokio::test]
async fn under_total_failure_the_budget_holds() {
    let origin = Origin::start("a").await;
    origin.answers_with(|_| async {
        // Long enough that many requests are active at once: the budget is a share of those.
        tokio::time::sleep(Duration::from_millis(100)).await;
        Response::builder().status(503).body(empty()).unwrap()
    });
    let fleet = Fleet::start(Shape::Split, &in_turn(&[origin.url()], 5)).await;
    let load = Load::start(&[fleet.addr()], 60, 600, "/");
    load.answers(600).await;
    let report = load.stop().await;
    let (sent, reached) = (report.failed, origin.requests());
    assert_eq!(report.answered, 0, "{report:?}");
    // 20 % of those active, and the floor of three at once, which is 5 % of sixty.
    assert!(reached * 100 <= sent * 140, "{sent} requests became {reached}");
    assert!(reached > sent, "nothing was tried again at all");
}

#[tokio::test]
async fn a_route_without_retries_still_serves_from_the_other_endpoint_after_a_while() {
    let (mut a, b) = (Origin::start("a").await, Origin::start("b").await);
    a.stop().await;
    let text = File::new()
        .route("/", "upstream: pool")
        .upstream("pool", &[a.url(), b.url()], "health_check: {path: /health, interval: 200ms, timeout: 1s}")
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    harbr_tests::eventually("the dead one is out", async || {
        (fleet.health("pool").await == ["unhealthy", "healthy"]).then_some(())
    })
    .await;
    harbr_tests::eventually("ten in a row are served", async || {
        for _ in 0..10 {
            if get(fleet.addr(), "/").await.status != 200 {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test]
async fn ten_clients_in_a_row_survive_ten_dead_connections() {
    const CLIENTS: usize = 10;
    let mut origin = Origin::start("a").await;
    let text = File::all_to(&origin).set("upstream_idle_timeout: 600s").text();
    let fleet = Plan::new(Shape::Split).env("RUST_MAX_THREADS", "1").start(&text).await;
    for round in 0..3 {
        origin.answers(Answer::EchoAfter(Duration::from_millis(200)));
        let at_once = (0..CLIENTS).map(|_| get(fleet.addr(), "/"));
        for reply in futures_util::future::join_all(at_once).await {
            assert_eq!(reply.status, 200, "round {round}");
        }
        // All of the kept connections end, as in a restart of the upstream.
        origin.stop().await;
        origin.restart().await;
        origin.answers(Answer::Echo);
        for number in 0..CLIENTS {
            assert_eq!(get(fleet.addr(), "/").await.status, 200, "round {round}, client {number}");
        }
    }
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("proxy_request_total", &[("status", "error")]), 0);
    assert_eq!(metrics.count("proxy_attempt_total", &[]), 6 * CLIENTS as u64, "a resend is no attempt");
}
