//! Traces: what upstreams are told of them, and what a collector gets.

use std::time::Duration;

use harbr_tests::{
    Answer, Collector, Fleet, Origin, Reply, Shape, Span, SpanText as _, empty, eventually, get, request,
    send,
};
use http::{HeaderValue, Method};

use crate::file::{File, to};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";
const TRUSTING: &str = "trusted_proxies: [\"127.0.0.0/8\"]";

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{CLIENT_SPAN}-{flags}")
}

fn tracing(collector: &Collector, sample: &str) -> String {
    format!("tracing: {{ endpoint: \"{}\", sample: {sample}, service_name: edge }}", collector.url())
}

/// The answer to a request in this trace.
async fn ask(fleet: &Fleet, path: &str, parents: &[&str]) -> Reply {
    let mut asked = request(Method::GET, path, empty());
    for parent in parents {
        asked.headers_mut().append("traceparent", HeaderValue::from_str(parent).unwrap());
    }
    asked.headers_mut().insert("tracestate", HeaderValue::from_static("vendor=1"));
    send(fleet.addr(), asked).await
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The request's own span, and those of its attempts in their order.
fn sorted(mut spans: Vec<Span>) -> (Span, Vec<Span>) {
    spans.sort_by_key(|span| (!span.is_server(), span.start_time_unix_nano));
    let server = spans.remove(0);
    assert!(server.is_server() && !spans.iter().any(|span| span.is_server()), "{spans:#?}");
    (server, spans)
}

over_both_shapes! {
    async fn a_sampled_request_is_a_server_span_and_its_attempts_are_below_it(shape: Shape) {
        let (collector, origin) = (Collector::start().await, Origin::start("a").await);
        let file = File::new().route("/app", &to(&origin)).set(&tracing(&collector, "100%"));
        let fleet = Fleet::start(shape, &file.text()).await;
        let echo = ask(&fleet, "/app/x?y=1", &[&parent("00")]).await.echo();
        let (server, attempts) = sorted(collector.wait_for(2).await);
        let [attempt] = attempts.as_slice() else { panic!("{attempts:#?}") };

        assert_eq!((hex(&server.trace_id), hex(&attempt.trace_id)), (TRACE.to_owned(), TRACE.to_owned()));
        assert_eq!(hex(&server.parent_span_id), CLIENT_SPAN);
        assert_eq!(attempt.parent_span_id, server.span_id);
        let told = format!("00-{TRACE}-{}-01", hex(&attempt.span_id));
        assert_eq!(echo.header("traceparent"), Some(told.as_str()));
        assert_eq!(echo.header("tracestate"), Some("vendor=1"));
        assert_eq!(server.trace_state, "vendor=1");

        assert_eq!((server.name.as_str(), attempt.name.as_str()), ("GET /app", "GET"));
        for (key, value) in [
            ("http.request.method", "GET"),
            ("http.route", "/app"),
            ("url.path", "/app/x"),
            ("url.query", "y=1"),
            ("url.scheme", "http"),
            ("http.response.status_code", "200"),
            ("network.protocol.version", "1.1"),
            ("client.address", "127.0.0.1"),
        ] {
            assert_eq!(server.attribute(key).as_deref(), Some(value), "{key}");
        }
        let url = format!("{}/app/x?y=1", origin.url());
        for (key, value) in [
            ("url.full", url.as_str()),
            ("server.address", "127.0.0.1"),
            ("server.port", &origin.port().to_string()),
            ("http.response.status_code", "200"),
        ] {
            assert_eq!(attempt.attribute(key).as_deref(), Some(value), "{key}");
        }
        assert!(!server.is_error() && !attempt.is_error());
        assert_eq!(server.attribute("error.type"), None);
        assert!(server.start_time_unix_nano <= attempt.start_time_unix_nano);
        assert!(attempt.end_time_unix_nano <= server.end_time_unix_nano);
        assert_eq!(collector.resource("service.name").as_deref(), Some("edge"));
        eventually("they are counted", async || {
            let metrics = fleet.node().metrics().await;
            (metrics.count("harbr_spans_exported_total", &[]) == 2).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn retries_are_spans_beside_each_other_and_each_upstream_is_told_its_own() {
    let (collector, bad, good) =
        (Collector::start().await, Origin::start("bad").await, Origin::start("good").await);
    bad.answers(Answer::Status(503));
    let file = File::new()
        .route("/", "upstream: pool, retry_count: 1")
        .upstream("pool", &[bad.url(), good.url()], "balance: round_robin, outlier: {max_ejected: 0}")
        .set(&tracing(&collector, "100%"));
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    // In turn: at least one of two begins with the bad one.
    let mut replies = Vec::new();
    for _ in 0..2 {
        replies.push(get(fleet.addr(), "/").await.echo());
    }
    let spans = eventually("one was tried twice", async || {
        let mut spans = collector.spans();
        let is_retry = |span: &&Span| span.attribute("http.request.resend_count").is_some();
        let retried = spans.iter().find(is_retry)?.trace_id.clone();
        spans.retain(|span| span.trace_id == retried);
        Some(spans)
    })
    .await;
    let (server, attempts) = sorted(spans);
    let [first, second] = attempts.as_slice() else { panic!("{attempts:#?}") };
    assert!(attempts.iter().all(|attempt| attempt.parent_span_id == server.span_id));
    assert_eq!(first.attribute("http.response.status_code").as_deref(), Some("503"));
    assert_eq!(first.attribute("error.type").as_deref(), Some("503"));
    assert_eq!(second.attribute("http.request.resend_count").as_deref(), Some("1"));
    assert_eq!((first.is_error(), second.is_error(), server.is_error()), (true, false, false));
    assert!(first.end_time_unix_nano <= second.start_time_unix_nano);
    assert!(server.parent_span_id.is_empty(), "nobody told of a trace");
    let told = format!("00-{}-{}-01", hex(&second.trace_id), hex(&second.span_id));
    assert!(replies.iter().any(|echo| echo.header("traceparent") == Some(told.as_str())), "{replies:#?}");
}

#[tokio::test]
async fn a_failure_is_an_error_with_its_reason() {
    let (collector, origin) = (Collector::start().await, Origin::start("a").await);
    origin.answers(Answer::HangUp);
    let file = File::new().route("/app", &to(&origin)).set(&tracing(&collector, "100%"));
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    assert_eq!(get(fleet.addr(), "/app").await.status, 502);
    let (server, attempts) = sorted(collector.wait_for(2).await);
    for span in [&server, &attempts[0]] {
        assert!(span.is_error(), "{span:#?}");
        assert_eq!(span.attribute("error.type").as_deref(), Some("reset"));
    }
    assert_eq!(server.attribute("http.response.status_code").as_deref(), Some("502"));
    assert_eq!(attempts[0].attribute("http.response.status_code"), None);
    // A client's mistake is no error of the server's, and reaches no upstream.
    assert_eq!(get(fleet.addr(), "/nothing").await.status, 404);
    let spans = collector.wait_for(3).await;
    let lost = spans.iter().find(|span| span.attribute("url.path").as_deref() == Some("/nothing")).unwrap();
    assert_eq!((lost.name.as_str(), lost.is_error()), ("GET", false));
    assert_eq!(lost.attribute("error.type").as_deref(), Some("no_route"));
}

#[tokio::test]
async fn without_tracing_a_traceparent_goes_on_as_it_came() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for told in [&parent("01"), "damaged"] {
        let echo = ask(&fleet, "/", &[told]).await.echo();
        assert_eq!(echo.header("traceparent"), Some(told));
        assert_eq!(echo.header("tracestate"), Some("vendor=1"));
    }
    assert_eq!(get(fleet.addr(), "/").await.echo().header("traceparent"), None);
}

#[tokio::test]
async fn what_is_not_sampled_is_told_so_to_the_upstream() {
    let (collector, origin) = (Collector::start().await, Origin::start("a").await);
    let fleet =
        Fleet::start(Shape::Split, &File::all_to(&origin).set(&tracing(&collector, "0%")).text()).await;
    let known = ask(&fleet, "/", &[&parent("01")]).await.echo();
    assert_eq!(known.header("traceparent"), Some(parent("01").as_str()));
    for parents in [&["damaged"][..], &[&parent("01"), &parent("01")], &[]] {
        let echo = ask(&fleet, "/", parents).await.echo();
        let told = echo.header("traceparent").unwrap();
        assert!(told.len() == 55 && told.starts_with("00-") && told.ends_with("-00"), "{told}");
        assert!(!told.contains(TRACE), "{told}");
        assert_eq!(echo.header("tracestate"), None);
    }
    assert!(collector.spans().is_empty());
}

#[tokio::test]
async fn a_trusted_proxy_decides_what_is_sampled() {
    let (collector, origin) = (Collector::start().await, Origin::start("a").await);
    let file = File::all_to(&origin).set(&tracing(&collector, "0%")).set(TRUSTING);
    let fleet = Fleet::start(Shape::Split, &file.text()).await;
    ask(&fleet, "/no", &[&parent("00")]).await;
    ask(&fleet, "/yes", &[&parent("01")]).await;
    let (server, _) = sorted(collector.wait_for(2).await);
    assert_eq!(server.attribute("url.path").as_deref(), Some("/yes"));
}

#[tokio::test]
async fn a_collector_that_cannot_for_a_moment_gets_all_and_one_that_is_gone_holds_up_nothing() {
    let (collector, origin) = (Collector::refusing(2).await, Origin::start("a").await);
    let file = File::all_to(&origin);
    let fleet = Fleet::start(Shape::Split, &file.clone().set(&tracing(&collector, "100%")).text()).await;
    get(fleet.addr(), "/").await;
    collector.wait_for(2).await;
    let nobody = "tracing: { endpoint: \"http://127.0.0.1:9\" }";
    fleet.apply(&file.set(nobody).text()).await;
    let began = tokio::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(get(fleet.addr(), "/").await.status, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    eventually("they are counted as lost", async || {
        let metrics = fleet.node().metrics().await;
        (metrics.count("harbr_spans_dropped_total", &[("reason", "collector")]) == 40).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_last_spans_go_out_before_the_process_ends() {
    let (collector, origin) = (Collector::start().await, Origin::start("a").await);
    let fleet =
        Fleet::start(Shape::Split, &File::all_to(&origin).set(&tracing(&collector, "100%")).text()).await;
    get(fleet.addr(), "/").await;
    fleet.node().process.signal(harbr_tests::Signal::Terminate);
    collector.wait_for(2).await;
}
