//! HTTP/2 towards upstreams.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use harbr_tests::http2::{Frame, Http2Client, Kind, flag};
use harbr_tests::{
    Answer, Client, Fleet, Origin, Plan, RawOrigin, Shape, TestAuthority, chunks, empty, eventually, full,
    get, request, send,
};
use http::{HeaderMap, HeaderValue, Method, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::file::File;
use crate::http2_requests::get_with;

fn file(urls: &[String], protocol: &str, route: &str) -> String {
    let file = File::new().upstream("u", urls, &format!("protocol: {protocol}"));
    file.route("/", &format!("upstream: u{route}")).text()
}

#[tokio::test]
async fn requests_share_connections_and_arrive_whole() {
    let origin = Origin::start_http2("a").await;
    let text = file(&[origin.url()], "h2c", "");
    let fleet = Plan::new(Shape::Split).env("RUST_MAX_THREADS", "1").start(&text).await;

    let echo = get(fleet.addr(), "/a?b=c").await.echo();
    assert_eq!((echo.version.as_str(), echo.method.as_str()), ("HTTP/2.0", "GET"));
    assert_eq!(echo.target, "http://proxy.test/a?b=c", "scheme, authority and path: RFC 9113, 8.3.1");
    assert_eq!(echo.all("connection"), [""; 0]);

    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "9".parse().unwrap())]);
    let mut post = request(
        Method::POST,
        "/",
        chunks([Bytes::from("abc"), Bytes::from(vec![b'x'; 100_000])], Some(trailers)),
    );
    post.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
    post.headers_mut().insert("te", HeaderValue::from_static("trailers"));
    let echo = send(fleet.addr(), post).await.echo();
    assert_eq!((echo.body_bytes, echo.complete), (100_003, true));
    assert_eq!(echo.trailers, [("x-sum".to_owned(), "9".to_owned())]);
    assert_eq!((echo.header("te"), echo.header("transfer-encoding")), (Some("trailers"), None));

    let before = origin.connections();
    origin.answers(Answer::EchoAfter(Duration::from_millis(300)));
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let addr = fleet.addr();
        clients.spawn(async move { get(addr, "/").await.status });
    }
    while let Some(status) = clients.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(origin.connections(), before, "eight at once over the one connection");
}

#[tokio::test]
async fn a_full_connection_makes_room_for_another() {
    let origin = Origin::start_http2("a").await;
    let text = file(&[origin.url()], "h2c", "");
    let fleet = Plan::new(Shape::Split).env("RUST_MAX_THREADS", "1").start(&text).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    // The origin takes ten on a connection, and answers when all are there.
    let all = Arc::new(Barrier::new(25));
    origin.answers_with(move |_request| {
        let all = all.clone();
        async move {
            all.wait().await;
            Response::new(empty())
        }
    });
    let mut clients = JoinSet::new();
    for _ in 0..25 {
        let addr = fleet.addr();
        clients.spawn(async move { get(addr, "/").await.status });
    }
    while let Some(status) = clients.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(origin.connections(), 3);
}

#[tokio::test]
async fn over_tls_the_protocol_is_the_settings_or_the_upstreams_choice() {
    let authority = TestAuthority::new();
    let (new, old) =
        (Origin::start_tls_http2("new", &authority).await, Origin::start_tls("old", &authority).await);
    let plain = Origin::start("plain").await;
    let url = |origin: &Origin| format!("https://localhost:{}", origin.port());
    let text = File::new()
        .upstream("new", &[url(&new)], "protocol: h2")
        .upstream("old", &[url(&old)], "protocol: h2")
        .upstream("new-auto", &[url(&new)], "protocol: auto")
        .upstream("old-auto", &[url(&old)], "protocol: auto")
        .upstream("plain-auto", &[plain.url()], "protocol: auto")
        .upstream("new-http1", &[url(&new)], "")
        .route("/new", "upstream: new")
        .route("/old", "upstream: old")
        .route("/new-auto", "upstream: new-auto")
        .route("/old-auto", "upstream: old-auto")
        .route("/plain-auto", "upstream: plain-auto")
        .route("/new-http1", "upstream: new-http1")
        .text();
    let fleet = Plan::new(Shape::Split).env("SSL_CERT_FILE", &authority.file()).start(&text).await;
    for (path, version) in [
        ("/new", "HTTP/2.0"),
        ("/new-auto", "HTTP/2.0"),
        ("/old-auto", "HTTP/1.1"),
        ("/plain-auto", "HTTP/1.1"),
        ("/new-http1", "HTTP/1.1"),
    ] {
        for _ in 0..2 {
            assert_eq!(get(fleet.addr(), path).await.echo().version, version, "{path}");
        }
    }
    assert_eq!(get(fleet.addr(), "/old").await.status, 502, "what does not agree to HTTP/2 has failed");
}

