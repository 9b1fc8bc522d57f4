//! Every command of the documentation is run as it stands there: by a shell, in a folder with the page's files. Only
//! what has to differ in a test is put in its place: ports, names, numbers, and the upstream.
//!
//! A command whose comment says `exits 1`, or another number, is held to that; all others have to end well.

mod page;
mod shell;

use std::path::Path;

use harbr_tests::{Fleet, Origin, Plan, Shape, eventually, get};
use serde_json::Value;

use self::page::{Line, Page};
use self::shell::{Running, Shell, Typed};
use crate::file::{File, to};

/// The sections whose commands are run here.
const RUN: [(&str, &str); 10] = [
    ("README.md", "A first configuration"),
    ("docs/quick-start.md", "Start"),
    ("docs/quick-start.md", "A change"),
    ("docs/quick-start.md", "A mistake"),
    ("docs/operating.md", "Trust between the planes"),
    ("docs/operating.md", "Join tokens"),
    ("docs/operating.md", "Plan a change"),
    ("docs/operating.md", "Rollouts"),
    ("docs/operating.md", "Looking at traffic"),
    ("docs/dashboard.md", "For programs"),
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
async fn type_all(shell: &mut Shell, page: &Page, section: &str) -> Vec<Running> {
    let mut running = Vec::new();
    for line in page.lines(section) {
        if line.text.starts_with("cargo ") {
            continue;
        }
        let Typed::GoesOn(started) = shell.type_line(&line).await else { continue };
        if line.text.contains("harbr-dataplane") {
            let addr = started.serves().await;
            shell.once_instead_of("127.0.0.1:8080", addr);
        } else {
            let scheme = if line.text.contains("--tls-cert") { "https" } else { "http" };
            let grpc = started.addr("grpc_addr").await;
            shell.instead_of("127.0.0.1:7400", grpc);
            shell.set("HARBR_CONTROLLER", format!("{scheme}://{grpc}"));
        }
        running.push(started);
    }
    running
}

/// A shell in which no port of a page is taken as it is.
fn shell() -> Shell {
    let mut shell = Shell::new();
    for addr in ["0.0.0.0:7400", "0.0.0.0:8080", "127.0.0.1:8081", "127.0.0.1:7502"] {
        shell.instead_of(addr, ANY_PORT);
    }
    shell
}

#[tokio::test]
async fn the_first_configuration_of_the_readme_is_served_by_one_process_and_by_a_fleet() {
    let page = Page::read("README.md");
    let section = "A first configuration";
    let mut shell = shell();
    shell.write("config.yml", page.file(section));
    let running = type_all(&mut shell, &page, section).await;
    assert_eq!(running.len(), 4);
    for running in running {
        running.interrupt().await;
    }
}

#[tokio::test]
async fn the_quick_start_goes_as_it_says() {
    let page = Page::read("docs/quick-start.md");
    let origin = Origin::start("a").await;
    let mut shell = shell();
    shell.instead_of("127.0.0.1:9000", origin.addr());
    shell.write("config.yml", &page.file("An upstream and a file").replace("127.0.0.1:8080", ANY_PORT));
    let timeout = async |shell: &Shell| {
        let routes = shell.json("harbrctl get routes -o json").await;
        routes[0]["timeout_ms"].as_u64().unwrap()
    };

    let mut running = type_all(&mut shell, &page, "Start").await;
    assert_eq!(timeout(&shell).await, 2_000);
    type_all(&mut shell, &page, "A change").await;
    eventually("the change is there", async || (timeout(&shell).await == 1_500).then_some(())).await;
    shell.line("harbrctl rollout status --wait").await;
    type_all(&mut shell, &page, "A mistake").await;
    eventually("it is taken back", async || (timeout(&shell).await == 2_000).then_some(())).await;

    // Without the controller, and from what is on disk.
    running.remove(0).interrupt().await;
    running.remove(0).interrupt().await;
    let again = page.lines("Start").into_iter().find(|line| line.text.contains("proxy-1")).unwrap();
    let Typed::GoesOn(again) = shell.type_line(&again).await else { panic!("a proxy goes on") };
    let addr = again.serves().await;
    assert_eq!(get(addr, "/").await.echo().origin, "a");
}

#[tokio::test]
async fn trust_and_tokens_come_about_as_the_operating_page_says() {
    let page = Page::read("docs/operating.md");
    let origin = Origin::start("a").await;
    let mut shell = shell();
    shell.instead_of("controller.example.net", "127.0.0.1");
    for flag in ["--tls-ca ", "--tls-cert ", "--tls-key "] {
        shell.instead_of(flag, format!("{flag}pki/"));
    }
    shell.write("config.yml", &File::all_to(&origin).text());
    // What the section on tokens asks for.
    shell.set("HARBR_TLS_CA_KEY", "pki/ca.key");
    shell.set("HARBR_LISTEN", ANY_PORT);
    let _fleet = type_all(&mut shell, &page, "Trust between the planes").await;

    shell.instead_of("/var/lib/harbr", "state");
    let alice = ["CA", "CERT", "KEY"].into_iter().zip(["ca.crt", "alice.crt", "alice.key"]);
    let alice: Vec<_> =
        alice.map(|(what, file)| (format!("HARBR_TLS_{what}"), format!("pki/{file}"))).collect();
    for line in page.lines("Join tokens") {
        if line.text.starts_with("harbrctl") {
            alice.iter().for_each(|(variable, file)| shell.set(variable, file));
        } else {
            alice.iter().for_each(|(variable, _)| shell.unset(variable));
        }
        match shell.type_line(&line).await {
            Typed::Ended(ended) if line.text.contains(" create ") => {
                shell.instead_of("harbr-join.…", ended.stdout.trim());
                let other = shell.json("harbrctl token create -o json").await;
                shell.instead_of("revoke ID", format!("revoke {}", other["id"].as_str().unwrap()));
            }
            Typed::Ended(_) | Typed::Skipped => {}
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
    let mut shell = shell();
    shell.set("HARBR_CONTROLLER", fleet.controller.url());
    shell.line("harbrctl rollout status --wait").await;
    fleet.apply(&file(2, "8s")).await;
    shell.line("harbrctl rollout status --wait").await;
    shell.instead_of("41", 1);
    shell.instead_of("42", 2);
    for line in page.lines("Rollouts") {
        match line.text.as_str() {
            "harbrctl rollout pause" => save_and_bake(&fleet, &file(3, "8s")).await,
            "harbrctl rollout abort" => {
                shell.line("harbrctl rollout status --wait").await;
                save_and_bake(&fleet, &file(4, "8s")).await;
            }
            _ => {}
        }
        assert!(matches!(shell.type_line(&line).await, Typed::Ended(_)), "{line:?} goes on");
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
    let mut shell = shell();
    shell.set("HARBR_CONTROLLER", fleet.controller.url());
    shell.write("config.yml", &old);
    shell.write("new.yml", &new.text());
    eventually("what was asked is remembered", async || {
        get(fleet.addr(), "/old").await;
        fleet.harbrctl(&["sample"]).await.stdout.contains("/old").then_some(())
    })
    .await;
    for line in page.lines("Plan a change") {
        assert!(matches!(shell.type_line(&line).await, Typed::Ended(_)), "{line:?} goes on");
    }
}

#[tokio::test]
async fn traffic_is_looked_at_as_the_operating_page_says() {
    let page = Page::read("docs/operating.md");
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut shell = shell();
    shell.set("HARBR_CONTROLLER", fleet.controller.url());
    for line in page.lines("Looking at traffic") {
        // A shell of a test has no terminal; tests/it/top.rs has one.
        let line =
            Line { exits: i32::from(!line.text.contains(" --once") && !line.text.contains(" json")), ..line };
        assert!(matches!(shell.type_line(&line).await, Typed::Ended(_)), "{line:?} goes on");
    }
}

#[tokio::test]
async fn programs_ask_the_dashboard_as_its_page_says() {
    let page = Page::read("docs/dashboard.md");
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut shell = shell();
    shell.instead_of("127.0.0.1:7401", fleet.controller.http());
    for line in page.lines("For programs") {
        match shell.type_line(&line).await {
            Typed::Ended(ended) => assert!(serde_json::from_str::<Value>(&ended.stdout).is_ok(), "{ended:?}"),
            Typed::Skipped => {}
            Typed::GoesOn(_) => panic!("{line:?} goes on"),
        }
    }
}
