//! Traffic never depends on the controller.

use std::path::Path;

use harbr_tests::{ClosedPort, Exposition, Fleet, Load, Node, Origin, Plan, Shape, Signal, eventually, get};

use crate::file::{File, to};

fn addrs(fleet: &Fleet) -> Vec<std::net::SocketAddr> {
    fleet.nodes.iter().map(Node::addr).collect()
}

/// Waits until the controller sees this many nodes, all ready and on its revision.
async fn until_converged(fleet: &Fleet, nodes: u64) {
    eventually(&format!("{nodes} nodes are current"), async || {
        let status = fleet.json(&["status"]).await;
        let counts = &status["nodes"];
        let current = status["converged"] == true && counts["ready"] == nodes && counts["converged"] == nodes;
        current.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_controller_killed_under_load_costs_no_request_and_comes_back_to_current_nodes() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let mut fleet = Plan::new(Shape::Split).nodes(3).with_state().start(&File::all_to(&a).text()).await;
    until_converged(&fleet, 3).await;
    let revision = fleet.newest_served().await;
    let load = Load::start(&addrs(&fleet), 4, 300, "/");
    load.answers(100).await;
    fleet.controller.kill().await;
    load.answers(300).await;
    fleet.controller.restart().await;
    until_converged(&fleet, 3).await;
    load.answers(100).await;
    load.stop().await.assert_lossless(500);

    assert_eq!(fleet.newest_served().await, revision);
    let sent =
        Exposition::scrape(fleet.controller.http()).await.count("harbr_snapshot_bytes_sent_total", &[]);
    assert_eq!(sent, 0, "all nodes had it already");

    fleet.apply(&File::all_to(&b).text()).await;
    assert!(fleet.newest_served().await > revision);
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "b");
}

#[tokio::test]
async fn every_node_restarts_from_its_disk_while_the_controller_is_dead() {
    let a = Origin::start("a").await;
    let mut fleet = Plan::new(Shape::Split).nodes(3).with_state().start(&File::all_to(&a).text()).await;
    let revision = fleet.newest_served().await;
    fleet.controller.kill().await;
    for node in &mut fleet.nodes {
        node.kill().await;
        node.restart().await;
        assert_eq!(get(node.addr(), "/").await.echo().origin, "a");
        assert_eq!(node.info().await.serving_revision, revision);
    }
    fleet.controller.restart().await;
    until_converged(&fleet, 3).await;
}

#[tokio::test]
async fn a_node_without_a_controller_and_without_a_disk_is_alive_and_not_ready() {
    let a = Origin::start("a").await;
    let mut fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    let url = fleet.controller.url();
    fleet.controller.kill().await;
    let args = [
        "--controller",
        &url,
        "--admin-addr",
        "127.0.0.1:0",
        "--listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
    ];
    let mut node = Node::start(args.map(str::to_owned).to_vec(), Vec::new()).await;
    assert_eq!(get(node.admin(), "/readyz").await.status, 503);
    assert_eq!(get(node.admin(), "/livez").await.status, 200);
    fleet.controller.restart().await;
    node.ready().await;
    assert_eq!(get(node.addr(), "/").await.echo().origin, "a");
}

#[tokio::test]
async fn an_edit_while_the_controller_was_dead_is_served_when_it_is_back() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let mut fleet = Plan::new(Shape::Split).nodes(2).with_state().start(&File::all_to(&a).text()).await;
    let before = fleet.newest_served().await;
    fleet.controller.kill().await;
    fleet.file.save_by_rename(File::all_to(&b).text());
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
    fleet.controller.restart().await;
    fleet.served_after(before).await;
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "b");
}