#[tokio::test]
async fn both_sides_speak_http2() {
    let origin = Origin::start_http2("a").await;
    let fleet = Fleet::start(Shape::Split, &file(&[origin.url()], "h2c", "")).await;
    let mut client = Http2Client::connect(fleet.addr()).await;
    let echo = client.ask(1, &get_with(&[("cookie", "a=1"), ("cookie", "b=2")])).await.echo();
    assert_eq!((echo.version.as_str(), echo.all("cookie")), ("HTTP/2.0", vec!["a=1; b=2"]));
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "3".parse().unwrap())]);
    origin.answers_with(move |_| {
        let body = chunks([Bytes::from("abc")], Some(trailers.clone()));
        async move { Response::new(body) }
    });
    let answer = client.ask(3, &get_with(&[])).await;
    assert_eq!((answer.text().as_str(), answer.trailers), ("abc", Some(vec![("x-sum".into(), "3".into())])));
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_stream_and_no_other() {
    let origin = Origin::start_http2("a").await;
    let text = file(&[origin.url()], "h2c", "");
    let fleet = Plan::new(Shape::Split).env("RUST_MAX_THREADS", "1").start(&text).await;
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ended);
    origin.answers_with(move |_| {
        struct Ended(Arc<AtomicUsize>);
        impl Drop for Ended {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let ended = Ended(Arc::clone(&counted));
        async move {
            let _ended = ended;
            std::future::pending().await
        }
    });
    let mut client = Http2Client::connect(fleet.addr()).await;
    client.send(&[Frame::request(1, &get_with(&[])), Frame::request(3, &get_with(&[]))]).await.unwrap();
    eventually("both are at the upstream", async || (origin.requests() == 2).then_some(())).await;
    client.send(&[Frame::reset(1)]).await.unwrap();
    eventually("one of them ends", async || (ended.load(Ordering::SeqCst) == 1).then_some(())).await;
    origin.answers(Answer::Echo);
    assert_eq!(client.ask(5, &get_with(&[])).await.status, Some(200));
    assert_eq!((ended.load(Ordering::SeqCst), origin.connections()), (1, 1));
}

/// What a raw upstream does with each request of HTTP/2: the frames of an answer, by stream.
type Script = fn(stream: u32, requests_so_far: usize) -> Vec<Frame>;

/// `:status: 200` and the end.
fn ok(stream: u32) -> Frame {
    Frame::new(Kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, stream, [0x88])
}

async fn serve(mut stream: TcpStream, script: Script, requests: Arc<AtomicUsize>) -> Option<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.ok()?;
    stream.write_all(&Frame::settings(&[]).to_bytes()).await.ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let [high, middle, low, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        stream.read_exact(&mut payload).await.ok()?;
        let answers = match kind {
            Kind::SETTINGS if flags & flag::ACK == 0 => vec![Frame::new(Kind::SETTINGS, flag::ACK, 0, [])],
            Kind::PING if flags & flag::ACK == 0 => vec![Frame::new(Kind::PING, flag::ACK, 0, payload)],
            Kind::HEADERS => script(u32::from_be_bytes(id), requests.fetch_add(1, Ordering::SeqCst)),
            _ => Vec::new(),
        };
        for answer in answers {
            stream.write_all(&answer.to_bytes()).await.ok()?;
        }
    }
}

