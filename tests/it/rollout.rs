//! How a change reaches a fleet, and how it does not.

use std::str::FromStr as _;
use std::time::{Duration, SystemTime};

use harbr_proto::v1;
use harbr_proto::v1::controller_message::Kind;
use harbr_proto::v1::node_message::Kind as Said;
use harbr_proto::v1::node_service_client::NodeServiceClient;
use harbr_tests::{ClosedPort, Fleet, Load, Node, Origin, Plan, Shape, Signal, eventually, get, never};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;

use crate::file::{File, to};

/// Where a rollout is, and how that is seen.
type Stage = (&'static str, fn(&Value) -> bool);

/// Proven soon, so that a test need not wait for long.
const QUICK: &str = "rollout: {proving_time: 500ms}";

/// Waits until the newest revision is proven.
pub(crate) async fn proven(fleet: &Fleet) -> u64 {
    let waited = fleet.harbrctl(&["rollout", "status", "--wait", "--timeout", "60s"]).await;
    assert_eq!(waited.code, Some(0), "{waited:?}");
    fleet.json(&["status"]).await["proven_revision"].as_u64().unwrap()
}

/// Waits until the rollout of a revision has ended otherwise, and says why.
pub(crate) async fn failed(fleet: &Fleet, revision: u64) -> String {
    let number = revision.to_string();
    eventually(&format!("revision {revision} exists"), async || {
        let history = fleet.json(&["history"]).await;
        history.as_array()?.iter().any(|record| record["number"] == revision).then_some(())
    })
    .await;
    let waited = fleet.harbrctl(&["rollout", "status", &number, "--wait", "--timeout", "60s"]).await;
    assert_eq!(waited.code, Some(1), "{waited:?}");
    waited.stderr
}

/// Waits for a state of the rollout that runs.
async fn rollout_is(fleet: &Fleet, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let status = fleet.json(&["status"]).await;
        Some(status["rollout"].clone()).filter(|rollout| wanted(rollout))
    })
    .await
}

async fn fates(fleet: &Fleet) -> Vec<(u64, String)> {
    let history = fleet.json(&["history"]).await;
    let fate = |record: &Value| Some((record["number"].as_u64()?, record["fate"].as_str()?.to_owned()));
    history.as_array().unwrap().iter().map(|record| fate(record).unwrap()).collect()
}

/// Whether the process has ever served this revision.
pub(crate) fn has_served(node: &Node, revision: u64) -> bool {
    let lines = node.process.stderr_lines();
    let served = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        line["message"] == "serving" && line["revision"] == revision
    };
    lines.iter().any(served)
}

/// When the process began to serve a revision, by its log.
fn served_at(node: &Node, revision: u64) -> Option<SystemTime> {
    let lines = node.process.stderr_lines();
    lines.iter().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let is_it = line["message"] == "serving" && line["revision"] == revision;
        let at = line["timestamp"].as_str().filter(|_| is_it)?;
        Some(prost_types::Timestamp::from_str(at).ok()?.try_into().unwrap())
    })
}

