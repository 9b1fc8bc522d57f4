//! What an operator asks, and what the answer is.

use std::time::Duration;

use harbr_tests::{
    ClosedPort, ConfigFile, Fleet, Node, Origin, Plan, Process, Program, Shape, eventually, get,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::file::{File, to};

/// The names of an object's fields.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

fn assert_has(value: &Value, wanted: &[&str]) {
    for field in wanted {
        assert!(fields(value).contains(field), "no `{field}` in {value}");
    }
}

async fn until_converged(fleet: &Fleet) -> Value {
    eventually("the fleet has converged", async || {
        let status = fleet.json(&["status"]).await;
        (status["converged"] == true).then_some(status)
    })
    .await
}

over_both_shapes! {
    async fn status_and_lists_have_the_contracts_fields(shape: Shape) {
        let origin = Origin::start("a").await;
        let text = File::new().route("api.test/v1", &format!("{}, timeout_ms: 250, retry_count: 2", to(&origin))).text();
        let fleet = Plan::new(shape).arg("--label").arg("zone=a").start(&text).await;
        let status = until_converged(&fleet).await;
        assert_has(
            &status,
            &["revision", "hash", "proven_revision", "config_error", "nodes", "converged", "rollout"],
        );
        assert_eq!(status["nodes"], json!({"total": 1, "ready": 1, "converged": 1}));
        assert_eq!(status["config_error"], Value::Null);
        // It serves, and is on trial.
        assert_has(
            &status["rollout"],
            &["revision", "hash", "state", "reason", "paused", "waves", "wave", "base_revision", "evidence"],
        );
        assert_eq!(status["rollout"]["revision"], status["revision"]);

        let nodes = fleet.json(&["get", "nodes"]).await;
        let node = &nodes[0];
        assert_has(
            node,
            &["id", "labels", "state", "serving_revision", "serving_hash", "last_error", "build", "address"],
        );
        assert_eq!((&node["state"], &node["labels"]), (&json!("ready"), &json!({"zone": "a"})));
        assert_eq!((&node["serving_revision"], &node["serving_hash"]), (&status["revision"], &status["hash"]));
        assert_eq!(node["address"], fleet.node().admin().to_string());

        let routes = fleet.json(&["get", "routes"]).await;
        let route = &routes[0];
        assert_eq!((&route["route"], &route["host"]), (&json!("api.test/v1"), &json!("api.test")));
        assert_eq!((&route["path"], &route["upstream"]), (&json!("/v1"), &json!("api.test/v1")));
        assert_eq!((&route["timeout_ms"], &route["retry_count"]), (&json!(250), &json!(2)));
        let source = route["source"].as_str().unwrap();
        assert!(source.ends_with("config.yml:5"), "{source}");

        let upstreams = fleet.json(&["get", "upstreams"]).await;
        let endpoint = &upstreams[0]["endpoints"][0];
        assert_eq!(upstreams[0]["name"], "api.test/v1");
        assert_eq!((&endpoint["url"], &endpoint["weight"]), (&json!(origin.url()), &json!(1)));
        assert_eq!(endpoint["health"], "unknown");
    }
}

#[tokio::test]
async fn tables_are_for_people() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).nodes(2).start(&File::all_to(&origin).text()).await;
    until_converged(&fleet).await;
    let table = fleet.harbrctl(&["get", "nodes"]).await.stdout;
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("ID "), "{table}");
    assert!(lines.next().unwrap().starts_with("node-1 "), "{table}");
    assert!(!table.contains('\u{1b}'), "colour where there is no terminal: {table:?}");
    for args in [
        &["status"][..],
        &["get", "routes", "-o", "wide"],
        &["get", "upstreams"],
        &["get", "nodes", "-o", "wide"],
    ] {
        let ended = fleet.harbrctl(args).await;
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        assert!(!ended.stdout.is_empty(), "{args:?}");
    }
    assert!(fleet.harbrctl(&["status"]).await.stdout.contains("converged: 2 of 2"));
    for (kind, name) in [("node", "node-2"), ("route", "/"), ("upstream", "/")] {
        let ended = fleet.harbrctl(&["describe", kind, name]).await;
        assert_eq!(ended.code, Some(0), "{kind}: {}", ended.stderr);
        assert!(ended.stdout.contains(name), "{kind}: {}", ended.stdout);
    }
    let yaml = fleet.harbrctl(&["get", "nodes", "-o", "yaml"]).await.stdout;
    assert!(yaml.starts_with("- id: node-1\n"), "{yaml}");
}

#[tokio::test]
async fn a_refused_file_is_in_the_status_for_people_too() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    fleet.file.write_in_place("listen_address: x\n");
    fleet.config_error().await;
    let shown = fleet.harbrctl(&["status"]).await.stdout;
    assert!(shown.contains("refused") && shown.contains("config.yml:1:1"), "{shown}");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_an_error_with_a_hint() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for args in [["describe", "node", "node-11"], ["get", "nodes", "node-11"]] {
        let ended = fleet.harbrctl(&args).await;
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.stderr, "harbrctl: there is no node `node-11`: did you mean `node-1`?\n");
        assert_eq!(ended.stdout, "");
    }
}

