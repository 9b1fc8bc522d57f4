//! Every command of the documentation is run as it stands there: by a shell, in a folder with the page's files. Only
//! what has to differ in a test is put in its place: ports, names, numbers, and the upstream.
//!
//! A command whose comment says `exits 1`, or another number, is held to that; all others have to end well.

mod page;
mod terminal;

use std::path::Path;

use harbr_tests::{Fleet, Origin, Plan, Shape, eventually, get};
use serde_json::Value;

use self::page::{Line, Page};
use self::terminal::{Running, Terminal, Typed};
use crate::file::{File, to};

/// The sections whose commands are run here.
const RUN: [(&str, &str); 9] = [
    ("README.md", "A first configuration"),
    ("docs/quick-start.md", "Start"),
    ("docs/quick-start.md", "A change"),
    ("docs/quick-start.md", "A mistake"),
    ("docs/operating.md", "Trust between the planes"),
    ("docs/operating.md", "Join tokens"),
    ("docs/operating.md", "Plan a change"),
    ("docs/operating.md", "Rollouts"),
    ("docs/operating.md", "Looking at traffic"),
];

const ANY_PORT: &str = "127.0.0.1:0";

#[test]
fn no_page_has_commands_that_are_not_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        pages.extend(name.ends_with(".md").then(|| format!("docs/{name}")));
    }
    let mut found = Vec::new();
    for name in &pages {
        let page = Page::read(name);
        found.extend(page.with_commands().map(|section| (name.clone(), section.to_owned())));
    }
    found.sort();
    let mut run = RUN.map(|(page, section)| (page.to_owned(), section.to_owned()));
    run.sort();
    assert_eq!(found, run);
}

/// Types a section's lines. Programs that go on are waited for: the controller until others can be told where it is,
/// proxies until they serve.
async fn type_all(terminal: &mut Terminal, page: &Page, section: &str) -> Vec<Running> {
    let mut running = Vec::new();
    for line in page.lines(section) {
        if line.text.starts_with("cargo ") {
            continue;
        }
        let Typed::GoesOn(started) = terminal.type_line(&line).await else { continue };
        if line.text.contains("harbr-dataplane") {
            let addr = started.serves().await;
            terminal.once_instead_of("127.0.0.1:8080", addr);
        } else {
            let scheme = if line.text.contains("--tls-cert") { "https" } else { "http" };
            let grpc = started.addr("grpc_addr").await;
            terminal.instead_of("127.0.0.1:7400", grpc);
            terminal.set("HARBR_CONTROLLER", format!("{scheme}://{grpc}"));
        }
        running.push(started);
    }
    running
}

/// A terminal in which no port of a page is taken as it is.
fn terminal() -> Terminal {
    let mut terminal = Terminal::new();
    for addr in ["0.0.0.0:7400", "0.0.0.0:8080", "127.0.0.1:8081", "127.0.0.1:7502"] {
        terminal.instead_of(addr, ANY_PORT);
    }
    terminal
}

#[tokio::test]
async fn the_first_configuration_of_the_readme_is_served_by_one_process_and_by_a_fleet() {
    let page = Page::read("README.md");
    let section = "A first configuration";
    let mut terminal = terminal();
    terminal.write("config.yml", page.file(section));
    let running = type_all(&mut terminal, &page, section).await;
    assert_eq!(running.len(), 4);
    for running in running {
        running.interrupt().await;
    }
}

#[tokio::test]
async fn the_quick_start_goes_as_it_says() {
    let page = Page::read("docs/quick-start.md");
    let origin = Origin::start("a").await;
    let mut terminal = terminal();
    terminal.instead_of("127.0.0.1:9000", origin.addr());
    terminal.write("config.yml", &page.file("An upstream and a file").replace("127.0.0.1:8080", ANY_PORT));
    let timeout = async |terminal: &Terminal| {
        let routes = terminal.json("harbrctl get routes -o json").await;
        routes[0]["timeout_ms"].as_u64().unwrap()
    };

    let mut running = type_all(&mut terminal, &page, "Start").await;
    assert_eq!(timeout(&terminal).await, 2_000);
    type_all(&mut terminal, &page, "A change").await;
    eventually("the change is there", async || (timeout(&terminal).await == 1_500).then_some(())).await;
    terminal.line("harbrctl rollout status --wait").await;
    type_all(&mut terminal, &page, "A mistake").await;
    eventually("it is taken back", async || (timeout(&terminal).await == 2_000).then_some(())).await;

    // Without the controller, and from what is on disk.
    running.remove(0).interrupt().await;
    running.remove(0).interrupt().await;
    let again = page.lines("Start").into_iter().find(|line| line.text.contains("proxy-1")).unwrap();
    let Typed::GoesOn(again) = terminal.type_line(&again).await else { panic!("a proxy goes on") };
    let addr = again.serves().await;
    assert_eq!(get(addr, "/").await.echo().origin, "a");
}

