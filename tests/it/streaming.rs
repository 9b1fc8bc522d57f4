//! Bodies move as they come, either way, and nothing is gathered on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use harbr_tests::{
    Client, Fleet, Origin, RawClient, RawOrigin, Shape, empty, eventually, fnv1a, full, request, stream,
};
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::file::{File, to};

const MIB: usize = 1 << 20;

/// The next piece of a body.
async fn next(body: &mut Incoming) -> Option<Bytes> {
    let frame = body.frame().await?.expect("the body is not cut off");
    Some(frame.into_data().expect("data"))
}

/// Lets an origin answer once with a body that the test sends piece by piece.
fn answer_with_stream(origin: &Origin) -> mpsc::Sender<Bytes> {
    let (tx, body) = stream();
    let body = Arc::new(Mutex::new(Some(body)));
    origin.answers_with(move |_| {
        let body = body.lock().unwrap().take().expect("one request");
        async { Response::builder().header("content-type", "text/event-stream").body(body).unwrap() }
    });
    tx
}

over_both_shapes! {
    async fn server_sent_events_arrive_one_by_one(shape: Shape) {
        let origin = Origin::start("a").await;
        let events = answer_with_stream(&origin);
        let fleet = Fleet::start(shape, &File::all_to(&origin).text()).await;
        let mut client = Client::connect(fleet.addr()).await.unwrap();
        let response = client.start(request(Method::GET, "/events", empty())).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut body = response.into_body();
        for number in 0..5 {
            // The next one is sent only when this one has arrived.
            let event = Bytes::from(format!("data: {number}\n\n"));
            events.send(event.clone()).await.unwrap();
            assert_eq!(next(&mut body).await, Some(event));
        }
        drop(events);
        assert_eq!(next(&mut body).await, None);
    }
}

#[tokio::test]
async fn an_upload_reaches_the_upstream_while_it_goes_on() {
    let origin = Origin::start("a").await;
    let (arrived_tx, mut arrived) = mpsc::channel(1);
    origin.answers_with(move |request| {
        let arrived = arrived_tx.clone();
        async move {
            let mut body = request.into_body();
            while let Some(piece) = next(&mut body).await {
                arrived.send(piece).await.unwrap();
            }
            Response::new(empty())
        }
    });
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let (pieces, body) = stream();
    let upload = client.send(request(Method::POST, "/", body));
    let feed = async {
        for piece in ["one", "two", "three"].map(Bytes::from) {
            pieces.send(piece.clone()).await.unwrap();
            assert_eq!(arrived.recv().await, Some(piece));
        }
        drop(pieces);
    };
    let (reply, ()) = tokio::join!(upload, feed);
    assert_eq!(reply.unwrap().status, 200);
}