#[tokio::test]
async fn without_a_controller_there_is_one_line_soon() {
    let closed = ClosedPort::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for addr in [closed.addr(), silent.local_addr().unwrap()] {
        let url = format!("http://{addr}");
        for args in [&["status"][..], &["get", "nodes"], &["describe", "route", "/"]] {
            let start = Instant::now();
            let ended = Process::run_with(Program::Harbrctl, args, &[("HARBR_CONTROLLER", &url)], "").await;
            assert!(start.elapsed() < Duration::from_secs(5), "{args:?}: {:?}", start.elapsed());
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{args:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            assert!(ended.stderr.contains(&url), "{}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn a_port_that_is_no_controllers_is_said_to_be_so() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    for addr in [fleet.node().admin(), fleet.addr(), origin.addr()] {
        let url = format!("http://{addr}");
        let ended = Process::run(Program::Harbrctl, &["--controller", &url, "status"]).await;
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&url) && ended.stderr.contains("address for gRPC?"),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("transport error"), "the inner cause is hidden: {}", ended.stderr);
    }
}

#[tokio::test]
async fn validate_needs_no_controller_and_points() {
    let good = ConfigFile::new(&File::new().route("/", "upstream: \"http://a\"").text());
    let path = good.path();
    let path = path.to_str().unwrap();
    let ended = Process::run(Program::Harbrctl, &["validate", path]).await;
    assert_eq!((ended.code, ended.stdout), (Some(0), format!("{path}: valid: 1 route, 1 upstream\n")));

    let bad = "listen_addr: \"127.0.0.1:0\"\nglobal_timeout_ms: 0\nmax_connections: 10\nroutes:\n  /:\n    upsteam: x\n";
    let ended = Process::run_with(Program::Harbrctl, &["validate", "-"], &[], bad).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    for place in ["<stdin>:2:20", "<stdin>:6:5", "did you mean `upstream`?"] {
        assert!(ended.stderr.contains(place), "no {place} in {}", ended.stderr);
    }
    let ended = Process::run_with(Program::Harbrctl, &["validate", "-", "-o", "json"], &[], bad).await;
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &answer["valid"], &answer["error"]["line"]), (Some(1), &json!(false), &json!(2)));
}

#[tokio::test]
async fn validate_says_what_the_controllers_own_check_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let no_text = file("no-text.yml", b"listen_addr: \"127.0.0.1:0\"\nroutes: \"\xf6\"\n");
    let too_large = file("too-large.yml", &vec![b' '; 16 * 1024 * 1024 + 1]);
    for (path, place) in [(no_text, (2, 10)), (too_large, (1, 1)), ("/nowhere.yml".to_owned(), (0, 0))] {
        let check = Process::run(Program::Controlplane, &["--check", "-c", &path]).await;
        let validate = Process::run(Program::Harbrctl, &["validate", &path]).await;
        assert_eq!((check.code, validate.code), (Some(1), Some(1)), "{path}");
        assert_eq!((&validate.stderr, validate.stdout.as_str()), (&check.stderr, ""));
        assert!(check.stderr.ends_with('\n'), "{}", check.stderr);

        let json = Process::run(Program::Harbrctl, &["validate", &path, "-o", "json"]).await;
        let answer: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!((json.code, &answer["valid"]), (Some(1), &json!(false)));
        assert_eq!(answer["error"], json!({"message": check.stderr, "line": place.0, "column": place.1}));
    }
}

#[tokio::test]
async fn what_is_wrong_and_what_probably_is_has_its_code_everywhere() {
    let origin = Origin::start("a").await;
    let warned = File::all_to(&origin).text() + "upstreams: {spare: {endpoints: [\"http://spare\"]}}\n";
    let fleet = Fleet::start(Shape::Split, &warned).await;
    let path = fleet.file.path();
    let path = path.to_str().unwrap();
    let warning = "warning[HR0420]: no route uses the upstream `spare`";
    let validate = fleet.harbrctl(&["validate", path]).await;
    assert_eq!(validate.code, Some(0));
    assert!(validate.stderr.starts_with(warning) && validate.stdout.contains("valid"), "{validate:?}");
    for program in [Program::Controlplane, Program::Router] {
        let check = Process::run(program, &["--check", "-c", path]).await;
        assert_eq!((check.code, &check.stderr), (Some(0), &validate.stderr));
        assert_eq!(check.stdout, format!("{path} is valid\n"));
    }
    let status = fleet.json(&["status"]).await;
    assert_eq!(status["config_warnings"][0]["code"], "HR0420");
    assert_eq!(status["config_warnings"][0]["line"], warned.lines().count());
    assert!(fleet.harbrctl(&["status"]).await.stdout.contains(warning));

    let wrong = warned.replace("max_connections", "max_conections");
    fleet.file.write_in_place(&wrong);
    let error = fleet.config_error().await;
    assert_eq!(error["diagnostics"][0]["code"], "HR0101");
    let validate = fleet.harbrctl(&["validate", path, "-o", "json"]).await;
    let validate: Value = serde_json::from_str(&validate.stdout).unwrap();
    assert_eq!(validate["diagnostics"], error["diagnostics"]);
    let github = fleet.harbrctl(&["validate", path, "-o", "github"]).await;
    assert!(github.stdout.contains(",line=3,endLine=3,col=1,endColumn=15,title=HR0101::"), "{github:?}");
    let sarif = fleet.harbrctl(&["validate", path, "-o", "sarif"]).await;
    let sarif: Value = serde_json::from_str(&sarif.stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "HR0101");
}

