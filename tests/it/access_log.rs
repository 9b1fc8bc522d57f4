//! A line per request, on standard output.

use std::time::Duration;

use harbr_tests::{
    Answer, Client, ClosedPort, Fleet, Origin, RawClient, RawOrigin, Shape, Signal, TestAuthority, empty,
    eventually, full, get, read_head, request, send,
};
use http::{HeaderValue, Method, Request};
use rustls::ALL_VERSIONS;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::file::{File, to};

/// The access log once it has this many lines.
async fn log_of(fleet: &Fleet, lines: usize) -> Vec<String> {
    eventually(&format!("{lines} lines are logged"), async || {
        let logged = fleet.node().process.stdout_lines();
        assert!(logged.len() <= lines, "{logged:#?}");
        (logged.len() == lines).then_some(logged)
    })
    .await
}

/// The same as JSON.
async fn lines_of(fleet: &Fleet, lines: usize) -> Vec<Value> {
    log_of(fleet, lines).await.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The reason and the flags of the only line.
async fn reason_of(fleet: &Fleet) -> (Value, Value) {
    let line = lines_of(fleet, 1).await.remove(0);
    (line["reason"].clone(), line["flags"].clone())
}

fn request_with(
    method: Method,
    target: &str,
    header: (&'static str, &'static str),
) -> Request<harbr_tests::TestBody> {
    let mut request = request(method, target, empty());
    request.headers_mut().insert(header.0, HeaderValue::from_static(header.1));
    request
}

over_both_shapes! {
    async fn each_request_is_one_line_of_json(shape: Shape) {
        let origin = Origin::start("a").await;
        let fleet = Fleet::start(shape, &File::new().route("/app", &to(&origin)).text()).await;
        get(fleet.addr(), "/app/x?secret=1").await;
        get(fleet.addr(), "/nothing").await;
        origin.answers(Answer::HangUp);
        get(fleet.addr(), "/app/y").await;
        let lines = log_of(&fleet, 3).await;
        // Workers write by turns: lines of different connections come in any order.
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |path: &str| lines.iter().find(|line| line["path"] == path).unwrap();
        let statuses = ["/app/x", "/nothing", "/app/y"].map(|path| of(path)["status"].as_u64());
        assert_eq!(statuses, [Some(200), Some(404), Some(502)], "{lines:#?}");
        let line = of("/app/x");
        assert_eq!((&line["method"], &line["route"]), (&"GET".into(), &"/app".into()), "{line}");
    }
}

#[tokio::test]
async fn the_log_can_be_text_or_off() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin);
    let text = Fleet::start(Shape::Split, &file.clone().set("access_log: text").text()).await;
    get(text.addr(), "/words").await;
    let lines = log_of(&text, 1).await;
    assert!(lines[0].contains("/words") && !lines[0].starts_with('{'), "{lines:?}");

    let off = Fleet::start(Shape::Split, &file.set("access_log: off").text()).await;
    get(off.addr(), "/").await;
    eventually("the request is counted", async || {
        (off.node().metrics().await.count("proxy_request_total", &[]) == 1).then_some(())
    })
    .await;
    assert_eq!(off.node().process.stdout_lines(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_client_sends_cannot_forge_a_line() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    get(fleet.addr(), "/%0a%22,%22status%22:999").await;
    let lines = log_of(&fleet, 1).await;
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["status"], 200);
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_request_and_keeps_little_of_it() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    client.get("/").await;
    fleet.node().process.stop_reading_stdout();
    let before = fleet.node().process.resident_bytes();
    // Far more lines than a pipe holds, of requests with much that no line needs.
    for _ in 0..1_500 {
        let mut sent = request(Method::GET, "/", empty());
        sent.headers_mut().insert("x-long", HeaderValue::from_str(&"x".repeat(8_000)).unwrap());
        assert_eq!(client.send(sent).await.unwrap().status, 200);
    }
    let growth = fleet.node().process.resident_bytes().saturating_sub(before);
    assert!(growth < 6 << 20, "memory grew by {} KiB", growth / 1024);
}

#[tokio::test]
async fn a_log_that_nobody_reads_does_not_hold_up_the_end() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    fleet.node().process.stop_reading_stdout();
    for number in 0..50 {
        get(fleet.addr(), &format!("/{}{number}", "x".repeat(4_000))).await;
    }
    fleet.node().process.signal(Signal::Terminate);
    eventually("it ends all the same", async || (!fleet.node().process.is_running()).then_some(())).await;
}