#[tokio::test]
async fn a_route_that_a_change_breaks_is_served_by_the_first_wave_alone_and_taken_back() {
    /// Requests for the route over the 30 s around it.
    const PER_SECOND: usize = 300;
    const AROUND: usize = 30;

    let origin = Origin::start("a").await;
    let gone = ClosedPort::new();
    let policy = "rollout: {proving_time: 500ms, waves: [{nodes: 1, bake: 5s}]}";
    let file = |upstream: &str| {
        File::new()
            .route("/good", &to(&origin))
            .route("/bad", &format!("upstream: \"{upstream}\""))
            .set(policy)
            .text()
    };
    let fleet = Plan::new(Shape::Split).nodes(10).start(&file(&origin.url())).await;
    let before = proven(&fleet).await;
    let addrs: Vec<_> = fleet.nodes.iter().map(Node::addr).collect();
    let load = Load::start(&addrs, 2, PER_SECOND, "/bad");
    load.answers(PER_SECOND * AROUND / 2).await;
    fleet.file.save_by_rename(file(&gone.url()));
    let reason = failed(&fleet, before + 1).await;
    assert!(reason.contains("route `/bad`: ") && reason.contains("requests failed"), "{reason}");
    fleet.served_after(before + 1).await;
    load.answers(PER_SECOND * AROUND / 2).await;
    let report = load.stop().await;
    let affected: Vec<&Node> = fleet.nodes.iter().filter(|node| has_served(node, before + 1)).collect();
    assert_eq!(affected.len(), 1, "{affected:?}");
    assert!(report.failed > 0 && report.failed * 50 < report.answered, "{report:?}");
    let taken_back = served_at(affected[0], before + 2).expect("it serves what it did");
    let took =
        taken_back.duration_since(report.failed_from.unwrap()).expect("it fails before it is taken back");
    assert!(took <= Duration::from_secs(2), "from the first failure to taken back: {took:?}");
    let fates = fates(&fleet).await;
    assert_eq!(fates[..2], [(before + 2, "proven".to_owned()), (before + 1, "rejected".to_owned())]);
    let record = fleet.json(&["history", "show", &(before + 1).to_string()]).await;
    let story = record["revision"]["story"].as_array().unwrap();
    assert!(story.last().unwrap().as_str().unwrap().contains("route `/bad`"), "{record}");
    // The file still says it: it is refused, by name.
    let error = fleet.json(&["status"]).await["config_error"]["message"].clone();
    assert!(error.as_str().unwrap().contains(&format!("revision {} was taken back", before + 1)), "{error}");
    for node in &fleet.nodes {
        assert_eq!(get(node.addr(), "/bad").await.status, 200);
    }
}

/// A node that says what a test wants: it takes the first snapshot, and finds all others invalid.
fn picky_node(fleet: &Fleet, id: &str, tasks: &mut JoinSet<()>) {
    let (url, node_id) = (fleet.controller.url(), id.to_owned());
    tasks.spawn(async move {
        let mut client = NodeServiceClient::connect(url).await.unwrap();
        let (tx, rx) = mpsc::channel(8);
        let say = async |kind| tx.send(v1::NodeMessage { kind: Some(kind) }).await.unwrap();
        say(Said::Hello(v1::Hello { node_id, instance_id: "i".to_owned(), ..Default::default() })).await;
        let mut inbound = client.session(ReceiverStream::new(rx)).await.unwrap().into_inner();
        let mut first: Option<Vec<u8>> = None;
        while let Ok(Some(message)) = inbound.message().await {
            let Some(Kind::SnapshotChunk(chunk)) = message.kind else { continue };
            if !chunk.last {
                continue;
            }
            let (fence, revision) = (chunk.fence, chunk.revision);
            if first.get_or_insert(chunk.hash.clone()) == &chunk.hash {
                let serving = Some(v1::Serving { fence, revision, hash: chunk.hash });
                say(Said::Ack(v1::Ack { serving })).await;
            } else {
                let (class, reasons) =
                    (v1::NackClass::Invalid.into(), vec!["it does not like it".to_owned()]);
                say(Said::Nack(v1::Nack { fence, revision, class, reasons })).await;
            }
        }
    });
}

#[tokio::test]
async fn what_one_node_finds_invalid_no_other_one_gets_and_the_next_file_converges() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let mut fleet = Plan::new(Shape::Split).start(&File::all_to(&a).set(QUICK).text()).await;
    let mut picky = JoinSet::new();
    // By its name the first of the first wave.
    picky_node(&fleet, "a-picky", &mut picky);
    eventually("both serve it", async || {
        (fleet.json(&["status"]).await["nodes"]["converged"] == 2).then_some(())
    })
    .await;
    let before = proven(&fleet).await;
    fleet.file.save_by_rename(File::all_to(&b).set(QUICK).text());
    let reason = failed(&fleet, before + 1).await;
    assert!(reason.contains("node a-picky finds it invalid: it does not like it"), "{reason}");
    for number in 0..5 {
        let id = format!("late-{number}");
        let url = fleet.controller.url();
        let args = ["--controller", &url, "--node-id", &id, "--listen", "127.0.0.1:0"].into_iter().chain([
            "--admin-addr",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ]);
        let mut node = Node::start(args.map(str::to_owned).collect(), Vec::new()).await;
        node.ready().await;
        assert_eq!(get(node.addr(), "/").await.echo().origin, "a");
        assert!(!has_served(&node, before + 1));
        fleet.nodes.push(node);
    }
    // The node with a taste has gone; the fixed file reaches all.
    picky.abort_all();
    while picky.join_next().await.is_some() {}
    fleet.file.save_by_rename(File::all_to(&b).route("/fixed", &to(&b)).set(QUICK).text());
    fleet.served_after(before + 2).await;
    for node in &fleet.nodes {
        assert_eq!(get(node.addr(), "/").await.echo().origin, "b");
    }
}