#[tokio::test]
async fn trust_and_tokens_come_about_as_the_operating_page_says() {
    let page = Page::read("docs/operating.md");
    let origin = Origin::start("a").await;
    let mut terminal = terminal();
    terminal.instead_of("controller.example.net", "127.0.0.1");
    for flag in ["--tls-ca ", "--tls-cert ", "--tls-key "] {
        terminal.instead_of(flag, format!("{flag}pki/"));
    }
    terminal.write("config.yml", &File::all_to(&origin).text());
    // What the section on tokens asks for.
    terminal.set("HARBR_TLS_CA_KEY", "pki/ca.key");
    terminal.set("HARBR_LISTEN", ANY_PORT);
    let _fleet = type_all(&mut terminal, &page, "Trust between the planes").await;

    terminal.instead_of("/var/lib/harbr", "state");
    let alice = ["CA", "CERT", "KEY"].into_iter().zip(["ca.crt", "alice.crt", "alice.key"]);
    let alice: Vec<_> =
        alice.map(|(what, file)| (format!("HARBR_TLS_{what}"), format!("pki/{file}"))).collect();
    for line in page.lines("Join tokens") {
        if line.text.starts_with("harbrctl") {
            alice.iter().for_each(|(variable, file)| terminal.set(variable, file));
        } else {
            alice.iter().for_each(|(variable, _)| terminal.unset(variable));
        }
        match terminal.type_line(&line).await {
            Typed::Ended(ended) if line.text.contains(" create ") => {
                terminal.instead_of("harbr-join.…", ended.stdout.trim());
                let other = terminal.json("harbrctl token create -o json").await;
                terminal.instead_of("revoke ID", format!("revoke {}", other["id"].as_str().unwrap()));
            }
            Typed::Ended(_) => {}
            Typed::GoesOn(joined) => _ = joined.serves().await,
        }
    }
}

/// Saves a file that is held at its first wave.
async fn save_and_bake(fleet: &Fleet, text: &str) {
    fleet.file.save_by_rename(text);
    eventually("the first wave bakes", async || {
        (fleet.json(&["status"]).await["rollout"]["state"] == "baking").then_some(())
    })
    .await;
}

#[tokio::test]
async fn rollouts_are_led_as_the_operating_page_says() {
    let page = Page::read("docs/operating.md");
    let origin = Origin::start("a").await;
    let file = |number: u32, bake: &str| {
        let policy = format!("rollout: {{proving_time: 500ms, waves: [{{nodes: 1, bake: {bake}}}]}}");
        File::all_to(&origin).set(&policy).global_timeout_ms(5_000 + number).text()
    };
    let fleet = Plan::new(Shape::Split).nodes(2).start(&file(1, "100ms")).await;
    let mut terminal = terminal();
    terminal.set("HARBR_CONTROLLER", fleet.controller.url());
    terminal.line("harbrctl rollout status --wait").await;
    fleet.apply(&file(2, "8s")).await;
    terminal.line("harbrctl rollout status --wait").await;
    terminal.instead_of("41", 1);
    terminal.instead_of("42", 2);
    for line in page.lines("Rollouts") {
        match line.text.as_str() {
            "harbrctl rollout pause" => save_and_bake(&fleet, &file(3, "8s")).await,
            "harbrctl rollout abort" => {
                terminal.line("harbrctl rollout status --wait").await;
                save_and_bake(&fleet, &file(4, "8s")).await;
            }
            _ => {}
        }
        assert!(matches!(terminal.type_line(&line).await, Typed::Ended(_)), "{line:?} goes on");
    }
    let history = fleet.json(&["history"]).await;
    let fate = |number: u64| {
        let records = history.as_array().unwrap();
        records.iter().find(|record| record["number"] == number).map(|record| record["fate"].clone())
    };
    assert_eq!((fate(3), fate(4)), (Some(Value::from("proven")), Some(Value::from("rolled_back"))));
}

#[tokio::test]
async fn a_change_is_planned_as_the_operating_page_says() {
    let page = Page::read("docs/operating.md");
    let origin = Origin::start("a").await;
    let new = File::new().set("traffic_sample: {one_in: 1}").route("/api", &to(&origin));
    let old = new.clone().route("/old", &to(&origin)).text();
    let fleet = Fleet::start(Shape::Split, &old).await;
    let mut terminal = terminal();
    terminal.set("HARBR_CONTROLLER", fleet.controller.url());
    terminal.write("config.yml", &old);
    terminal.write("new.yml", &new.text());
    eventually("what was asked is remembered", async || {
        get(fleet.addr(), "/old").await;
        fleet.harbrctl(&["sample"]).await.stdout.contains("/old").then_some(())
    })
    .await;
    for line in page.lines("Plan a change") {
        assert!(matches!(terminal.type_line(&line).await, Typed::Ended(_)), "{line:?} goes on");
    }
}

#[tokio::test]
async fn traffic_is_looked_at_as_the_operating_page_says() {
    let page = Page::read("docs/operating.md");
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut terminal = terminal();
    terminal.set("HARBR_CONTROLLER", fleet.controller.url());
    for line in page.lines("Looking at traffic") {
        // A shell of a test has no terminal; tests/it/top.rs has one.
        let line =
            Line { exits: i32::from(!line.text.contains(" --once") && !line.text.contains(" json")), ..line };
        assert!(matches!(terminal.type_line(&line).await, Typed::Ended(_)), "{line:?} goes on");
    }
}
