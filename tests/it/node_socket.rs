//! The node's own socket: what an operator can do on the machine while no controller answers.

use std::os::unix::fs::PermissionsExt as _;

use harbr_tests::{Ended, Origin, Plan, Process, Program, Shape, eventually, get};
use serde_json::Value;

use crate::file::File;

async fn ask(socket: &str, args: &[&str]) -> Ended {
    let mut all = vec!["--node-socket", socket, "-o", "json"];
    all.extend(args);
    Process::run(Program::Harbrctl, &all).await
}

async fn answer(socket: &str, args: &[&str]) -> Value {
    let ended = ask(socket, args).await;
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[tokio::test]
async fn a_revision_is_pinned_with_the_controller_dead_over_a_restart_and_against_its_word() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let plan = Plan::new(Shape::Split).with_state();
    let socket = plan.state_folder("node-1").join("node.sock");
    let socket = socket.to_str().unwrap();
    let mut fleet = plan.start(&File::all_to(&a).text()).await;
    let mode = std::fs::metadata(socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Two revisions on disk: what is proven, or was before, and the newest.
    let first = fleet.newest_served().await;
    eventually("the first is proven, or kept as a candidate", async || {
        let status = answer(socket, &["status"]).await;
        (status["proven_revision"] == first || status["candidate_revision"] == first).then_some(())
    })
    .await;
    fleet.controller.kill().await;
    let status = answer(socket, &["pin", &first.to_string(), "--reason", "as the test asks"]).await;
    assert_eq!(status["pinned"]["revision"], first);
    assert_eq!(status["connected"], false);
    let refused = ask(socket, &["pin", "4711"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("does not have revision 4711"), "{}", refused.stderr);

    fleet.nodes[0].kill().await;
    fleet.nodes[0].restart().await;
    assert_eq!(answer(socket, &["status"]).await["pinned"]["reason"], "as the test asks");

    // The controller wants something else: it is told, and not obeyed.
    fleet.file.save_by_rename(File::all_to(&b).text());
    fleet.controller.restart().await;
    let pinned = format!("revision {first} is pinned on the node: as the test asks");
    eventually("the controller is told", async || {
        (fleet.json(&["get", "nodes"]).await[0]["override"] == pinned.as_str()).then_some(())
    })
    .await;
    let rollout = eventually("the newer revision waits for the node", async || {
        let status = fleet.json(&["status"]).await;
        let is_newer = status["rollout"]["revision"].as_u64()? > first;
        is_newer.then_some(status)
    })
    .await;
    let concern = serde_json::json!([{ "node": "node-1", "kind": "pinned", "reason": pinned }]);
    assert_eq!(rollout["concerns"], concern);
    let audit = fleet.json(&["audit"]).await;
    let noted = audit.as_array().unwrap().iter().find(|entry| entry["actor"] == "node node-1").unwrap();
    assert_eq!(noted["what"], format!("revision {first} is pinned on it"));
    assert_eq!(noted["reason"], "as the test asks");
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");

    assert_eq!(answer(socket, &["unpin"]).await["pinned"], Value::Null);
    eventually("the controller is obeyed again", async || {
        (get(fleet.addr(), "/").await.echo().origin == "b").then_some(())
    })
    .await;
}