#[tokio::test]
async fn a_file_that_lost_nearly_all_of_its_routes_changes_nothing_until_it_is_let_through() {
    let origin = Origin::start("a").await;
    let file = |routes: usize| {
        (0..routes)
            .fold(File::new().set(QUICK), |file, number| file.route(&format!("/{number}"), &to(&origin)))
    };
    let fleet = Plan::new(Shape::Split).nodes(2).start(&file(50).text()).await;
    let before = proven(&fleet).await;
    let serves_all = async || {
        for node in &fleet.nodes {
            assert_eq!(get(node.addr(), "/49").await.status, 200);
            assert_eq!(node.info().await.serving_revision, before);
        }
    };
    for broken in [String::new(), file(0).text(), file(0).text().replace("routes:", "routes: {}")] {
        fleet.file.write_in_place(&broken);
        fleet.config_error().await;
        serves_all().await;
        fleet.file.write_in_place(file(50).text());
        eventually("the file is good again", async || {
            fleet.json(&["status"]).await["config_error"].is_null().then_some(())
        })
        .await;
    }
    fleet.file.write_in_place(file(5).text());
    let error = fleet.config_error().await;
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("it would remove 45 of 50 routes, 45 of 50 upstreams, 45 of 50 endpoints"),
        "{message}"
    );
    assert_eq!(fleet.json(&["status"]).await["rollout"]["state"], "pending");
    let waited = fleet.harbrctl(&["rollout", "status", "--wait"]).await;
    assert!(waited.code == Some(1) && waited.stderr.contains("45 of 50 routes"), "{waited:?}");
    never("it is served", Duration::from_secs(2), async || {
        fleet.node().info().await.serving_revision != before
    })
    .await;
    serves_all().await;
    let refused = fleet.harbrctl(&["rollout", "promote"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("--allow-shrink"), "{refused:?}");
    let done = fleet.harbrctl(&["rollout", "promote", "--allow-shrink", "--reason", "moved away"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    fleet.served_after(before).await;
    for node in &fleet.nodes {
        assert_eq!(get(node.addr(), "/49").await.status, 404);
    }
}

#[tokio::test]
async fn a_node_that_stands_still_is_named_holds_up_nobody_and_follows_by_itself() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Plan::new(Shape::Split).nodes(3).start(&File::all_to(&a).set(QUICK).text()).await;
    let before = proven(&fleet).await;
    fleet.nodes[2].process.signal(Signal::Stop);
    fleet.file.save_by_rename(File::all_to(&b).set(QUICK).text());
    for node in &fleet.nodes[..2] {
        eventually("the others serve it", async || {
            (node.info().await.serving_revision > before).then_some(())
        })
        .await;
    }
    let rollout = rollout_is(&fleet, "the node is named", |rollout| {
        let named = |list: &Value| list.as_array().is_some_and(|ids| ids.iter().any(|id| id == "node-3"));
        named(&rollout["waiting"]) || named(&rollout["unavailable"])
    })
    .await;
    assert!(!rollout.to_string().contains("node-1"), "{rollout}");
    let status = fleet.json(&["status"]).await;
    assert_eq!(status["converged"], false);
    let named: Vec<&Value> = status["concerns"].as_array().unwrap().iter().map(|it| &it["node"]).collect();
    assert_eq!(named, ["node-3"], "{status}");
    fleet.nodes[2].process.signal(Signal::Continue);
    fleet.served_after(before).await;
    assert_eq!(get(fleet.nodes[2].addr(), "/").await.echo().origin, "b");
    assert!(proven(&fleet).await > before);
}

#[tokio::test]
async fn a_controller_that_is_killed_anywhere_in_a_rollout_finishes_it() {
    let origin = Origin::start("a").await;
    let policy = "rollout: {proving_time: 1s, waves: [{nodes: 1, bake: 1s}, {nodes: 2, bake: 1s}]}";
    let file =
        |number: usize| File::all_to(&origin).route(&format!("/{number}"), &to(&origin)).set(policy).text();
    let mut fleet = Plan::new(Shape::Split).nodes(3).with_state().start(&file(0)).await;
    let mut last = proven(&fleet).await;
    let stages: [Stage; 5] = [
        ("it exists", |rollout| !rollout.is_null()),
        ("the first wave bakes", |rollout| rollout["wave"] == 0 && rollout["state"] == "baking"),
        ("the second wave bakes", |rollout| rollout["wave"] == 1 && rollout["state"] == "baking"),
        ("the whole fleet has it", |rollout| rollout["wave"] == 2),
        ("it is on trial", |rollout| rollout["state"] == "proving"),
    ];
    for (number, (stage, wanted)) in stages.into_iter().enumerate() {
        fleet.file.save_by_rename(file(number + 1));
        rollout_is(&fleet, stage, |rollout| wanted(rollout) && rollout["revision"] == last + 1).await;
        fleet.controller.kill().await;
        fleet.controller.restart().await;
        assert_eq!(proven(&fleet).await, last + 1, "killed when {stage}");
        fleet.served_after(last).await;
        last += 1;
    }
    // Nothing was forked, and nothing forgotten.
    let fates = fates(&fleet).await;
    assert!(fates.iter().all(|(_, fate)| fate == "proven"), "{fates:?}");
    assert_eq!(fates.len() as u64, last);
}

#[tokio::test]
async fn a_controller_that_is_killed_with_a_bad_revision_out_takes_it_back() {
    let origin = Origin::start("a").await;
    let policy = "rollout: {proving_time: 500ms, waves: [{nodes: 1, bake: 30s}]}";
    let file = || File::all_to(&origin).set(policy).text();
    let mut fleet = Plan::new(Shape::Split).nodes(3).with_state().start(&file()).await;
    let before = proven(&fleet).await;
    let load = Load::start(&fleet.nodes.iter().map(Node::addr).collect::<Vec<_>>(), 2, 90, "/");
    load.answers(600).await;
    let gone = ClosedPort::new();
    fleet
        .file
        .save_by_rename(File::new().route("/", &format!("upstream: \"{}\"", gone.url())).set(policy).text());
    eventually("one node has it", async || {
        fleet.nodes.iter().any(|node| has_served(node, before + 1)).then_some(())
    })
    .await;
    fleet.controller.kill().await;
    fleet.controller.restart().await;
    failed(&fleet, before + 1).await;
    fleet.served_after(before + 1).await;
    load.stop().await;
    assert_eq!(fleet.nodes.iter().filter(|node| has_served(node, before + 1)).count(), 1);
    // It is remembered over a further restart, and the file still says it.
    fleet.controller.kill().await;
    fleet.controller.restart().await;
    let error = fleet.config_error().await["message"].clone();
    assert!(error.as_str().unwrap().contains("which is rejected"), "{error}");
}

#[tokio::test]
async fn a_rollback_works_while_the_file_is_broken_and_keeps_the_file_out_until_it_changes() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Plan::new(Shape::Split).nodes(2).start(&File::all_to(&a).set(QUICK).text()).await;
    let first = proven(&fleet).await;
    fleet.apply(&File::all_to(&b).set(QUICK).text()).await;
    let second = proven(&fleet).await;
    fleet.file.write_in_place("routes: [");
    fleet.config_error().await;
    let done = fleet.harbrctl(&["rollback", "--reason", "b is slow"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    fleet.served_after(second).await;
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
    let third = proven(&fleet).await;
    let shown = fleet.json(&["history", "show", &third.to_string()]).await;
    assert_eq!(
        (&shown["revision"]["cause"], &shown["revision"]["reason"]),
        (&format!("rollback to {first}").into(), &"b is slow".into())
    );
    assert!(shown["file"].as_str().unwrap().contains(&a.url()), "{shown}");
    assert!(shown["revision"]["actor"].as_str().unwrap().contains('@'), "{shown}");
    let diff = fleet.harbrctl(&["history", "diff", &second.to_string(), &third.to_string()]).await;
    assert!(diff.code == Some(1) && diff.stdout.contains(&a.url()), "{diff:?}");
    let same = fleet.harbrctl(&["history", "diff", &first.to_string(), &third.to_string()]).await;
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""));
    assert_eq!(fleet.harbrctl(&["history", "diff", "1", "99"]).await.code, Some(2));

    // A good file that is rolled back stays out, whatever reads it again, until somebody lets it in.
    fleet.apply(&File::all_to(&b).set(QUICK).text()).await;
    proven(&fleet).await;
    assert_eq!(fleet.harbrctl(&["rollback"]).await.code, Some(0));
    eventually("it is back", async || (get(fleet.addr(), "/").await.echo().origin == "a").then_some(()))
        .await;
    fleet.controller.process.signal(Signal::Hangup);
    never("the file comes back", Duration::from_secs(3), async || {
        get(fleet.addr(), "/").await.echo().origin != "a"
    })
    .await;
    assert_eq!(fleet.harbrctl(&["rollout", "resume"]).await.code, Some(0));
    eventually("it is let in", async || (get(fleet.addr(), "/").await.echo().origin == "b").then_some(()))
        .await;
}