/// An upstream of frames, and how many requests it saw.
async fn scripted(script: Script) -> (RawOrigin, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let origin = RawOrigin::start(move |stream| {
        let requests = Arc::clone(&counted);
        async move {
            let _ended = serve(stream, script, requests).await;
        }
    })
    .await;
    (origin, requests)
}

#[tokio::test]
async fn what_an_upstream_did_not_process_is_sent_again_whatever_the_method() {
    const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
    // The second request is refused, or left out by a GOAWAY that speaks of the first one only.
    let refuse: Script = |stream, so_far| match so_far {
        1 => vec![Frame::new(Kind::RST_STREAM, 0, stream, REFUSED_STREAM)],
        _ => vec![ok(stream)],
    };
    let leave: Script = |stream, so_far| match so_far {
        1 => vec![Frame::new(Kind::GOAWAY, 0, 0, [0, 0, 0, 1, 0, 0, 0, 0])],
        _ => vec![ok(stream)],
    };
    for (name, script) in [("REFUSED_STREAM", refuse), ("GOAWAY", leave)] {
        let (upstream, requests) = scripted(script).await;
        let text = file(&[upstream.url()], "h2c", "");
        let fleet = Plan::new(Shape::Split).env("RUST_MAX_THREADS", "1").start(&text).await;
        let mut client = Client::connect(fleet.addr()).await.unwrap();
        assert_eq!(client.get("/").await.status, 200);
        let post = request(Method::POST, "/", full("abc"));
        assert_eq!(client.send(post).await.unwrap().status, 200, "{name}");
        assert_eq!(requests.load(Ordering::SeqCst), 3, "{name}");
        let metrics = fleet.node().metrics().await;
        assert_eq!(metrics.count("harbr_retries_total", &[("kind", "resend")]), 1, "{name}");
        assert_eq!(metrics.count("proxy_attempt_total", &[("result", "failure")]), 0, "{name}");
    }
}

#[tokio::test]
async fn what_may_have_been_processed_is_sent_once() {
    const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];
    let fail: Script = |stream, so_far| match so_far {
        0 => vec![ok(stream)],
        _ => vec![Frame::new(Kind::RST_STREAM, 0, stream, INTERNAL_ERROR)],
    };
    let (upstream, requests) = scripted(fail).await;
    let fleet = Fleet::start(Shape::Split, &file(&[upstream.url()], "h2c", "")).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    assert_eq!(send(fleet.addr(), request(Method::POST, "/", full("abc"))).await.status, 502);
    assert_eq!(send(fleet.addr(), request(Method::GET, "/", empty())).await.status, 502);
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_upstream_that_speaks_no_http2_is_502_and_a_silent_one_504() {
    let garbage = RawOrigin::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 1_024]).await;
    })
    .await;
    let silent = RawOrigin::start(|stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let gone = RawOrigin::start(|stream| async move { drop(stream) }).await;
    let malformed: Script = |stream, _| {
        // A response without a status.
        vec![Frame::new(
            Kind::HEADERS,
            flag::END_HEADERS | flag::END_STREAM,
            stream,
            [0x00, 1, b'a', 1, b'b'],
        )]
    };
    let (malformed, _) = scripted(malformed).await;
    let text = File::new()
        .upstream("garbage", &[garbage.url()], "protocol: h2c")
        .upstream("silent", &[silent.url()], "protocol: h2c")
        .upstream("gone", &[gone.url()], "protocol: h2c")
        .upstream("malformed", &[malformed.url()], "protocol: h2c")
        .route("/garbage", "upstream: garbage")
        .route("/silent", "upstream: silent, timeout_ms: 500")
        .route("/gone", "upstream: gone")
        .route("/malformed", "upstream: malformed")
        .global_timeout_ms(2_000)
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for (path, status) in [("/garbage", 502), ("/silent", 504), ("/gone", 502), ("/malformed", 502)] {
        assert_eq!(get(fleet.addr(), path).await.status, status, "{path}");
    }
}
