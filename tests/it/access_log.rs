//! A line per request, on standard output.

use harbr_tests::{Answer, Client, Fleet, Origin, Shape, Signal, empty, eventually, get, request};
use http::{HeaderValue, Method};
use serde_json::Value;

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