#[tokio::test]
async fn each_code_can_be_explained() {
    let ended = Process::run(Program::Harbrctl, &["explain-error", "HR0101"]).await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.starts_with("error[HR0101]: an unknown key\n\nThere is no such key"), "{ended:?}");
    let ended = Process::run(Program::Harbrctl, &["explain-error", "HR9999"]).await;
    assert_eq!(ended.code, Some(2));
}

#[tokio::test]
async fn validate_ends_on_a_file_without_an_end() {
    let ended = Process::run(Program::Harbrctl, &["validate", "/dev/zero"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("larger than 16 MiB"), "{}", ended.stderr);
}

#[tokio::test]
async fn every_shell_has_a_completion_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = Process::run(Program::Harbrctl, &["completion", shell]).await;
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.contains("upstreams"), "{shell}");
    }
}

#[tokio::test]
async fn two_nodes_with_one_id_are_both_served_and_both_shown() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let mut fleet = Fleet::start(Shape::Split, &File::all_to(&a).text()).await;
    let url = fleet.controller.url();
    let args = [
        "--controller",
        &url,
        "--node-id",
        "node-1",
        "--admin-addr",
        "127.0.0.1:0",
        "--listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
    ];
    let mut twin = Node::start(args.map(str::to_owned).to_vec(), Vec::new()).await;
    twin.ready().await;
    fleet.nodes.push(twin);
    fleet.apply(&File::all_to(&b).text()).await;
    for node in &fleet.nodes {
        assert_eq!(get(node.addr(), "/").await.echo().origin, "b");
    }
    let nodes = fleet.json(&["get", "nodes"]).await;
    let nodes = nodes.as_array().unwrap();
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    assert!(nodes.iter().all(|node| node["id"] == "node-1" && node["state"] == "ready"), "{nodes:?}");
    for command in ["get", "describe"] {
        let named = fleet.json(&[command, "node", "node-1"]).await;
        let instances =
            |nodes: &[Value]| nodes.iter().map(|node| node["instance_id"].clone()).collect::<Vec<_>>();
        assert_eq!(instances(named.as_array().unwrap()), instances(nodes), "{command}");
    }
    let described = fleet.harbrctl(&["describe", "node", "node-1"]).await.stdout;
    for node in nodes {
        assert!(described.contains(node["instance_id"].as_str().unwrap()), "{described}");
    }
}

#[tokio::test]
async fn a_node_reports_what_it_serves_to_whom() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = harbr_tests::Client::connect(fleet.addr()).await.unwrap();
    for _ in 0..5 {
        client.get("/").await;
    }
    eventually("the controller knows", async || {
        let nodes = fleet.json(&["get", "nodes"]).await;
        (nodes[0]["requests"] == 5 && nodes[0]["connections"] == 1 && nodes[0]["failures"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_controller_can_be_named() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let folder = tempfile::tempdir().unwrap();
    let contexts = folder.path().join("contexts.yaml");
    let url = fleet.controller.url();
    let text = format!(
        "current: gone\ncontexts:\n  lab: {{controller: \"{url}\"}}\n  gone: {{controller: \"http://127.0.0.1:1\"}}\n"
    );
    std::fs::write(&contexts, text).unwrap();
    let contexts = contexts.to_str().unwrap();
    let run = async |args: &[&str]| {
        let all = [&["--contexts", contexts], args, &["get", "nodes", "-o", "json"]].concat();
        Process::run(Program::Harbrctl, &all).await
    };
    let named = run(&["--context", "lab"]).await;
    assert!(named.code == Some(0) && named.stdout.contains("node-1"), "{named:?}");
    assert_eq!(run(&["--controller", &url]).await.code, Some(0));
    let current = run(&[]).await;
    assert!(current.code == Some(1) && current.stderr.contains("127.0.0.1:1"), "{current:?}");
    let unknown = run(&["--context", "lba"]).await;
    assert!(unknown.code == Some(2) && unknown.stderr.contains("there is gone, lab"), "{unknown:?}");
}

#[tokio::test]
async fn the_schema_and_a_manual_page_of_each_command_are_there() {
    let schema = Process::run(Program::Harbrctl, &["schema"]).await;
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.schema.json");
    assert_eq!(schema.stdout, std::fs::read_to_string(committed).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let ended = Process::run(Program::Harbrctl, &["man", folder.path().to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for page in ["harbrctl.1", "harbrctl-explain.1", "harbrctl-plan.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
}
