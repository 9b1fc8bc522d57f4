//! What a client sends is what the upstream gets, and the other way round.

use bytes::Bytes;
use harbr_tests::{Client, Fleet, Origin, RawClient, Shape, chunks, empty, fnv1a, full, get, request, send};
use http::{HeaderValue, Method, Response, StatusCode};

use crate::file::File;

async fn fleet_with(origin: &Origin) -> Fleet {
    Fleet::start(Shape::Split, &File::all_to(origin).text()).await
}

/// Bytes that no damage leaves as they are.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

#[tokio::test]
async fn path_and_query_arrive_as_they_were_sent() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    for target in ["/", "/a/b/", "/a%20b/%E2%82%AC?x=1&y=%2F&&z", "/?", "/a//b?c=/../d", "/a;p=1?q=a+b"] {
        assert_eq!(get(fleet.addr(), target).await.echo().target, target);
    }
}

#[tokio::test]
async fn every_method_is_forwarded() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    for name in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        let echo = send(fleet.addr(), request(name.parse().unwrap(), "/x", empty())).await.echo();
        assert_eq!(echo.method, name);
    }
}

over_both_shapes! {
    async fn the_body_of_a_post_arrives_whole(shape: Shape) {
        let origin = Origin::start("a").await;
        let fleet = Fleet::start(shape, &File::all_to(&origin).text()).await;
        let mut client = Client::connect(fleet.addr()).await.unwrap();
        for length in [1, 1_000, 3_000_000] {
            let body = pattern(length);
            let echo =
                client.send(request(Method::POST, "/x", full(body.clone()))).await.unwrap().echo();
            assert_eq!(echo.body_bytes, length as u64);
            assert_eq!(echo.body_hash, fnv1a(0, &body));
            assert_eq!(echo.header("content-length"), Some(length.to_string().as_str()));
            assert_eq!(echo.header("transfer-encoding"), None);
        }
    }
}

#[tokio::test]
async fn a_post_of_nothing_says_so_upstream() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    // RFC 9110, 8.6: an upstream may refuse a POST that does not say how long it is.
    let post = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let answer = RawClient::exchange(fleet.addr(), post).await;
    assert!(answer.contains("[\"content-length\",\"0\"]"), "{answer}");
}

#[tokio::test]
async fn a_chunked_upload_arrives_whole() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let piece = pattern(70_000);
    let body = chunks(std::iter::repeat_n(piece.clone(), 20), None);
    let echo = send(fleet.addr(), request(Method::PUT, "/x", body)).await.echo();
    let expected = (0..20).fold(0, |hash, _| fnv1a(hash, &piece));
    assert_eq!((echo.body_bytes, echo.body_hash), (1_400_000, expected));
    assert_eq!((echo.header("content-length"), echo.header("transfer-encoding")), (None, Some("chunked")));
}

#[tokio::test]
async fn a_request_without_a_body_has_none_upstream() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let echo = get(fleet.addr(), "/").await.echo();
    assert_eq!((echo.header("content-length"), echo.header("transfer-encoding")), (None, None));
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let head = client.send(request(Method::HEAD, "/x", empty())).await.unwrap();
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert!(length > 0);
    assert_eq!(origin.seen()[0].method, "HEAD");
    // A body where none belongs would be taken for the next response.
    assert_eq!(client.get("/y").await.echo().target, "/y");
}

#[tokio::test]
async fn statuses_pass_unchanged() {
    let origin = Origin::start("a").await;
    origin.answers_with(|request| async move {
        let status = request.uri().path()[1..].parse::<u16>().unwrap();
        Response::builder().status(status).body(empty()).unwrap()
    });
    let fleet = fleet_with(&origin).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    for status in [200, 201, 204, 301, 304, 400, 404, 418, 451, 500, 502, 503, 504, 599] {
        assert_eq!(client.get(&format!("/{status}")).await.status, status);
    }
    assert_eq!(origin.requests(), 14, "without retry_count nothing is sent twice");
}

#[tokio::test]
async fn repeated_headers_arrive_repeated_and_in_order_both_ways() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let mut sent = request(Method::GET, "/", empty());
    for value in ["1", "2", "3"] {
        sent.headers_mut().append("x-many", HeaderValue::from_static(value));
    }
    assert_eq!(send(fleet.addr(), sent).await.echo().all("x-many"), ["1", "2", "3"]);

    origin.answers_with(|_| async {
        let cookies = ["a=1; Path=/", "b=2; HttpOnly", "c=3"];
        let builder = cookies.iter().fold(Response::builder(), |it, cookie| it.header("set-cookie", *cookie));
        builder.body(empty()).unwrap()
    });
    assert_eq!(get(fleet.addr(), "/").await.all("set-cookie"), ["a=1; Path=/", "b=2; HttpOnly", "c=3"]);
}

#[tokio::test]
async fn header_values_beyond_ascii_pass() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let mut sent = request(Method::GET, "/", empty());
    sent.headers_mut().insert("x-name", HeaderValue::from_bytes("Zoë".as_bytes()).unwrap());
    assert_eq!(send(fleet.addr(), sent).await.echo().header("x-name"), Some("Zoë"));
}

#[tokio::test]
async fn requests_in_one_segment_are_answered_in_order() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let second = "GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = RawClient::exchange(fleet.addr(), format!("{first}{second}")).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
    let place = |target: &str| answers.find(&format!("\"target\":\"{target}\"")).unwrap();
    assert!(place("/1") < place("/2"));
}

#[tokio::test]
async fn a_client_of_http_1_0_is_answered() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let answer = RawClient::exchange(fleet.addr(), "GET /x HTTP/1.0\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1."), "{answer}");
    assert!(answer.contains(" 200 "), "{answer}");
    assert!(!answer.to_lowercase().contains("transfer-encoding: chunked"), "{answer}");
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    client.send(head).await.unwrap();
    client.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("hello").await.unwrap();
    let answer = client.read_to_end().await;
    assert!(answer.contains("\"body_bytes\":5"), "{answer}");
}

#[tokio::test]
async fn connections_to_an_upstream_are_used_again() {
    let origin = Origin::start("a").await;
    let fleet = fleet_with(&origin).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    for _ in 0..20 {
        client.get("/").await;
    }
    assert_eq!((origin.requests(), origin.connections()), (20, 1));
}