#[tokio::test]
async fn a_download_of_100_megabytes_is_whole_and_memory_stays_flat() {
    const PIECES: usize = 100;
    let piece: Bytes = (0..MIB).map(|at| u8::try_from(at * 7 % 253).unwrap()).collect();
    let origin = Origin::start("a").await;
    let events = answer_with_stream(&origin);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let process = &fleet.node().process;
    let before = process.resident_bytes();
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let expected = (0..PIECES).fold(0, |hash, _| fnv1a(hash, &piece));
    let send = async move {
        for _ in 0..PIECES {
            events.send(piece.clone()).await.unwrap();
        }
    };
    let receive = async {
        let response = client.start(request(Method::GET, "/", empty())).await.unwrap();
        let mut body = response.into_body();
        let (mut bytes, mut hash, mut peak) = (0, 0, 0);
        while let Some(received) = next(&mut body).await {
            let megabytes = bytes / MIB;
            bytes += received.len();
            hash = fnv1a(hash, &received);
            if bytes / MIB > megabytes {
                peak = peak.max(process.resident_bytes());
            }
        }
        (bytes, hash, peak)
    };
    let ((), (bytes, hash, peak)) = tokio::join!(send, receive);
    assert_eq!((bytes, hash), (PIECES * MIB, expected));
    let growth = peak.saturating_sub(before);
    assert!(growth < 24 * MIB as u64, "memory grew by {} KiB", growth / 1024);
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_upstream_and_not_memory() {
    let origin = Origin::start("a").await;
    let events = answer_with_stream(&origin);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let before = fleet.node().process.resident_bytes();
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let piece = Bytes::from(vec![b'x'; MIB]);
    let mut taken = 0;
    while taken < 200 && timeout(Duration::from_secs(1), events.send(piece.clone())).await.is_ok() {
        taken += 1;
    }
    // What the sockets' buffers hold is not ours; on loopback each can grow to several MiB.
    assert!(taken < 64, "{taken} MiB were taken for a client that reads nothing");
    let growth = fleet.node().process.resident_bytes().saturating_sub(before);
    assert!(growth < 16 * MIB as u64, "memory grew by {} KiB", growth / 1024);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_download_upstream() {
    let origin = Origin::start("a").await;
    let events = answer_with_stream(&origin);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let response = client.start(request(Method::GET, "/", empty())).await.unwrap();
    drop(response);
    drop(client);
    eventually("the origin notices", async || {
        events.send(Bytes::from_static(b"x")).await.is_err().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_slow_upload_and_a_slow_download_outlast_the_timeout() {
    let origin = Origin::start("a").await;
    let text =
        File::new().global_timeout_ms(400).route("/", &format!("{}, timeout_ms: 300", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();

    let (pieces, body) = stream();
    let feed = async move {
        for _ in 0..10 {
            pieces.send(Bytes::from_static(b"x")).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    };
    let (reply, ()) = tokio::join!(client.send(request(Method::POST, "/", body)), feed);
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.echo().body_bytes), (StatusCode::OK, 10));

    let events = answer_with_stream(&origin);
    let feed = async move {
        for _ in 0..10 {
            events.send(Bytes::from_static(b"x")).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    };
    let (reply, ()) = tokio::join!(client.send(request(Method::GET, "/", empty())), feed);
    assert_eq!(reply.unwrap().text(), "xxxxxxxxxx");
}

#[tokio::test]
async fn an_upload_that_stands_still_is_ended_and_never_looks_complete_upstream() {
    let origin = Origin::start("a").await;
    let (ended_tx, mut ended) = mpsc::channel(1);
    origin.answers_with(move |request| {
        let ended = ended_tx.clone();
        async move {
            let whole = request.into_body().collect().await.is_ok();
            // The connection may be gone, and with it this future's reason to live.
            let _ = ended.try_send(whole);
            Response::new(empty())
        }
    });
    let text = File::new().route("/", &format!("{}, idle_timeout: 500ms", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = RawClient::connect(fleet.addr()).await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nonly this").await.unwrap();
    let answer = client.read_to_end().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "the client is at fault: {answer}");
    assert_eq!(ended.recv().await, Some(false), "the upstream took half a body for a whole one");
}

#[tokio::test]
async fn a_download_that_stands_still_is_ended_and_never_looks_complete() {
    let origin = Origin::start("a").await;
    let events = answer_with_stream(&origin);
    let text = File::new().route("/", &format!("{}, idle_timeout: 500ms", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let response = client.start(request(Method::GET, "/", empty())).await.unwrap();
    events.send(Bytes::from_static(b"half")).await.unwrap();
    let cut = timeout(harbr_tests::GENEROUS, response.into_body().collect()).await.expect("it ends");
    assert!(cut.is_err(), "half a body ended cleanly");
    drop(events);
}

#[tokio::test]
async fn an_upstream_that_dies_in_mid_body_never_looks_complete() {
    let mut origin = Origin::start("a").await;
    let events = answer_with_stream(&origin);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let response = client.start(request(Method::GET, "/", empty())).await.unwrap();
    events.send(Bytes::from_static(b"half")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(next(&mut body).await, Some(Bytes::from_static(b"half")));
    origin.stop().await;
    assert!(body.collect().await.is_err(), "half a body ended cleanly");
    assert_eq!(fleet.node().metrics().await.count("proxy_request_total", &[("status", "error")]), 1);
}

#[tokio::test]
async fn a_large_upload_is_whole_and_memory_stays_flat() {
    let origin = Origin::start("a").await;
    let text = File::new().route("/", &format!("{}, max_body: 200MiB", to(&origin))).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let process = &fleet.node().process;
    let before = process.resident_bytes();
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let body = Bytes::from(vec![b'u'; 64 * MIB]);
    let expected = fnv1a(0, &body);
    let upload = client.send(request(Method::POST, "/", full(body)));
    tokio::pin!(upload);
    let mut peak = 0;
    let reply = loop {
        tokio::select! {
            reply = &mut upload => break reply.unwrap(),
            () = sleep(Duration::from_millis(5)) => peak = peak.max(process.resident_bytes()),
        }
    };
    let echo = reply.echo();
    assert_eq!((echo.body_bytes, echo.body_hash), (64 * MIB as u64, expected));
    let growth = peak.saturating_sub(before);
    assert!(growth < 24 * MIB as u64, "memory grew by {} KiB", growth / 1024);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_upload_has_ended_is_passed_on() {
    let origin = Origin::start("a").await;
    let drains = Arc::new(Mutex::new(JoinSet::new()));
    origin.answers_with(move |request| {
        // Decides by the head, and goes on reading.
        drains.lock().unwrap().spawn(request.into_body().collect());
        async { Response::builder().status(403).body(full("no")).unwrap() }
    });
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let (pieces, body) = stream();
    pieces.send(Bytes::from_static(b"the beginning")).await.unwrap();
    let reply = client.send(request(Method::POST, "/", body)).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (403, "no"));
    drop(pieces);
}

#[tokio::test]
async fn an_upstream_that_answers_and_hangs_up_on_an_upload_mixes_no_answers_up() {
    let origin = Origin::start("a").await;
    origin.answers_with(|request| async move {
        let status = if request.method() == Method::POST { 403 } else { 200 };
        Response::builder().status(status).body(full(request.uri().path().to_owned())).unwrap()
    });
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for _ in 0..5 {
        let upload = request(Method::POST, "/early", full(vec![b'x'; 8 * MIB]));
        let mut client = Client::connect(fleet.addr()).await.unwrap();
        // The upload may be cut off under the client's hands, or before the answer could be read.
        if let Ok(reply) = client.send(upload).await {
            let status = reply.status.as_u16();
            assert!(
                status == 502 || (status == 403 && reply.text() == "/early"),
                "{status} {}",
                reply.text()
            );
        }
        for path in ["/one", "/two"] {
            let reply = harbr_tests::get(fleet.addr(), path).await;
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, path));
        }
    }
}

#[tokio::test]
async fn a_response_that_ends_with_its_connection_is_passed_on() {
    let upstream = RawOrigin::start(|mut stream| async move {
        let mut buffer = [0; 4096];
        if let Ok(1..) = stream.read(&mut buffer).await {
            // The test sees whether it arrives.
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello").await;
        }
    })
    .await;
    let text = File::new().route("/", &format!("upstream: \"{}\"", upstream.url())).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(client.get("/").await.text(), "hello");
    }
}
