//! The node's own socket: what an operator can do on the machine while no controller answers.

use std::os::unix::fs::PermissionsExt as _;

use harbr_tests::{Ended, Origin, Plan, Process, Program, Shape, eventually, get};
use serde_json::Value;

use crate::file::{File, to};

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
async fn a_node_that_was_pinned_to_what_is_older_is_brought_back_by_its_controller() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let policy = "rollout: {proving_time: 500ms}";
    let plan = Plan::new(Shape::Split).with_state();
    let socket = plan.state_folder("node-1").join("node.sock");
    let socket = socket.to_str().unwrap();
    let fleet = plan.start(&File::all_to(&a).set(policy).text()).await;
    let proven = async || {
        let waited = fleet.harbrctl(&["rollout", "status", "--wait"]).await;
        assert_eq!(waited.code, Some(0), "{waited:?}");
    };
    proven().await;
    let first = fleet.newest_served().await;
    // On trial for long, so that the older one stays on disk as what is proven.
    fleet.apply(&File::all_to(&b).set("rollout: {proving_time: 1h}").text()).await;
    proven().await;
    fleet.apply(&File::all_to(&b).route("/b", &to(&b)).set("rollout: {proving_time: 1h}").text()).await;
    let older = answer(socket, &["status"]).await["proven_revision"].as_u64().unwrap();
    assert!(older >= first);
    answer(socket, &["pin", &older.to_string(), "--reason", "as the test asks"]).await;
    assert_eq!(fleet.node().info().await.serving_revision, older);
    answer(socket, &["unpin"]).await;
    fleet.served_after(older).await;
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_not_removed_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("precious");
    std::fs::write(&file, "kept").unwrap();
    let socket = file.to_str().unwrap();
    let args = ["--admin-addr", "127.0.0.1:0", "--socket", socket];
    let ended = Process::run(Program::Dataplane, &args).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("cannot listen on"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
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