#[tokio::test]
async fn the_log_names_the_client_whom_a_trusted_proxy_names() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin).set("trusted_proxies: [\"127.0.0.0/8\", \"10.0.0.0/8\"]");
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let mut asked = request(Method::GET, "/", empty());
    asked.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 192.0.2.7, 10.0.0.1"));
    harbr_tests::send(fleet.addr(), asked).await;
    let line: Value = serde_json::from_str(&log_of(&fleet, 1).await[0]).unwrap();
    assert_eq!(line["client"], "192.0.2.7", "{line}");
}

#[tokio::test]
async fn a_line_says_where_a_request_went_and_what_took_how_long() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let settings = format!("tls: {{ certificates: [{}] }}", pair.yaml());
    origin.answers(Answer::EchoAfter(Duration::from_millis(50)));
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).listener(&settings).text()).await;
    let stream = authority.client(ALL_VERSIONS).connect(fleet.addr(), "site.test").await.unwrap();
    let mut client = Client::over(stream).await.unwrap();
    for _ in 0..2 {
        let mut sent = request(Method::PUT, "/up", full("hello"));
        sent.headers_mut().insert("host", HeaderValue::from_static("site.test"));
        client.send(sent).await.unwrap();
    }
    let lines = lines_of(&fleet, 2).await;
    for line in &lines {
        let number = |field: &str| line[field].as_f64().unwrap_or_else(|| panic!("{field} of {line}"));
        assert_eq!((&line["listener"], &line["tls"]), (&"default".into(), &"TLSv1.3".into()), "{line}");
        assert_eq!((&line["upstream"], &line["endpoint"]), (&"/".into(), &origin.url().into()), "{line}");
        assert_eq!((&line["bytes_received"], &line["attempts"]), (&5.into(), &1.into()), "{line}");
        assert!(number("bytes_sent") > 0.0 && number("head_ms") >= 0.0, "{line}");
        assert!(number("response_ms") >= 50.0 && number("connect_ms") < number("response_ms"), "{line}");
        assert!((number("response_ms") + number("body_ms") - number("duration_ms")).abs() < 0.01, "{line}");
        assert!(line["reason"].is_null() && line["flags"].is_null() && line["trace_id"].is_null(), "{line}");
    }
    let connects: Vec<bool> = lines.iter().map(|line| line["connect_ms"].as_f64() > Some(0.0)).collect();
    assert_eq!(connects, [true, false], "the second has a kept connection: {lines:#?}");
}

#[tokio::test]
async fn fields_and_sampling_are_as_the_file_says_and_an_edit_is_obeyed() {
    let origin = Origin::start("a").await;
    let file = File::all_to(&origin);
    let first = file.clone().set("access_log: {fields: [status, path], sample: 0%}").text();
    let fleet = Fleet::start(Shape::Split, &first).await;
    get(fleet.addr(), "/well").await;
    origin.answers(Answer::Status(404));
    get(fleet.addr(), "/failed").await;
    assert_eq!(log_of(&fleet, 1).await, ["{\"status\":404,\"path\":\"/failed\"}"]);
    fleet.apply(&file.set("access_log: {fields: [path]}").text()).await;
    origin.answers(Answer::Echo);
    get(fleet.addr(), "/well").await;
    assert_eq!(log_of(&fleet, 2).await[1], "{\"path\":\"/well\"}");
}

