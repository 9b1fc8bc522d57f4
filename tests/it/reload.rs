//! The file changes, in all the ways in which files change.

use std::time::Duration;

use harbr_tests::{
    Answer, ConfigFile, Fleet, KubernetesMount, Load, Node, Origin, Plan, Shape, Signal, eventually, get,
    never,
};

use crate::file::{File, to};

/// Waits until the first node sends `/` to this origin.
async fn until_served_by(fleet: &Fleet, name: &str) {
    eventually(&format!("{name} answers"), async || {
        (get(fleet.addr(), "/").await.echo().origin == name).then_some(())
    })
    .await;
}

over_both_shapes! {
    async fn every_way_of_saving_is_noticed(shape: Shape) {
        let (a, b) = (Origin::start("a").await, Origin::start("b").await);
        let (to_a, to_b) = (File::all_to(&a).text(), File::all_to(&b).text());
        let fleet = Fleet::start(shape, &to_a).await;
        fleet.file.write_in_place(&to_b);
        until_served_by(&fleet, "b").await;
        fleet.file.save_by_rename(&to_a);
        until_served_by(&fleet, "a").await;
        // What was put in the old file's place is watched as well.
        fleet.file.save_by_rename(&to_b);
        until_served_by(&fleet, "b").await;
        fleet.file.write_in_place(&to_a);
        until_served_by(&fleet, "a").await;
    }

    async fn every_swap_of_a_config_map_is_noticed(shape: Shape) {
        let (a, b) = (Origin::start("a").await, Origin::start("b").await);
        let mut mount = KubernetesMount::new(&File::all_to(&a).text());
        let fleet = Plan::new(shape).watching(mount.path()).start("").await;
        until_served_by(&fleet, "a").await;
        for origin in [&b, &a, &b] {
            mount.swap(&File::all_to(origin).text());
            until_served_by(&fleet, origin.name()).await;
        }
    }

    async fn a_deleted_or_empty_file_takes_nothing_away(shape: Shape) {
        let (a, b) = (Origin::start("a").await, Origin::start("b").await);
        let fleet = Fleet::start(shape, &File::all_to(&a).text()).await;
        fleet.file.delete();
        fleet.config_error().await;
        until_served_by(&fleet, "a").await;
        fleet.file.write_in_place("");
        fleet.config_error().await;
        until_served_by(&fleet, "a").await;
        fleet.file.write_in_place("routes: {}\n");
        fleet.config_error().await;
        until_served_by(&fleet, "a").await;
        fleet.file.write_in_place(File::all_to(&b).text());
        until_served_by(&fleet, "b").await;
        assert!(fleet.json(&["status"]).await["config_error"].is_null());
    }
}

#[tokio::test]
async fn a_bad_file_is_shown_with_its_place_and_the_good_one_serves_on() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    let revision = fleet.newest_served().await;
    let bad = format!(
        "{}    max_retries: 3\n",
        "listen_addr: \"127.0.0.1:0\"\nglobal_timeout_ms: 1000\n\
        max_connections: 10\nroutes:\n  /:\n    upstream: http://b\n"
    );
    fleet.file.save_by_rename(bad);
    let error = fleet.config_error().await;
    assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(7), Some(5)), "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("max_retries") && message.contains("config.yml:7:5"), "{message}");
    assert!(error["file"].as_str().unwrap().ends_with("config.yml"), "{error}");
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "a");
    assert_eq!(fleet.newest_served().await, revision);

    fleet.apply(&File::all_to(&b).text()).await;
    assert_eq!(get(fleet.addr(), "/").await.echo().origin, "b");
    assert!(fleet.json(&["status"]).await["config_error"].is_null());
}

#[tokio::test]
async fn a_bad_file_is_logged_once() {
    let a = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    fleet.file.write_in_place("routes: [\n");
    fleet.config_error().await;
    // The file is polled every 2 s, beside its events.
    let told = || {
        let lines = fleet.controller.process.stderr_lines();
        lines.iter().filter(|line| line.contains("config.yml") && !line.contains("\"INFO\"")).count()
    };
    never("it is told twice", Duration::from_millis(4_500), async || told() > 1).await;
    assert_eq!(told(), 1);
}

