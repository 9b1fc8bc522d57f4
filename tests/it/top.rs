//! `harbrctl top` in a terminal, as a person uses it.

use harbr_tests::{Fleet, Load, Node, Origin, Plan, Program, Shape, Signal, Terminal};

use crate::file::{File, to};

async fn fleet(nodes: usize) -> (Origin, Fleet) {
    let origin = Origin::start("a").await;
    let file = File::new().route("/busy", &to(&origin)).route("/quiet", &to(&origin));
    let fleet = Plan::new(Shape::Split).nodes(nodes).start(&file.text()).await;
    (origin, fleet)
}

fn top(fleet: &Fleet, args: &[&str], env: &[(&str, &str)]) -> Terminal {
    let url = fleet.controller.url();
    Terminal::start(Program::Harbrctl, &[&["--controller", &url, "top"], args].concat(), env)
}

/// The numbers of a row, after its name.
fn numbers(contents: &str, name: &str) -> Vec<f64> {
    let row = contents.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    row.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn comes_before(contents: &str, first: &str, second: &str) -> bool {
    let at = |name: &str| contents.lines().position(|line| line.starts_with(name));
    at(first).zip(at(second)).is_some_and(|(first, second)| first < second)
}

#[tokio::test]
async fn routes_are_watched_sorted_filtered_and_described() {
    let (_origin, fleet) = fleet(2).await;
    let addrs: Vec<_> = fleet.nodes.iter().map(Node::addr).collect();
    let (busy, quiet) = (Load::start(&addrs, 2, 60, "/busy"), Load::start(&addrs, 1, 10, "/quiet"));
    let terminal = top(&fleet, &["routes"], &[]);
    terminal
        .shows("the busy route's rate comes first", |contents| {
            let busy = numbers(contents, "/busy").first().is_some_and(|rate| *rate > 20.0);
            busy && contents.contains("REQUESTS/S▼") && comes_before(contents, "/busy", "/quiet")
        })
        .await;
    terminal.press("r");
    terminal
        .shows("the quiet route comes first", |contents| {
            contents.contains("REQUESTS/S▲") && comes_before(contents, "/quiet", "/busy")
        })
        .await;
    terminal.press("/qui\r");
    let contents = terminal.shows_text("1 of 2   filter: qui").await;
    assert!(!contents.contains("/busy"), "{contents}");
    terminal.press("\r");
    terminal.shows_text("attempt timeout:").await;
    terminal.press("\x1b");
    terminal.shows("the description is gone", |contents| !contents.contains("attempt timeout:")).await;
    terminal.press("3");
    // An upstream has the name of the route that says its URL.
    terminal
        .shows("upstreams have their health", |contents| {
            contents.contains("HEALTHY")
                && contents.lines().any(|line| line.starts_with("/quiet") && line.contains("1/1"))
        })
        .await;
    // Everything is drawn anew where there is less room.
    terminal.resize(8, 70);
    // The keys stand in the last line: until they do, the program has not heard of it.
    terminal
        .shows("a smaller screen", |contents| {
            let keys = contents.lines().last().is_some_and(|line| line.starts_with("tab view"));
            contents.contains("HEALTHY") && contents.lines().count() <= 8 && keys
        })
        .await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, Some(0));
    terminal.is_given_back().await;
    busy.stop().await.assert_lossless(1);
    quiet.stop().await.assert_lossless(1);
}

