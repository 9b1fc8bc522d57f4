//! What hostile requests and responses count as; what becomes of their bytes is `http1`'s subject.

use harbr_tests::{Fleet, Origin, RawClient, RawOrigin, Shape, eventually, get};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::file::File;

#[tokio::test]
async fn a_bad_chunk_is_the_clients_fault() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n";
    let answer = RawClient::exchange(fleet.addr(), request).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let metrics = eventually("the request is counted", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_request_failures_total", &[("reason", "body_broken")]) == 1).then_some(metrics)
    })
    .await;
    assert_eq!(metrics.count("proxy_attempt_total", &[]), 0, "it says nothing of the upstream");
    assert_eq!(metrics.count("harbr_upstream_attempts_total", &[]), 0);
}

#[tokio::test]
async fn a_malformed_response_is_a_failed_attempt() {
    for (what, bytes) in [
        ("garbage", "hello there, this is no HTTP\r\n\r\n"),
        (
            "two framings",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("an unasked switch", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    ] {
        let upstream = RawOrigin::start(move |mut stream| async move {
            let mut buffer = [0; 4096];
            while let Ok(1..) = stream.read(&mut buffer).await {
                if stream.write_all(bytes.as_bytes()).await.is_err() {
                    return;
                }
            }
        })
        .await;
        let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
        let fleet = Fleet::start(Shape::Split, &text).await;
        assert_eq!(get(fleet.addr(), "/").await.status, 502, "{what}");
        let metrics = fleet.node().metrics().await;
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "success")]), 0, "{what}");
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "failure")]), 1, "{what}");
        assert_eq!(metrics.count("harbr_request_failures_total", &[("reason", "malformed")]), 1, "{what}");
    }
}

#[tokio::test]
async fn a_circle_of_upstreams_ends() {
    let text = File::new().listen_addr("127.0.0.1:0").route("/", "upstream: \"http://127.0.0.1:9\"").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let own = format!("upstream: \"http://{}\"", fleet.addr());
    fleet.apply(&File::new().route("/", &own).text()).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 508);
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_request_failures_total", &[("reason", "loop")]), 1);
    assert_eq!(metrics.count("proxy_request_total", &[]), 11, "it came by ten times, and once more");
}
