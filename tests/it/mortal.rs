//! A node that dies of a revision.

use std::time::Duration;

use harbr_tests::{Node, Origin, Plan, Program, Shape, eventually, get};

use crate::file::File;
use crate::rollout::{failed, has_served, proven};

#[tokio::test]
async fn a_node_that_aborts_two_seconds_after_a_revision_starts_from_the_one_before_and_it_is_taken_back() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    // The first wave outlasts the two seconds.
    let policy = "rollout: {proving_time: 500ms, waves: [{nodes: 1, bake: 5s}]}";
    let file = |origin: &Origin| File::all_to(origin).set(policy);
    let plan = Plan::new(Shape::Split).nodes(2).with_state();
    // By its name it is the first of the first wave.
    let state = plan.state_folder("a-mortal");
    let quick = file(&a).text().replace("bake: 5s", "bake: 200ms");
    let fleet = plan.start(&quick).await;
    let url = fleet.controller.url();
    let args = ["--controller", &url, "--node-id", "a-mortal", "--state-dir", state.to_str().unwrap()];
    let args = args.into_iter().chain(["--listen", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"]);
    let args = args.chain(["--log-format", "json"]).map(str::to_owned);
    let mut mortal = Node::start_program(Program::FaultyDataplane, args.collect(), Vec::new()).await;
    mortal.ready().await;
    fleet.apply(&file(&a).text()).await;
    let before = proven(&fleet).await;
    eventually("it keeps that as proven", async || {
        (mortal.info().await.serving_revision == before && state.join("proven").exists()).then_some(())
    })
    .await;

    let deadly = file(&b).route("/abort-two-seconds-after", "upstream: \"http://127.0.0.1:1\"");
    fleet.file.save_by_rename(deadly.text());
    assert_eq!(mortal.process.ended().await.code, None, "it was aborted");
    assert!(has_served(&mortal, before + 1));
    mortal.restart().await;
    assert_eq!(get(mortal.addr(), "/").await.echo().origin, "a");
    let reason = failed(&fleet, before + 1).await;
    assert!(reason.contains("node a-mortal died of it"), "{reason}");
    let concern = eventually("it is in quarantine", async || {
        let status = fleet.json(&["status"]).await;
        let concerns = status["concerns"].as_array()?;
        concerns.iter().find(|concern| concern["kind"] == "quarantined").cloned()
    })
    .await;
    assert_eq!(concern["node"], "a-mortal");
    assert!(
        concern["reason"].as_str().unwrap().starts_with(&format!("revision {}: ", before + 1)),
        "{concern}"
    );
    fleet.served_after(before + 1).await;
    for node in &fleet.nodes {
        assert!(!has_served(node, before + 1));
        assert_eq!(get(node.addr(), "/").await.echo().origin, "a");
    }
    // Whoever wants it nevertheless says so, and the node takes it out of quarantine.
    let promoted = fleet.harbrctl(&["rollout", "promote", "--reason", "to see it die"]).await;
    assert_eq!(promoted.code, Some(0), "{promoted:?}");
    let ended = tokio::time::timeout(Duration::from_secs(20), mortal.process.ended()).await;
    assert_eq!(ended.expect("it takes it again").code, None);
    let again = fleet.json(&["audit"]).await;
    assert!(again.to_string().contains("to see it die"), "{again}");
}