#[tokio::test]
async fn a_trace_id_is_that_of_the_traceparent() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    send(fleet.addr(), request_with(Method::GET, "/", ("traceparent", parent))).await;
    assert_eq!(lines_of(&fleet, 1).await[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn what_cannot_be_read_is_a_line_too() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    // The second is refused before hyper sees it.
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    for bytes in ["GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", &long] {
        RawClient::exchange(fleet.addr(), bytes).await;
    }
    let lines = lines_of(&fleet, 3).await;
    let mut told: Vec<_> =
        lines.iter().map(|line| (line["status"].as_u64(), line["reason"].as_str().unwrap())).collect();
    told.sort_unstable();
    assert_eq!(told, [(Some(400), "bad_request"), (Some(400), "bad_request"), (Some(431), "head_too_large")]);
    for line in lines {
        assert_eq!(
            (&line["method"], &line["path"], &line["flags"]),
            (&Value::Null, &Value::Null, &"DPE".into())
        );
        assert!(line["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_request_failures_total", &[]), 3);
}

#[tokio::test]
async fn each_failure_has_its_reason_and_flag() {
    let (echo, hung, silent) = (Origin::start("a").await, Origin::start("b").await, Origin::start("c").await);
    hung.answers(Answer::HangUp);
    silent.answers(Answer::Silence);
    let babble = RawOrigin::start(async |mut stream| {
        read_head(&mut stream).await;
        let _sent = stream.write_all(b"SSH-2.0-hello\r\n\r\n").await;
    })
    .await;
    let closed = ClosedPort::new();
    let file = File::new()
        .route("/reset", &to(&hung))
        .route("/timeout", &format!("{}, timeout_ms: 300", to(&silent)))
        .route("/malformed", &format!("upstream: \"{}\"", babble.url()))
        .route("/connect", &format!("upstream: \"{}\"", closed.url()))
        .route("/unresolved", "upstream: \"http://no-such-name.invalid:8080\"")
        .route("/tls", &format!("upstream: \"https://{}\"", echo.addr()))
        .route("/methods", &format!("{}, methods: [POST]", to(&echo)))
        .route("/small", &format!("{}, max_body: 1B", to(&echo)))
        .route("/echo", &to(&echo));
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let circle = "1.1 harbr, 1.1 harbr, 1.1 harbr, 1.1 harbr, 1.1 harbr, 1.1 harbr, 1.1 harbr, 1.1 harbr, \
                  1.1 harbr, 1.1 harbr";
    for path in
        ["/reset", "/timeout", "/malformed", "/connect", "/unresolved", "/tls", "/methods", "/nothing"]
    {
        get(fleet.addr(), path).await;
    }
    get(fleet.addr(), &format!("/echo/{}", "x".repeat(33_000))).await;
    send(fleet.addr(), request(Method::PUT, "/small", full("more"))).await;
    send(fleet.addr(), request_with(Method::GET, "/echo/loop", ("via", circle))).await;
    send(fleet.addr(), request_with(Method::OPTIONS, "/echo/options", ("max-forwards", "0"))).await;
    let lines = lines_of(&fleet, 12).await;
    for (path, status, reason, flag) in [
        ("/reset", 502, "reset", Some("UC")),
        ("/timeout", 504, "timeout", Some("UT")),
        ("/malformed", 502, "malformed", Some("UPE")),
        ("/connect", 502, "connect", Some("UF")),
        ("/unresolved", 502, "unresolved", Some("DF")),
        ("/tls", 502, "tls", Some("UF")),
        ("/methods", 405, "method_not_allowed", Some("NR")),
        ("/nothing", 404, "no_route", Some("NR")),
        ("/echo/xxx", 414, "target_too_long", Some("DPE")),
        ("/small", 413, "body_too_large", None),
        ("/echo/loop", 508, "loop", None),
        ("/echo/options", 200, "no_forwards_left", None),
    ] {
        let of = |line: &&Value| line["path"].as_str().unwrap().starts_with(path);
        let line = lines.iter().find(of).unwrap_or_else(|| panic!("{path} in {lines:#?}"));
        let told = (line["status"].as_u64(), line["reason"].as_str(), line["flags"].as_str());
        assert_eq!(told, (Some(status), Some(reason), flag), "{line}");
    }
}

#[tokio::test]
async fn what_fails_in_the_middle_has_its_reason_and_flag() {
    let (short, stuck) = (
        answering("4\r\nhalf\r\n").await,
        RawOrigin::start(async |mut stream| {
            read_head(&mut stream).await;
            let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
            std::future::pending::<()>().await;
        })
        .await,
    );
    let silent = Origin::start("c").await;
    silent.answers(Answer::Silence);
    let file = File::new()
        .route("/truncated", &format!("upstream: \"{}\"", short.url()))
        .route("/stuck", &format!("upstream: \"{}\", idle_timeout: 500ms", stuck.url()))
        .route("/silent", &format!("{}, idle_timeout: 500ms", to(&silent)));
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    let mut leaver = RawClient::connect(fleet.addr()).await;
    leaver.send("GET /silent/left HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    eventually("it is asked", async || (silent.requests() == 1).then_some(())).await;
    drop(leaver);
    for path in ["/truncated", "/stuck"] {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        RawClient::exchange(fleet.addr(), asked).await;
    }
    let stalled = "PUT /silent/stalled HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc";
    RawClient::exchange(fleet.addr(), stalled).await;
    let broken = "PUT /silent/broken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    RawClient::exchange(fleet.addr(), broken).await;
    let lines = lines_of(&fleet, 5).await;
    for (path, status, reason, flag) in [
        ("/truncated", 200, "truncated", "UC"),
        ("/stuck", 200, "response_stalled", "SI"),
        ("/silent/left", 499, "client_gone", "DC"),
        ("/silent/stalled", 408, "body_stalled", "SI"),
        ("/silent/broken", 400, "body_broken", "DPE"),
    ] {
        let line =
            lines.iter().find(|line| line["path"] == path).unwrap_or_else(|| panic!("{path}: {lines:#?}"));
        let told = (line["status"].as_u64(), line["reason"].as_str(), line["flags"].as_str());
        assert_eq!(told, (Some(status), Some(reason), Some(flag)), "{line}");
    }
}

/// An upstream that answers with these bytes of a chunked body, and hangs up.
async fn answering(body: &'static str) -> RawOrigin {
    RawOrigin::start(async move |mut stream| {
        read_head(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _sent = stream.write_all([head, body].concat().as_bytes()).await;
    })
    .await
}

#[tokio::test]
async fn a_misdirected_request_has_its_reason() {
    let (origin, servers, clients) = (Origin::start("a").await, TestAuthority::new(), TestAuthority::new());
    let pair = servers.issue("site", &["site.test"]);
    let auth = format!("client_auth: {{ ca: \"{}\", mode: optional }}", clients.file());
    let settings = format!("tls: {{ certificates: [{}], {auth} }}", pair.yaml());
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).listener(&settings).text()).await;
    let stream = servers.client(ALL_VERSIONS).connect(fleet.addr(), "site.test").await.unwrap();
    let mut client = Client::over(stream).await.unwrap();
    let answer = client.send(request_with(Method::GET, "/", ("host", "other.test"))).await.unwrap();
    assert_eq!(answer.status, 421);
    assert_eq!(reason_of(&fleet).await, ("misdirected".into(), Value::Null));
}

#[tokio::test]
async fn a_request_without_a_healthy_endpoint_has_its_reason() {
    let origin = Origin::start("a").await;
    origin.health_status(503);
    let check = "health_check: {path: /health, interval: 200ms, timeout: 2s}";
    let file = File::new().route("/", "upstream: pool").upstream("pool", &[origin.url()], check);
    let fleet =
        Fleet::start(Shape::Split, &file.set("access_log: {fields: [reason, flags], sample: 0%}").text())
            .await;
    eventually("it is known", async || (fleet.health("pool").await == ["unhealthy"]).then_some(())).await;
    eventually("it is 503", async || (get(fleet.addr(), "/").await.status == 503).then_some(())).await;
    assert_eq!(reason_of(&fleet).await, ("no_healthy_endpoint".into(), "UH".into()));
}

#[tokio::test]
async fn retries_that_ran_out_are_a_flag() {
    let (hung, busy) = (Origin::start("a").await, Origin::start("b").await);
    hung.answers(Answer::HangUp);
    busy.answers(Answer::Status(503));
    let file = File::new()
        .route("/hung", &format!("{}, retry_count: 1", to(&hung)))
        .route("/busy", &format!("{}, retry_count: 2", to(&busy)));
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    get(fleet.addr(), "/hung").await;
    get(fleet.addr(), "/busy").await;
    let lines = lines_of(&fleet, 2).await;
    let of = |path: &str| lines.iter().find(|line| line["path"] == path).unwrap();
    assert_eq!((&of("/hung")["flags"], &of("/hung")["attempts"]), (&"UC,URX".into(), &2.into()));
    let busy = of("/busy");
    assert_eq!(
        (&busy["flags"], &busy["reason"], &busy["attempts"]),
        (&"URX".into(), &Value::Null, &3.into())
    );
}

#[tokio::test]
async fn a_budget_that_ran_out_is_a_flag() {
    // More at once than three, and than a fifth of them.
    const AT_ONCE: usize = 20;
    let origin = Origin::start("a").await;
    origin.answers(Answer::Silence);
    let file = File::new().route("/", &format!("{}, timeout_ms: 1000, retry_count: 5", to(&origin)));
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    futures_util::future::join_all((0..AT_ONCE).map(|_| get(fleet.addr(), "/"))).await;
    let lines = lines_of(&fleet, AT_ONCE).await;
    assert!(lines.iter().any(|line| line["flags"] == "UT,UO"), "{lines:#?}");
}
