//! What comes after a body.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use harbr_tests::{
    Client, Fleet, Origin, RawOrigin, Shape, chunks, empty, eventually, read_head, request, send,
};
use http::{HeaderMap, HeaderValue, Method, Response};
use tokio::io::AsyncWriteExt as _;

use crate::file::File;

#[tokio::test]
async fn trailers_pass_both_ways() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let trailers =
        || -> HeaderMap { [("x-sum".parse().unwrap(), "9".parse().unwrap())].into_iter().collect() };
    let mut post = request(Method::POST, "/", chunks([Bytes::from("abc")], Some(trailers())));
    post.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
    let echo = send(fleet.addr(), post).await.echo();
    assert_eq!(echo.trailers, [("x-sum".to_owned(), "9".to_owned())]);

    origin.answers_with(move |_| {
        let body = chunks([Bytes::from("abc")], Some(trailers()));
        async move { Response::builder().header("trailer", "x-sum").body(body).unwrap() }
    });
    let mut asked = request(Method::GET, "/", empty());
    asked.headers_mut().insert("te", HeaderValue::from_static("trailers"));
    let reply = send(fleet.addr(), asked).await;
    assert_eq!(reply.text(), "abc");
    assert_eq!(reply.trailers.unwrap()["x-sum"], "9");
}

const WITH_TRAILERS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
    5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n";

/// Whether a client says that it takes trailers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Te {
    Trailers,
    Unsaid,
}

/// Five times over one connection of a client.
async fn five_answers_with_trailers(te: Te) {
    let connections = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::clone(&connections);
    let upstream = RawOrigin::start(move |mut stream| {
        accepted.fetch_add(1, Ordering::SeqCst);
        async move {
            while read_head(&mut stream).await.is_some() {
                // The test sees whether it arrives.
                let _ = stream.write_all(WITH_TRAILERS.as_bytes()).await;
            }
        }
    })
    .await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    for number in 0..5 {
        let mut asked = request(Method::GET, &format!("/{number}"), empty());
        if te == Te::Trailers {
            asked.headers_mut().insert("te", HeaderValue::from_static("trailers"));
        }
        let reply = client.send(asked).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "hello"));
        if te == Te::Trailers {
            assert_eq!(reply.trailers.unwrap()["x-t"], "1");
        }
    }
    let metrics = eventually("five requests are counted", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("proxy_request_total", &[]) == 5).then_some(metrics)
    })
    .await;
    assert_eq!(metrics.count("proxy_request_total", &[("status", "success")]), 5, "{}", metrics.text());
    assert_eq!(metrics.count("harbr_request_failures_total", &[]), 0, "{}", metrics.text());
    assert_eq!(metrics.count("proxy_attempt_total", &[("result", "success")]), 5);
    assert_eq!(metrics.count("harbr_endpoint_requests_in_flight", &[]), 0);
    assert_eq!(connections.load(Ordering::SeqCst), 1, "the upstream's connection is used again");
}

#[tokio::test]
async fn an_answer_with_trailers_is_whole_and_its_connection_is_used_again() {
    five_answers_with_trailers(Te::Trailers).await;
}

#[tokio::test]
async fn trailers_that_the_client_did_not_ask_for_make_an_answer_no_less_whole() {
    five_answers_with_trailers(Te::Unsaid).await;
}