#[tokio::test]
async fn a_frozen_fleet_takes_a_change_when_it_is_thawed() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Plan::new(Shape::Split).start(&File::all_to(&a).set(QUICK).text()).await;
    let before = proven(&fleet).await;
    assert_eq!(fleet.harbrctl(&["freeze", "--reason", "a holiday"]).await.code, Some(0));
    fleet.file.save_by_rename(File::all_to(&b).set(QUICK).text());
    rollout_is(&fleet, "it waits", |rollout| rollout["state"] == "pending").await;
    assert_eq!(fleet.json(&["status"]).await["frozen"], true);
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
    assert_eq!(fleet.harbrctl(&["thaw"]).await.code, Some(0));
    fleet.served_after(before).await;
    let number = (before + 1).to_string();
    assert_eq!(fleet.harbrctl(&["status", "--wait", &number, "--timeout", "30s"]).await.code, Some(0));
    let late = fleet.harbrctl(&["status", "--wait", "99", "--timeout", "300ms"]).await;
    assert!(late.code == Some(1) && late.stderr.contains("not within"), "{late:?}");
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "b");
}

#[tokio::test]
async fn a_fleet_of_one_gets_a_change_at_once_and_what_breaks_it_is_taken_back() {
    let origin = Origin::start("a").await;
    let policy = "rollout: {proving_time: 15s}";
    let quick = "rollout: {proving_time: 500ms}";
    let fleet = Fleet::start(Shape::AllInOne, &File::all_to(&origin).set(quick).text()).await;
    let before = proven(&fleet).await;
    let load = Load::start(&[fleet.addr()], 4, 100, "/");
    load.answers(500).await;
    // Proven by the policy of the one before, unless it is taken back first.
    fleet.file.save_by_rename(File::all_to(&origin).route("/other", &to(&origin)).set(policy).text());
    fleet.served_after(before).await;
    let second = proven(&fleet).await;
    load.answers(300).await;
    let gone = ClosedPort::new();
    fleet
        .file
        .save_by_rename(File::new().route("/", &format!("upstream: \"{}\"", gone.url())).set(policy).text());
    let reason = failed(&fleet, second + 1).await;
    assert!(reason.contains("in the minute before it was"), "{reason}");
    fleet.served_after(second + 1).await;
    load.stop().await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
}