#[tokio::test]
async fn a_controller_that_lost_its_state_does_not_wedge_the_fleet() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    // Without a state folder nothing of the controller survives.
    let mut fleet = Plan::new(Shape::Split).nodes(2).start(&File::all_to(&a).text()).await;
    for number in 0..3 {
        fleet.apply(&File::all_to(&a).route(&format!("/{number}"), &to(&a)).text()).await;
    }
    fleet.controller.kill().await;
    fleet.controller.restart().await;
    until_converged(&fleet, 2).await;
    fleet.file.save_by_rename(File::all_to(&b).text());
    for node in &fleet.nodes {
        eventually("the node obeys the new controller", async || {
            (get(node.addr(), "/").await.echo().origin == "b").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_lost_state_folder_wedges_no_node_that_comes_back_after_further_restarts() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let plan = Plan::new(Shape::Split).with_state();
    let state = plan.state_folder("controller");
    let mut fleet = plan.start(&File::all_to(&a).text()).await;
    for number in 0..3 {
        fleet.apply(&File::all_to(&a).route(&format!("/{number}"), &to(&a)).text()).await;
    }
    fleet.nodes[0].kill().await;
    fleet.controller.kill().await;
    std::fs::remove_dir_all(&state).unwrap();
    fleet.file.save_by_rename(File::all_to(&b).text());
    // It keeps its first revision in the new folder before the node shows what the old one gave.
    for _ in 0..2 {
        fleet.controller.restart().await;
        eventually("the controller has a revision", async || {
            (get(fleet.controller.http(), "/readyz").await.status == 200).then_some(())
        })
        .await;
        fleet.controller.kill().await;
    }
    fleet.controller.restart().await;
    fleet.nodes[0].restart().await;
    until_converged(&fleet, 1).await;
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "b");
}

/// As if the store had been created long ago.
fn make_old(file: &Path) {
    use redb::ReadableTable as _;

    const STATE: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("state");
    let database = redb::Database::open(file).unwrap();
    let change = database.begin_write().unwrap();
    {
        let mut table = change.open_table(STATE).unwrap();
        let mut state: serde_json::Value =
            serde_json::from_slice(table.get("rollout").unwrap().unwrap().value()).unwrap();
        state["created"] = 0.into();
        table.insert("rollout", state.to_string().as_bytes()).unwrap();
    }
    change.commit().unwrap();
}

#[tokio::test]
async fn a_node_that_obeys_more_than_an_old_copy_of_the_state_is_shown_and_follows_once_that_has_caught_up() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let plan = Plan::new(Shape::Split).with_state();
    let kept = plan.state_folder("controller").join("revisions.redb");
    let mut fleet = plan.start(&File::all_to(&a).text()).await;
    fleet.controller.kill().await;
    let old = std::fs::read(&kept).unwrap();
    fleet.controller.restart().await;
    until_converged(&fleet, 1).await;
    let edited = |number: u32| File::all_to(&b).route(&format!("/{number}"), &to(&b)).text();
    for number in 2..=4 {
        fleet.apply(&edited(number)).await;
    }
    fleet.controller.kill().await;
    std::fs::write(&kept, old).unwrap();
    make_old(&kept);
    fleet.file.write_in_place(File::all_to(&a).text());
    fleet.controller.restart().await;
    let node = eventually("the node is shown with the reason", async || {
        let node = fleet.json(&["get", "nodes"]).await[0].clone();
        node["last_error"].as_str()?.contains("which this controller never gave").then_some(node)
    })
    .await;
    assert_eq!(node["state"], "syncing", "{node}");
    assert_eq!(fleet.json(&["status"]).await["converged"], false);
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "b");
    // Its copy was at 1, the node is at 4.
    for number in 5..=8 {
        fleet.file.save_by_rename(edited(number));
        eventually("the controller has taken the edit", async || {
            let routes = fleet.json(&["get", "routes"]).await;
            routes.as_array()?.iter().any(|route| route["path"] == format!("/{number}")).then_some(())
        })
        .await;
    }
    until_converged(&fleet, 1).await;
    assert_eq!(fleet.json(&["get", "nodes"]).await[0]["state"], "ready");
}

#[tokio::test]
async fn a_controller_that_comes_back_with_a_bad_file_leaves_the_fleet_alone() {
    let a = Origin::start("a").await;
    let mut fleet = Plan::new(Shape::Split).nodes(2).start(&File::all_to(&a).text()).await;
    fleet.controller.kill().await;
    fleet.file.write_in_place("routes: nonsense\n");
    fleet.controller.restart().await;
    fleet.config_error().await;
    eventually("both nodes are back", async || {
        let nodes = fleet.json(&["get", "nodes"]).await;
        (nodes.as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    for node in &fleet.nodes {
        assert_eq!(get(node.addr(), "/").await.echo().origin, "a");
    }
}

#[tokio::test]
async fn a_snapshot_on_disk_that_is_damaged_is_neither_served_nor_fatal() {
    let a = Origin::start("a").await;
    let plan = Plan::new(Shape::Split).with_state();
    let folder = plan.state_folder("node-1");
    let mut fleet = plan.start(&File::all_to(&a).text()).await;
    fleet.nodes[0].kill().await;
    let mut damaged = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 0xff;
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "nothing was kept in {}", folder.display());
    fleet.nodes[0].restart().await;
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
}

#[tokio::test]
async fn a_controller_that_stands_still_costs_nothing_and_is_obeyed_when_it_wakes() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Plan::new(Shape::Split).nodes(2).start(&File::all_to(&a).text()).await;
    let before = fleet.newest_served().await;
    fleet.controller.process.signal(Signal::Stop);
    fleet.file.save_by_rename(File::all_to(&b).text());
    let load = Load::start(&addrs(&fleet), 2, 100, "/");
    load.answers(200).await;
    fleet.controller.process.signal(Signal::Continue);
    fleet.served_after(before).await;
    load.answers(20).await;
    load.stop().await.assert_lossless(220);
    assert!(b.requests() > 0);
}

#[tokio::test]
async fn a_node_with_two_controllers_finds_the_one_that_lives() {
    let a = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    let closed = ClosedPort::new();
    let both = format!("{},{}", closed.url(), fleet.controller.url());
    let args = [
        "--controller",
        &both,
        "--node-id",
        "second",
        "--admin-addr",
        "127.0.0.1:0",
        "--listen",
        "127.0.0.1:0",
    ];
    let args = args.into_iter().chain(["--log-format", "json"]).map(str::to_owned).collect();
    let mut node = Node::start(args, Vec::new()).await;
    node.ready().await;
    assert_eq!(get(node.addr(), "/").await.echo().origin, "a");
}
