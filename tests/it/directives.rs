//! What a node does at its controller's word besides serving: reports, drains, leaves endpoints alone.

use std::time::Duration;

use harbr_proto::v1;
use harbr_proto::v1::controller_message::Kind as ToNode;
use harbr_proto::v1::node_message::Kind as FromNode;
use harbr_tests::{Client, Node, Origin, ScriptedController, ScriptedSession, eventually, get};

use crate::file::File;

/// A node that serves `text` by the word of a controller that the test is.
async fn serving(controller: &ScriptedController, text: &str) -> (Node, ScriptedSession) {
    let args = ["--controller", &controller.url(), "--admin-addr", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
    let args = args.into_iter().chain(["--log-format", "json"]).map(str::to_owned).collect();
    let mut node = Node::start(args, Vec::new()).await;
    let mut session = controller.session().await;
    let answer = session.offer(text, 1).await;
    assert!(matches!(answer, FromNode::Ack(_)), "{answer:?}");
    node.ready().await;
    (node, session)
}

fn wire(duration: Duration) -> Option<prost_types::Duration> {
    Some(duration.try_into().unwrap())
}

#[tokio::test]
async fn reports_say_what_was_answered_by_route_as_often_as_asked() {
    let origin = Origin::start("a").await;
    let controller = ScriptedController::start().await;
    let text = File::all_to(&origin).route("/dead", "upstream: \"http://127.0.0.1:1\"").text();
    let (node, mut session) = serving(&controller, &text).await;
    let report_every = wire(Duration::from_millis(100));
    session.say(ToNode::Directives(v1::Directives { report_every, ..v1::Directives::default() })).await;
    for _ in 0..3 {
        assert_eq!(get(node.addr(), "/").await.status, 200);
    }
    assert_eq!(get(node.addr(), "/dead").await.status, 502);
    let total = |report: &v1::Report| report.traffic.clone().unwrap_or_default().total.unwrap_or_default();
    let report = session.report(|report| total(report).requests == 4).await;
    assert_eq!((total(&report).own_errors, total(&report).upstream_5xx), (1, 0));
    assert_eq!(report.serving.unwrap().revision, 1);
    // A changed route begins at 0, with the whole.
    let text = text.replace("127.0.0.1:1\"", "127.0.0.1:2\"");
    let answer = session.offer(&text, 2).await;
    assert!(matches!(answer, FromNode::Ack(_)), "{answer:?}");
    let report = session.report(|_| true).await;
    assert_eq!((total(&report).requests, report.serving.unwrap().revision), (0, 2));
    let began = tokio::time::Instant::now();
    for _ in 0..5 {
        session.report(|_| true).await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "twenty times what was asked for");
}

#[tokio::test]
async fn a_drained_node_is_not_ready_ends_connections_after_their_answer_and_takes_it_back() {
    let origin = Origin::start("a").await;
    let controller = ScriptedController::start().await;
    let (node, mut session) = serving(&controller, &File::all_to(&origin).text()).await;
    let mut client = Client::connect(node.addr()).await.unwrap();
    assert_eq!(client.get("/").await.header("connection"), None);

    let drain = Some(v1::Drain { grace: wire(Duration::from_millis(1)) });
    session.say(ToNode::Directives(v1::Directives { drain, ..v1::Directives::default() })).await;
    session.report(|report| report.draining).await;
    let ready = get(node.admin(), "/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.text().trim()), (503, "draining"));
    // It serves on: whoever still comes is answered, and sent elsewhere.
    eventually("answers are their connections' last", async || {
        let reply = get(node.addr(), "/").await;
        assert_eq!(reply.status, 200);
        (reply.header("connection").as_deref() == Some("close")).then_some(())
    })
    .await;
    // A revision is taken all the same.
    let answer = session
        .offer(&File::all_to(&origin).route("/more", "upstream: \"http://127.0.0.1:1\"").text(), 2)
        .await;
    assert!(matches!(answer, FromNode::Ack(_)), "{answer:?}");

    session.say(ToNode::Directives(v1::Directives::default())).await;
    session.report(|report| !report.draining).await;
    assert_eq!(get(node.admin(), "/readyz").await.status, 200);
    let mut client = Client::connect(node.addr()).await.unwrap();
    assert_eq!(client.get("/").await.header("connection"), None);
    assert_eq!(client.get("/").await.status, 200);
}

#[tokio::test]
async fn a_drained_endpoint_gets_no_new_request_also_after_a_change() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let controller = ScriptedController::start().await;
    let file = |retries: u32| {
        let route = format!("upstream: pool, retry_count: {retries}");
        File::new().route("/", &route).upstream("pool", &[a.url(), b.url()], "balance: round_robin").text()
    };
    let (node, mut session) = serving(&controller, &file(0)).await;
    let drained_endpoints = vec![b.url()];
    session.say(ToNode::Directives(v1::Directives { drained_endpoints, ..v1::Directives::default() })).await;
    session.report(|_| true).await;
    let only_a = async || {
        for _ in 0..10 {
            assert_eq!(get(node.addr(), "/").await.echo().origin, "a");
        }
    };
    eventually("b is left alone", async || {
        let before = b.requests();
        for _ in 0..6 {
            get(node.addr(), "/").await;
        }
        (b.requests() == before).then_some(())
    })
    .await;
    only_a().await;
    let answer = session.offer(&file(1), 2).await;
    assert!(matches!(answer, FromNode::Ack(_)), "{answer:?}");
    only_a().await;
    session.say(ToNode::Directives(v1::Directives::default())).await;
    eventually("b is back", async || (get(node.addr(), "/").await.echo().origin == "b").then_some(())).await;
}