#[tokio::test]
async fn a_node_is_drained_after_a_yes_and_let_in_again() {
    let (_origin, fleet) = fleet(2).await;
    let terminal = top(&fleet, &["--sort", "name"], &[]);
    terminal.shows("all nodes are ready", |contents| contents.contains("2 of 2 nodes are ready")).await;
    terminal.press("d");
    terminal.shows_text("Drain node-1?").await;
    terminal.press("n");
    terminal.shows_text("nothing is changed").await;
    terminal.press("j");
    terminal.press("d");
    terminal.shows_text("Drain node-2?").await;
    terminal.press("y");
    terminal.shows_text("node-2 is drained").await;
    let draining =
        |contents: &str| contents.lines().any(|line| line.starts_with("node-2") && line.contains("draining"));
    terminal.shows("the node drains", draining).await;
    let drained = fleet.json(&["get", "nodes", "node-2"]).await[0]["drained"].clone();
    assert_eq!(drained["reason"], "by harbrctl top", "{drained}");
    // The last one cannot go.
    terminal.press("kd");
    terminal.shows_text("Drain node-1?").await;
    terminal.press("y");
    terminal.shows_text("0 ready nodes would remain").await;
    terminal.press("ju");
    terminal.shows_text("Let node-2 serve again?").await;
    terminal.press("y");
    terminal.shows("all nodes are ready again", |contents| contents.contains("2 of 2 nodes are ready")).await;
}

#[tokio::test]
async fn who_may_only_look_drains_nothing() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).with_tls().await.start(&File::all_to(&origin).text()).await;
    let viewer = fleet.pki().issue("viewer", "carol").await;
    let (url, flags) = (fleet.controller.url(), viewer.args());
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let terminal =
        Terminal::start(Program::Harbrctl, &[&["--controller", &url, "top"], &*flags].concat(), &[]);
    terminal.shows_text("1 of 1 nodes are ready").await;
    terminal.press("d");
    terminal.shows_text("Drain node-1?").await;
    terminal.press("y");
    terminal.shows_text("operator").await;
    assert!(fleet.json(&["get", "nodes"]).await[0]["drained"].is_null());
}

#[tokio::test]
async fn every_way_out_gives_the_terminal_back() {
    let (_origin, fleet) = fleet(1).await;
    for way in ["\x1b", "\x03", "q", "SIGTERM"] {
        let terminal = top(&fleet, &[], &[]);
        terminal.shows_text("node-1").await;
        match way {
            "SIGTERM" => terminal.signal(Signal::Terminate),
            keys => terminal.press(keys),
        }
        assert_eq!(terminal.ended().await, Some(0), "{way:?}");
        terminal.is_given_back().await;
    }
}

#[tokio::test]
async fn a_controller_that_goes_is_said_and_what_was_seen_stays() {
    let (_origin, mut fleet) = fleet(1).await;
    let terminal = top(&fleet, &[], &[]);
    terminal.shows_text("node-1").await;
    fleet.controller.kill().await;
    let contents = terminal.shows_text("no controller at").await;
    assert!(contents.contains("node-1"), "{contents}");
    fleet.controller.restart().await;
    terminal.shows("it is found again", |contents| !contents.contains("no controller at")).await;
}

#[tokio::test]
async fn colour_is_left_out_where_it_is_not_wanted() {
    let (_origin, fleet) = fleet(1).await;
    let (coloured, plain) = (top(&fleet, &[], &[]), top(&fleet, &[], &[("NO_COLOR", "1")]));
    for terminal in [&coloured, &plain] {
        terminal.shows_text("1 of 1 nodes are ready").await;
    }
    assert_eq!((coloured.coloured_cells() > 0, plain.coloured_cells()), (true, 0));
}

#[tokio::test]
async fn without_a_terminal_it_prints_a_frame_or_says_what_to_do() {
    let (_origin, fleet) = fleet(1).await;
    let ended = fleet.harbrctl(&["top"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("is no terminal; --once"), "{}", ended.stderr);

    let load = Load::start(&[fleet.addr()], 1, 20, "/busy");
    harbr_tests::eventually("a frame has the route", async || {
        let frame = fleet.harbrctl(&["top", "routes", "--once"]).await.stdout;
        numbers(&frame, "/busy").first().is_some_and(|rate| *rate > 1.0).then_some(())
    })
    .await;
    let traffic = fleet.json(&["top"]).await;
    assert_eq!(traffic["routes"][0]["name"], "/busy", "{traffic}");
    load.stop().await.assert_lossless(1);
}
