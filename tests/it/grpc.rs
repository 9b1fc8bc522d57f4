//! gRPC from a real client to a real server.

use std::time::Duration;

use harbr_tests::grpc::{EchoServer, client, message};
use harbr_tests::http2::{Fields, Frame, Http2Client, flag};
use harbr_tests::{Fleet, Origin, Shape, eventually};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};

use crate::file::File;

fn file(server: &EchoServer, settings: &str) -> String {
    let upstream = File::new().upstream("echo", &[server.url()], "protocol: h2c");
    upstream.route("/harbr.test.Echo", &format!("upstream: echo{settings}")).text()
}

#[tokio::test]
async fn each_kind_of_call_goes_through() {
    let server = EchoServer::start().await;
    let fleet = Fleet::start(Shape::Split, &file(&server, "")).await;
    let mut client = client(fleet.addr()).await;

    let mut request = Request::new(message("hello"));
    request.metadata_mut().insert("x-asked", "yes".parse().unwrap());
    let response = client.unary(request).await.unwrap();
    assert_eq!(response.metadata().get("x-answered").unwrap(), "yes");
    assert_eq!(response.into_inner().text, "hello");

    let words = ["a", "b", "c"].map(message);
    let gathered = client.gather(tokio_stream::iter(words)).await.unwrap();
    assert_eq!(gathered.into_inner().text, "abc");

    let mut scattered = client.scatter(message("x y z")).await.unwrap().into_inner();
    for word in ["x", "y", "z"] {
        assert_eq!(scattered.message().await.unwrap(), Some(message(word)));
    }
    assert_eq!(scattered.message().await.unwrap(), None);

    // Each message is answered before the next is sent: nothing is gathered on the way.
    let (tx, rx) = mpsc::channel(1);
    let mut chat = client.chat(ReceiverStream::new(rx)).await.unwrap().into_inner();
    for number in 0..5 {
        tx.send(message(&number.to_string())).await.unwrap();
        assert_eq!(chat.message().await.unwrap(), Some(message(&number.to_string())));
    }
    drop(tx);
    assert_eq!(chat.message().await.unwrap(), None);

    let failed = client.unary(message("fail")).await.unwrap_err();
    assert_eq!((failed.code(), failed.message()), (Code::FailedPrecondition, "as asked"));
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_request_failures_total", &[]), 0, "{}", metrics.text());
}

#[tokio::test]
async fn a_deadline_of_the_client_ends_the_call_at_both_ends() {
    let server = EchoServer::start().await;
    let fleet = Fleet::start(Shape::Split, &file(&server, "")).await;
    // tonic would hold the deadline itself, so the call is made by hand: `hang` in a message of eleven bytes.
    let mut client = Http2Client::connect(fleet.addr()).await;
    let call = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/harbr.test.Echo/Unary"),
        (":authority", "a.test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", "300m"),
    ];
    let call: Fields = call.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let start = Instant::now();
    let body = Frame::data(flag::END_STREAM, 1, *b"\0\0\0\0\x06\x0a\x04hang");
    client.send(&[Frame::open(1, &call), body]).await.unwrap();
    let answer = client.answer(1).await;
    assert_eq!((answer.status, answer.field("grpc-status")), (Some(200), Some("4")), "{answer:?}");
    assert_eq!(server.begun(), 1);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    eventually("the server is told", async || (server.under_way() == 0).then_some(())).await;
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("proxy_timeout_total", &[]), 1);
    assert_eq!(metrics.count("harbr_request_failures_total", &[("reason", "timeout")]), 1);
}

#[tokio::test]
async fn a_call_that_the_client_gives_up_is_given_up_at_the_server() {
    let server = EchoServer::start().await;
    let fleet = Fleet::start(Shape::Split, &file(&server, "")).await;
    let mut client = client(fleet.addr()).await;
    assert!(timeout(Duration::from_millis(500), client.unary(message("hang"))).await.is_err());
    assert_eq!(server.begun(), 1);
    eventually("the call has ended", async || (server.under_way() == 0).then_some(())).await;

    let mut scattered = client.scatter(message("one hang")).await.unwrap().into_inner();
    assert_eq!(scattered.message().await.unwrap(), Some(message("one")));
    assert_eq!(server.under_way(), 1);
    drop(scattered);
    eventually("the stream has ended", async || (server.under_way() == 0).then_some(())).await;
    assert_eq!(client.unary(message("after")).await.unwrap().into_inner().text, "after");
}

#[tokio::test]
async fn what_fails_before_a_server_answers_has_a_status_of_grpc() {
    let server = EchoServer::start().await;
    let text = file(&server, ", max_body: 1KiB");
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = client(fleet.addr()).await;
    let large = client.unary(message(&"x".repeat(5_000))).await.unwrap_err();
    assert_eq!(large.code(), Code::ResourceExhausted, "{large:?}");

    fleet
        .apply(
            &File::new()
                .upstream("echo", &[server.url()], "protocol: h2c")
                .route("/other", "upstream: echo")
                .text(),
        )
        .await;
    let unknown = client.unary(message("x")).await.unwrap_err();
    assert_eq!((unknown.code(), unknown.message()), (Code::Unimplemented, "no route"));

    let mut closed = Origin::start_http2("closed").await;
    closed.stop().await;
    let text =
        File::new().upstream("closed", &[closed.url()], "protocol: h2c").route("/", "upstream: closed");
    fleet.apply(&text.text()).await;
    let gone = client.unary(message("x")).await.unwrap_err();
    assert_eq!(gone.code(), Code::Unavailable, "{gone:?}");
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("proxy_request_total", &[("status", "error")]), 3);
}
