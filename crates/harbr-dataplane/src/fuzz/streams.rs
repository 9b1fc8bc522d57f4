use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;

use super::input::{damage, words};
use crate::coarse_clock::CoarseClock;
use crate::connection::ConnectionState;
use crate::guarded_io::GuardedIo;
use crate::request_bounds::{RequestBounds, Verdict};

const MAX_HEAD: usize = 4 * 1024;
const WORDS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /a HTTP/1.1\r\n",
    "POST /b HTTP/1.0\r\n",
    "OPTIONS /c HTTP/1.1\r\n",
    "Host: a\r\n\r\n",
    "Host: a\r\n",
    "Content-Length: 3\r\n",
    "content-length: 0\r\n",
    "Content-Length: 7\r\n\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding: chunked\r\n\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "X: y\r\n",
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "abc",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    "0\r\n",
    "5;a=b\r\nhello\r\n",
    "T: v\r\n\r\n",
    "Expect: 100-continue\r\n",
    "Trailer: T\r\n",
    "GET /x#y HTTP/1.1\r\n\r\n",
];

/// A body that hyper takes is exactly as long as the guard says: what is behind it is never read as a request by
/// one of them and as a body by the other.
#[test]
fn hyper_and_the_guard_agree_on_where_each_request_ends() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has an event queue");
    super::run(|rng| {
        let stream = stream(rng);
        let (ends, verdict) = by_the_guard(&stream, || 1);
        let (served, whole) = runtime.block_on(by_hyper(&stream));
        // hyper may refuse sooner, by rules of its own; it never finds more.
        assert!(whole <= ends, "hyper {whole} of {ends} whole ({verdict:?}) in {:?}", text(&stream));
        assert!(served <= ends + 1, "hyper {served} of {ends} begun ({verdict:?}) in {:?}", text(&stream));
    });
}

#[test]
fn how_a_stream_is_cut_changes_nothing() {
    super::run(|rng| {
        let stream = stream(rng);
        let at_once = RequestBounds::new(MAX_HEAD).take(&stream).1;
        let (_, in_pieces) = by_the_guard(&stream, || rng.usize(1..40));
        assert_eq!(at_once, in_pieces, "{:?}", text(&stream));
    });
}

fn stream(rng: &mut Rng) -> Vec<u8> {
    let mut stream = words(rng, WORDS, 16);
    damage(rng, &mut stream);
    // Another protocol has no requests to count.
    if text(&stream).to_ascii_lowercase().contains("upgrade") || text(&stream).contains("CONNECT") {
        stream.clear();
    }
    stream
}

/// How many requests have come whole, if it is read byte by byte, and how it ended.
fn by_the_guard(stream: &[u8], mut piece: impl FnMut() -> usize) -> (usize, Verdict) {
    let mut bounds = RequestBounds::new(MAX_HEAD);
    let (mut ends, mut is_within) = (0, false);
    let mut rest = stream;
    while !rest.is_empty() {
        let (piece, next) = rest.split_at(piece().min(rest.len()));
        rest = next;
        let (_, verdict) = bounds.take(piece);
        if verdict != Verdict::Pass {
            return (ends, verdict);
        }
        if is_within && bounds.is_between() {
            ends += 1;
        }
        is_within = !bounds.is_between();
    }
    (ends, Verdict::Pass)
}

/// How many requests hyper behind the guard has begun to serve, and how many of them came whole.
async fn by_hyper(stream: &[u8]) -> (usize, usize) {
    let seen = RefCell::new((0, 0));
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let state = Arc::new(ConnectionState::new(Arc::new(CoarseClock::new()), Duration::from_secs(1)));
    let io = TokioIo::new(GuardedIo::new(server, state.clone(), MAX_HEAD));
    let service = service_fn(|request: Request<Incoming>| {
        seen.borrow_mut().0 += 1;
        state.begin_request();
        let (seen, state) = (&seen, &state);
        async move {
            let is_whole = request.into_body().collect().await.is_ok();
            seen.borrow_mut().1 += usize::from(is_whole);
            state.end_request(is_whole);
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    client.write_all(stream).await.expect("the pipe has room");
    client.shutdown().await.expect("the pipe is open");
    let mut builder = http1::Builder::new();
    builder.max_header_size(MAX_HEAD).max_buf_size(2 * MAX_HEAD).header_read_timeout(None);
    // What it thinks of the stream's end is not the question.
    let _ = builder.serve_connection(io, service).await;
    seen.into_inner()
}

fn text(stream: &[u8]) -> String {
    String::from_utf8_lossy(stream).into_owned()
}