#[tokio::test]
async fn an_edit_without_a_meaning_makes_no_revision() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let text = File::all_to(&a).text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let before = fleet.json(&["status"]).await;
    fleet.file.save_by_rename(format!(
        "# a comment\n{}\n\n",
        text.replace("global_timeout_ms: 10000", "global_timeout_ms:   10000")
    ));
    let revision = before["revision"].as_u64().unwrap();
    never("a revision was made", Duration::from_millis(1_500), async || {
        fleet.json(&["status"]).await["revision"] != revision
    })
    .await;
    fleet.apply(&File::all_to(&b).text()).await;
    let after = fleet.json(&["status"]).await;
    assert_eq!(after["revision"].as_u64(), Some(revision + 1));
    assert_ne!(after["hash"], before["hash"]);
}

#[tokio::test]
async fn the_same_configuration_has_the_same_hash_and_a_new_number() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    let first = fleet.json(&["status"]).await;
    fleet.apply(&File::all_to(&b).text()).await;
    fleet.apply(&File::all_to(&a).text()).await;
    let again = fleet.json(&["status"]).await;
    assert_eq!(first["hash"], again["hash"]);
    assert!(again["revision"].as_u64() > first["revision"].as_u64());
}

#[tokio::test]
async fn a_burst_of_edits_ends_on_the_last_one() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    for number in 0..50 {
        let file = File::all_to(if number % 2 == 0 { &b } else { &a });
        fleet.file.save_by_rename(file.route(&format!("/{number}"), &to(&a)).text());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fleet.file.save_by_rename(File::all_to(&b).text());
    until_served_by(&fleet, "b").await;
    eventually("all is calm", async || {
        let status = fleet.json(&["status"]).await;
        (status["converged"] == true && get(fleet.addr(), "/0").await.echo().origin == "b").then_some(())
    })
    .await;
}

#[tokio::test]
async fn edits_under_load_lose_no_request() {
    const EDITS: usize = 40;
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Plan::new(Shape::Split).nodes(3).start(&File::all_to(&a).text()).await;
    let addrs: Vec<_> = fleet.nodes.iter().map(Node::addr).collect();
    let load = Load::start(&addrs, 4, 300, "/");
    load.connected().await;
    for number in 0..EDITS {
        let file = File::all_to(if number % 2 == 0 { &b } else { &a });
        fleet.apply(&file.route(&format!("/extra{number}"), &to(&a)).text()).await;
    }
    load.stop().await.assert_lossless(EDITS * 10);
    assert!(a.requests() > 0 && b.requests() > 0);
    let nodes = fleet.json(&["get", "nodes"]).await;
    let hashes: Vec<_> = nodes.as_array().unwrap().iter().map(|node| node["serving_hash"].clone()).collect();
    assert_eq!(hashes.len(), 3);
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{nodes}");
}

#[tokio::test]
async fn a_request_that_began_under_one_revision_ends_under_it() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    a.answers(Answer::EchoAfter(Duration::from_secs(2)));
    let fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    let addr = fleet.addr();
    let mut slow = tokio::task::JoinSet::new();
    slow.spawn(async move { get(addr, "/slow").await.echo().origin });
    eventually("the slow request is at its upstream", async || (a.requests() == 1).then_some(())).await;
    // The new revision knows neither the route nor the upstream of the request that runs.
    fleet.apply(&File::new().route("/new", &to(&b)).text()).await;
    assert_eq!(get(addr, "/new").await.echo().origin, "b");
    assert_eq!(get(addr, "/slow").await.status, 404);
    assert_eq!(slow.join_next().await.unwrap().unwrap(), "a");
}

#[tokio::test]
async fn a_hangup_signal_ends_nobody_and_reads_the_file() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    fleet.node().process.signal(Signal::Hangup);
    fleet.controller.process.signal(Signal::Hangup);
    fleet.file.save_by_rename(File::all_to(&b).text());
    fleet.controller.process.signal(Signal::Hangup);
    until_served_by(&fleet, "b").await;
    fleet.node().process.must_run();
    fleet.controller.process.must_run();
}

#[tokio::test]
async fn a_file_that_appears_late_is_served() {
    let a = Origin::start("a").await;
    let late = ConfigFile::new("");
    late.delete();
    let path = late.path();
    let args = [
        "-c",
        path.to_str().unwrap(),
        "--grpc-addr",
        "127.0.0.1:0",
        "--http-addr",
        "127.0.0.1:0",
        "--log-format",
        "json",
    ];
    let args = args.map(str::to_owned).to_vec();
    let controller =
        harbr_tests::Controller::start(harbr_tests::Program::Controlplane, args, Vec::new()).await;
    assert_eq!(get(controller.http(), "/readyz").await.status, 503);
    late.write_in_place(File::all_to(&a).text());
    eventually("it is ready", async || (get(controller.http(), "/readyz").await.status == 200).then_some(()))
        .await;
}
