//! Nodes and endpoints that operators want left alone.

use harbr_tests::{Fleet, Load, Origin, Plan, Shape, eventually};
use serde_json::Value;

use crate::file::{File, to};

async fn node(fleet: &Fleet, id: &str) -> Value {
    let nodes = fleet.json(&["get", "nodes", id]).await;
    nodes[0].clone()
}

async fn until_all_are_ready(fleet: &Fleet) {
    eventually("all nodes are ready", async || {
        let status = fleet.json(&["status"]).await;
        (status["nodes"]["ready"] == fleet.nodes.len()).then_some(())
    })
    .await;
}

async fn done(fleet: &Fleet, args: &[&str]) -> String {
    let ended = fleet.harbrctl(args).await;
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    ended.stdout
}

async fn refused(fleet: &Fleet, args: &[&str], why: &str) {
    let ended = fleet.harbrctl(args).await;
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{args:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(why), "no `{why}`: {}", ended.stderr);
}

#[tokio::test]
async fn two_of_three_may_be_drained_under_load_and_the_third_is_refused() {
    let origin = Origin::start("a").await;
    let plan = Plan::new(Shape::Split).nodes(3).with_state();
    let mut fleet = plan.start(&File::all_to(&origin).text()).await;
    until_all_are_ready(&fleet).await;
    let addrs: Vec<_> = fleet.nodes.iter().map(harbr_tests::Node::addr).collect();
    let load = Load::start(&addrs, 4, 150, "/");
    load.connected().await;

    let said = done(&fleet, &["drain", "node-1", "--grace", "2s", "--reason", "new disk"]).await;
    assert!(said.starts_with("node-1 is drained: ") && said.contains("connection"), "{said}");
    done(&fleet, &["drain", "node-2", "--grace", "2s"]).await;
    let why = "0 ready nodes would remain without node-3, fewer than --keep 1; node-1, node-2 are drained";
    refused(&fleet, &["drain", "node-3"], why).await;
    refused(&fleet, &["drain", "node-9"], "there is no node `node-9`").await;
    for id in ["node-1", "node-2"] {
        eventually(&format!("{id} drains"), async || {
            (node(&fleet, id).await["state"] == "draining").then_some(())
        })
        .await;
    }
    load.answers(300).await;

    // The order outlives the controller, and says by whom and why.
    fleet.controller.kill().await;
    fleet.controller.restart().await;
    eventually("the node is back", async || {
        let nodes = fleet.json(&["get", "nodes"]).await;
        (nodes.as_array().unwrap().len() == 3).then_some(())
    })
    .await;
    let drained = node(&fleet, "node-1").await["drained"].clone();
    assert_eq!((&drained["reason"], &drained["grace_ms"]), (&"new disk".into(), &2_000.into()), "{drained}");
    assert!(drained["actor"].as_str().unwrap().ends_with(" (unproven)"), "{drained}");
    assert_eq!(node(&fleet, "node-3").await["drained"], Value::Null);

    assert_eq!(done(&fleet, &["undrain", "node-1"]).await, "node-1 may serve again\n");
    refused(&fleet, &["undrain", "node-1"], "node-1 is not drained").await;
    until_ready(&fleet, "node-1").await;
    done(&fleet, &["drain", "node-3", "--grace", "2s"]).await;
    load.stop().await.assert_lossless(300);
}

async fn until_ready(fleet: &Fleet, id: &str) {
    eventually(&format!("{id} is ready"), async || (node(fleet, id).await["state"] == "ready").then_some(()))
        .await;
}

#[tokio::test]
async fn nodes_are_drained_by_their_labels() {
    let origin = Origin::start("a").await;
    let plan = Plan::new(Shape::Split).nodes(2).arg("--label").arg("zone=a");
    let fleet = plan.start(&File::all_to(&origin).text()).await;
    until_all_are_ready(&fleet).await;
    refused(&fleet, &["drain", "zone=a"], "0 ready nodes would remain without node-1, node-2").await;
    refused(&fleet, &["drain", "zone=b"], "no node has the labels zone=b").await;
    done(&fleet, &["drain", "zone=a", "--keep", "0"]).await;
    assert_eq!(done(&fleet, &["undrain", "zone=a"]).await, "node-1, node-2 may serve again\n");
}

#[tokio::test]
async fn an_endpoint_is_drained_unless_it_is_the_last_of_its_upstream() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let file = File::new().upstream("pair", &[a.url(), b.url()], "").route("/", "upstream: pair");
    let fleet = Fleet::start(Shape::Split, &file.route("/alone", &to(&a)).text()).await;
    let urls = [a.url(), b.url()];
    let said = done(&fleet, &["drain", "endpoint", &urls[1], "--reason", "upgrade"]).await;
    assert_eq!(said, format!("{} gets no new request\n", urls[1]));
    let why = "would have 0 endpoints that are not drained, fewer than --keep 1";
    refused(&fleet, &["drain", "endpoint", &urls[0]], why).await;
    refused(&fleet, &["drain", "endpoint", "http://nowhere"], "no upstream has the endpoint http://nowhere")
        .await;
    let upstreams = fleet.json(&["get", "upstreams", "pair"]).await;
    let endpoint = upstreams[0]["endpoints"].as_array().unwrap().iter().find(|found| found["url"] == urls[1]);
    assert_eq!(endpoint.unwrap()["drained"]["reason"], "upgrade", "{upstreams}");
    assert!(done(&fleet, &["get", "upstreams"]).await.contains(", drained"));
    done(&fleet, &["undrain", "endpoint", &urls[1]]).await;
}

#[tokio::test]
async fn a_viewer_drains_nothing() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).nodes(2).with_tls().await.start(&File::all_to(&origin).text()).await;
    until_all_are_ready(&fleet).await;
    let bob = fleet.pki().issue("viewer", "bob").await;
    let ended = fleet.harbrctl_as(&bob, &["drain", "node-1"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("Drain takes an operator, and this is viewer bob"), "{}", ended.stderr);
    assert_eq!(node(&fleet, "node-1").await["drained"], Value::Null);
    done(&fleet, &["drain", "node-1"]).await;
    assert_eq!(node(&fleet, "node-1").await["drained"]["actor"], "operator operator");
}
