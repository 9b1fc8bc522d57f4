//! Requests over HTTP/2 that must not reach an HTTP/1 upstream as anything else. Each case names its rule; for
//! each it is checked what the client saw, what the upstream saw, and that others are served.

use harbr_tests::http2::{Fields, Frame, Http2Client, Kind, Outcome, flag};
use harbr_tests::{Fleet, Origin, Shape, get};

use crate::file::File;

const PROTOCOL_ERROR: Outcome = Outcome::Reset(0x1);

/// A GET with further fields.
pub(crate) fn get_with(more: &[(&str, &str)]) -> Fields {
    fields(
        &[&[(":method", "GET"), (":scheme", "http"), (":path", "/x"), (":authority", "a.test")], more]
            .concat(),
    )
}

pub(crate) fn fields(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A GET of which one field says something else.
fn get_but(name: &str, value: &str) -> Fields {
    let mut fields = get_with(&[]);
    fields.iter_mut().filter(|(field, _)| field == name).for_each(|(_, said)| value.clone_into(said));
    fields
}

fn get_without(name: &str) -> Fields {
    get_with(&[]).into_iter().filter(|(field, _)| field != name).collect()
}

fn post_with(more: &[(&str, &str)]) -> Fields {
    let mut fields = get_with(more);
    fields[0].1 = "POST".to_owned();
    fields
}

/// What a client is told.
#[derive(Debug, PartialEq)]
enum Told {
    /// The request is malformed: its stream ends (RFC 9113, 8.1.1).
    Reset,
    /// What came is no field at all: the connection ends, which is more than is due.
    GoAway,
    Status(u16),
}

use Told::{GoAway, Reset, Status};

/// Name, rule, what is sent on stream 1, what the client is told.
type Case = (&'static str, &'static str, Vec<Frame>, Told);

fn head(name: &'static str, rule: &'static str, fields: Fields, told: Told) -> Case {
    (name, rule, vec![Frame::request(1, &fields)], told)
}

fn heads() -> Vec<Case> {
    vec![
        head("a field name in upper case", "RFC 9113, 8.2.1", get_with(&[("X-A", "1")]), GoAway),
        head("a field name with a space", "RFC 9113, 8.2.1", get_with(&[("x a", "1")]), GoAway),
        head("a field name with a colon", "RFC 9113, 8.2.1", get_with(&[("x:a", "1")]), GoAway),
        head("a field name with a line's end", "RFC 9113, 8.2.1", get_with(&[("x\r\na", "1")]), GoAway),
        head("a field without a name", "RFC 9113, 8.2.1", get_with(&[("", "1")]), GoAway),
        head("CR in a value", "RFC 9113, 8.2.1", get_with(&[("x-a", "1\rb: 2")]), GoAway),
        head("LF in a value", "RFC 9113, 8.2.1", get_with(&[("x-a", "1\nb: 2")]), GoAway),
        head(
            "CR LF and a request in a value",
            "RFC 9113, 10.3",
            get_with(&[("x-a", "1\r\n\r\nGET /smuggled HTTP/1.1\r\n")]),
            GoAway,
        ),
        head("NUL in a value", "RFC 9113, 8.2.1", get_with(&[("x-a", "1\0")]), GoAway),
        head("a value that begins with a space", "RFC 9113, 8.2.1", get_with(&[("x-a", " 1")]), Status(400)),
        head("a value that ends with a tab", "RFC 9113, 8.2.1", get_with(&[("x-a", "1\t")]), Status(400)),
        head("connection", "RFC 9113, 8.2.2", get_with(&[("connection", "close")]), Reset),
        head("keep-alive", "RFC 9113, 8.2.2", get_with(&[("keep-alive", "5")]), Reset),
        head("proxy-connection", "RFC 9113, 8.2.2", get_with(&[("proxy-connection", "close")]), Reset),
        head("transfer-encoding", "RFC 9113, 8.2.2", get_with(&[("transfer-encoding", "chunked")]), Reset),
        head("upgrade", "RFC 9113, 8.2.2", get_with(&[("upgrade", "h2c")]), Reset),
        head("te that is not trailers", "RFC 9113, 8.2.2", get_with(&[("te", "gzip")]), Reset),
        head("no method", "RFC 9113, 8.3.1", get_without(":method"), Reset),
        head("no scheme", "RFC 9113, 8.3.1", get_without(":scheme"), Reset),
        head("no path", "RFC 9113, 8.3.1", get_without(":path"), Reset),
        head("an empty path", "RFC 9113, 8.3.1", get_but(":path", ""), Reset),
        head("a path without a slash", "RFC 9113, 8.3.1", get_but(":path", "admin"), Reset),
        head("a path that is a query", "RFC 9113, 8.3.1", get_but(":path", "?x=1"), Status(400)),
        head("a path that is a URL", "RFC 9113, 8.3.1", get_but(":path", "http://b.test/"), Reset),
        head("the path of OPTIONS", "RFC 9113, 8.3.1", get_but(":path", "*"), Status(400)),
        head("a path with a space", "RFC 9113, 10.3", get_but(":path", "/ HTTP/1.1"), Reset),
        head("a path with a line's end", "RFC 9113, 10.3", get_but(":path", "/\r\nX: 1"), Reset),
        head(
            "a path that climbs above the root",
            "RFC 3986, 5.2.4",
            get_but(":path", "/a/../../b"),
            Status(400),
        ),
        head("a method with a space", "RFC 9113, 10.3", get_but(":method", "GET /admin"), GoAway),
        head("a scheme with a space", "RFC 9113, 10.3", get_but(":scheme", "ht tp"), Reset),
        head("two paths", "RFC 9113, 8.3", get_with(&[(":path", "/y")]), Reset),
        head("two methods", "RFC 9113, 8.3", get_with(&[(":method", "POST")]), Reset),
        head("two authorities", "RFC 9113, 8.3", get_with(&[(":authority", "b.test")]), Reset),
        head("an unknown pseudo-field", "RFC 9113, 8.3", get_with(&[(":x", "1")]), GoAway),
        head("the status of a request", "RFC 9113, 8.3", get_with(&[(":status", "200")]), Reset),
        head(
            "a pseudo-field behind a field",
            "RFC 9113, 8.3",
            fields(&[
                (":method", "GET"),
                (":scheme", "http"),
                ("x-a", "1"),
                (":path", "/x"),
                (":authority", "a.test"),
            ]),
            Reset,
        ),
        head("an authority with a user", "RFC 9113, 8.3.1", get_but(":authority", "u@a.test"), Status(400)),
        head("an authority with a space", "RFC 9113, 8.3.1", get_but(":authority", "a test"), Reset),
        head(
            "two hosts in an authority",
            "RFC 9113, 8.3.1",
            get_but(":authority", "a.test,b.test"),
            Status(400),
        ),
        head("an authority with a path", "RFC 9113, 8.3.1", get_but(":authority", "a.test/b"), Reset),
        head("no authority and no host", "RFC 9113, 8.3.1", get_without(":authority"), Status(400)),
        head("a host that is another", "RFC 9113, 8.3.1", get_with(&[("host", "b.test")]), Status(400)),
        head("two hosts", "RFC 9110, 7.2", get_with(&[("host", "a.test"), ("host", "a.test")]), Status(400)),
        head(
            "CONNECT",
            "RFC 9113, 8.5",
            fields(&[(":method", "CONNECT"), (":authority", "a.test:443")]),
            Status(405),
        ),
        head("CONNECT with a path", "RFC 9113, 8.5", get_but(":method", "CONNECT"), Reset),
        head("TRACE", "RFC 9110, 9.3.8", get_but(":method", "TRACE"), Status(405)),
        head("a length of no body", "RFC 9113, 8.1.1", post_with(&[("content-length", "5")]), Reset),
        head("a length that is no number", "RFC 9110, 8.6", post_with(&[("content-length", "x")]), Reset),
        head("a length with a sign", "RFC 9110, 8.6", post_with(&[("content-length", "+0")]), Reset),
        head(
            "two lengths",
            "RFC 9110, 8.6",
            post_with(&[("content-length", "0"), ("content-length", "1")]),
            Reset,
        ),
        head(
            "a length twice",
            "RFC 9110, 8.6",
            post_with(&[("content-length", "0"), ("content-length", "0")]),
            Status(400),
        ),
        head(
            "fields beyond max_header_bytes",
            "RFC 6585, 5",
            get_with(&[("x-a", &"x".repeat(9_000))]),
            Status(431),
        ),
        head("more fields than max_headers", "RFC 6585, 5", get_with(&[("x-a", "1"); 40]), Status(431)),
    ]
}

/// Bodies and trailers. Some of it reaches the upstream, and never as a whole request.
fn bodies() -> Vec<Case> {
    let post = |length: &str| Frame::open(1, &post_with(&[("content-length", length)]));
    let trailers = |flags: u8, trailers: &[(&str, &str)]| Frame::headers(flags, 1, &fields(trailers));
    let both = flag::END_HEADERS | flag::END_STREAM;
    let open = || Frame::open(1, &post_with(&[]));
    vec![
        (
            "less than its length",
            "RFC 9113, 8.1.1",
            vec![post("5"), Frame::data(flag::END_STREAM, 1, "abc")],
            Reset,
        ),
        (
            "more than its length",
            "RFC 9113, 8.1.1",
            vec![post("3"), Frame::data(flag::END_STREAM, 1, "abcde")],
            Reset,
        ),
        (
            "a request behind its length",
            "CVE-2021-21295",
            vec![post("0"), Frame::data(flag::END_STREAM, 1, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")],
            Reset,
        ),
        ("upper case in trailers", "RFC 9113, 8.2.1", vec![open(), trailers(both, &[("X-A", "1")])], GoAway),
        (
            "connection in trailers",
            "RFC 9113, 8.2.2",
            vec![open(), trailers(both, &[("connection", "x")])],
            Reset,
        ),
        (
            "trailers that do not end it",
            "RFC 9113, 8.1",
            vec![open(), trailers(flag::END_HEADERS, &[("x-a", "1")])],
            Reset,
        ),
        (
            "more than max_body",
            "RFC 9110, 15.5.14",
            vec![open(), Frame::data(flag::END_STREAM, 1, vec![b'x'; 5_000])],
            Status(413),
        ),
        ("a length beyond max_body", "RFC 9110, 15.5.14", vec![post("5000")], Status(413)),
    ]
}

fn file(origin: &Origin) -> String {
    File::all_to(origin).set("max_header_bytes: 8KiB").set("max_headers: 30").set("max_body: 4kB").text()
}

/// What is wrong with how a case went.
async fn run(fleet: &Fleet, (name, rule, frames, told): &Case) -> Option<String> {
    let mut client = Http2Client::connect(fleet.addr()).await;
    // The end of a stream may come before all of it is written.
    let _ = client.send(frames).await;
    let answer = client.answer(1).await;
    let as_told = match told {
        Status(status) => answer.status == Some(*status),
        GoAway => {
            let is_due = answer.outcome == Outcome::GoAway(0x1);
            return (!is_due).then(|| format!("{name} ({rule}): {answer:?}"));
        }
        Reset => answer.outcome == PROTOCOL_ERROR && answer.status.is_none_or(|status| status == 400),
    };
    if !as_told {
        return Some(format!("{name} ({rule}): {told:?} was due: {answer:?}"));
    }
    // The fault was the stream's alone.
    let next = client.ask(3, &get_but(":path", "/next")).await;
    (next.status != Some(200)).then(|| format!("{name} ({rule}): the connection's next request: {next:?}"))
}

async fn run_all(cases: Vec<Case>, fleet: &Fleet) {
    let mut problems = Vec::new();
    for case in &cases {
        problems.extend(run(fleet, case).await);
        if get(fleet.addr(), "/other").await.status != 200 {
            problems.push(format!("{}: another client was not served", case.0));
        }
    }
    assert_eq!(problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_malformed_head_over_http2_reaches_no_upstream() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &file(&origin)).await;
    run_all(heads(), &fleet).await;
    let seen: Vec<_> =
        origin.seen().into_iter().filter(|seen| seen.target != "/next" && seen.target != "/other").collect();
    assert!(seen.is_empty(), "{seen:?}");
}

#[tokio::test]
async fn a_malformed_body_over_http2_is_no_whole_request_to_an_upstream() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &file(&origin)).await;
    run_all(bodies(), &fleet).await;
    let odd: Vec<_> = origin
        .seen()
        .into_iter()
        .filter(|seen| !["/x", "/next", "/other"].contains(&&*seen.target))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    let metrics = fleet.node().metrics().await;
    assert_eq!(
        metrics.count("proxy_attempt_total", &[("result", "failure")]),
        0,
        "the client's fault is not the upstream's"
    );
}

#[tokio::test]
async fn what_is_well_formed_over_http2_arrives_as_one_http1_request() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &file(&origin)).await;
    let mut client = Http2Client::connect(fleet.addr()).await;

    let cookies = client
        .ask(1, &get_with(&[("cookie", "a=1"), ("x-a", "1"), ("cookie", "b=2"), ("cookie", "c=3")]))
        .await;
    let echo = cookies.echo();
    assert_eq!(echo.all("cookie"), ["a=1; b=2; c=3"], "RFC 9113, 8.2.3");
    assert_eq!((echo.header("host"), echo.target.as_str()), (Some("a.test"), "/x"));

    let same = client.ask(3, &get_with(&[("host", "A.test")])).await;
    assert_eq!(same.echo().header("host"), Some("a.test"), "the same host, in another case");

    let only_host = [get_without(":authority"), fields(&[("host", "b.test")])].concat();
    assert_eq!(client.ask(5, &only_host).await.echo().header("host"), Some("b.test"), "RFC 9113, 8.3.1");

    client
        .send(&[
            Frame::open(7, &post_with(&[("te", "trailers"), ("trailer", "x-sum")])),
            Frame::data(0, 7, "abc"),
            Frame::data(flag::PADDED, 7, *b"\x04defpppp"),
            Frame::headers(flag::END_HEADERS | flag::END_STREAM, 7, &fields(&[("x-sum", "6")])),
        ])
        .await
        .unwrap();
    let echo = client.answer(7).await.echo();
    assert_eq!((echo.body_bytes, echo.complete), (6, true), "padding is no content: RFC 9113, 6.1");
    assert_eq!(echo.trailers, [("x-sum".to_owned(), "6".to_owned())], "RFC 9113, 8.1");
    assert_eq!(echo.header("te"), Some("trailers"));

    client
        .send(&[
            Frame::open(15, &post_with(&[])),
            Frame::headers(
                flag::END_HEADERS | flag::END_STREAM,
                15,
                &fields(&[(":path", "/y"), ("x-sum", "0")]),
            ),
        ])
        .await
        .unwrap();
    let echo = client.answer(15).await.echo();
    // h2 does not refuse it, as RFC 9113, 8.1 would have it, but nothing of it goes on.
    assert_eq!(echo.target, "/x");
    assert!(echo.trailers.iter().all(|(name, _)| name == "x-sum"), "{:?}", echo.trailers);

    // RFC 9113, 4.3 and 6.10: fields cut anywhere; 5.5: unknown frames between requests.
    let block = Frame::request(17, &get_with(&[("x-a", "1")])).payload;
    let (first, rest) = block.split_at(13);
    let (second, third) = rest.split_at(1);
    client
        .send(&[
            Frame::new(0xbb, 0xff, 17, *b"unknown"),
            Frame::new(Kind::HEADERS, flag::END_STREAM, 17, first),
            Frame::new(Kind::CONTINUATION, 0, 17, second),
            Frame::new(Kind::CONTINUATION, flag::END_HEADERS, 17, third),
        ])
        .await
        .unwrap();
    assert_eq!(client.answer(17).await.echo().header("x-a"), Some("1"));

    client.send(&[Frame::ping()]).await.unwrap();
    let pong = client.frame_of(Kind::PING).await;
    assert_eq!((pong.flags, pong.payload.as_slice()), (flag::ACK, &b"pingpong"[..]), "RFC 9113, 6.7");

    let head = client.ask(19, &get_but(":method", "HEAD")).await;
    assert_eq!((head.status, head.body.len()), (Some(200), 0));
    let refused = client.ask(21, &[get_but(":method", "HEAD"), fields(&[("x-b", " ")])].concat()).await;
    assert_eq!((refused.status, refused.body.len()), (Some(400), 0), "no content for HEAD: RFC 9110, 9.3.2");
    for name in ["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"] {
        assert_eq!(cookies.field(name), None, "RFC 9113, 8.2.2");
    }
}
