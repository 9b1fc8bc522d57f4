//! Join tokens: a node gets a certificate of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use harbr_tests::{
    ConfigFile, Controller, Ended, Exposition, Node, Origin, Paths, Pki, Plan, Process, Program, Shape,
    eventually, get,
};
use serde_json::Value;

use crate::file::File;
use crate::trust::{ANY, assert_fails};

/// A controller that can sign, and its authority.
async fn signing_controller(origin: &Origin) -> (Controller, Pki, ConfigFile) {
    let pki = Pki::new().await;
    let file = ConfigFile::new(&File::all_to(origin).text());
    let path = file.path().to_str().unwrap().to_owned();
    let key = pki.folder().join("ca.key").to_str().unwrap().to_owned();
    let args =
        ["-c", &path, "--grpc-addr", ANY, "--http-addr", ANY, "--log-format", "json", "--tls-ca-key", &key];
    let args = args.into_iter().map(str::to_owned).chain(pki.issue("controller", "c").await.args());
    let controller = Controller::start(Program::Controlplane, args.collect(), Vec::new()).await;
    (controller, pki, file)
}

async fn harbrctl(controller: &Controller, who: &Paths, args: &[&str]) -> Ended {
    let (url, flags) = (controller.url(), who.args());
    let mut all = vec!["--controller", &url];
    all.extend(flags.iter().map(String::as_str));
    all.extend(args);
    Process::run(Program::Harbrctl, &all).await
}

fn joining(controller: &Controller, id: &str, state: &Path) -> Vec<String> {
    let (url, state) = (controller.url(), state.to_str().unwrap().to_owned());
    let args = ["--controller", &url, "--node-id", id, "--admin-addr", ANY, "--listen", ANY];
    let more = ["--log-format", "json", "--state-dir", &state];
    args.into_iter().chain(more).map(str::to_owned).collect()
}

fn with_token(token: &str) -> Vec<(String, String)> {
    vec![("HARBR_JOIN_TOKEN".to_owned(), token.to_owned())]
}

#[tokio::test]
async fn a_token_lets_one_node_in_which_then_has_a_certificate_of_its_own() {
    let origin = Origin::start("a").await;
    let (controller, pki, _file) = signing_controller(&origin).await;
    let alice = pki.issue("operator", "alice").await;
    let created = harbrctl(&controller, &alice, &["token", "create", "--ttl", "10m"]).await;
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    let token = created.stdout.trim().to_owned();
    let listed = harbrctl(&controller, &alice, &["token", "list", "-o", "json"]).await.stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["actor"], &listed[0]["uses_left"]), (&"operator alice".into(), &1.into()));
    let secret = token.split('.').nth(2).unwrap();
    assert!(!listed.to_string().contains(secret), "{listed}");

    let state = tempfile::tempdir().unwrap();
    let args = joining(&controller, "node-1", state.path());
    let mut node = Node::start(args.clone(), with_token(&token)).await;
    node.ready().await;
    assert_eq!(get(node.addr(), "/").await.status, 200);
    let key = std::fs::metadata(state.path().join("tls/node.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);

    // It is used up: for another node, and for the same name.
    let other = tempfile::tempdir().unwrap();
    let args_of_other = joining(&controller, "node-2", other.path());
    let process = Process::start(Program::Dataplane, &args_of_other, &with_token(&token));
    let ended = process.ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("has expired or was used up"), "{}", ended.stderr);
    let metrics = Exposition::scrape(controller.http()).await;
    assert_eq!(metrics.count("harbr_grpc_refused_total", &[("reason", "bad_token")]), 1);

    // Without the token it is back with what it has.
    node.kill().await;
    let mut node = Node::start(args, Vec::new()).await;
    node.ready().await;
    eventually("it is in session again", async || {
        let nodes = harbrctl(&controller, &alice, &["get", "nodes", "-o", "json"]).await.stdout;
        let nodes: Value = serde_json::from_str(&nodes).unwrap();
        (nodes[0]["id"] == "node-1" && nodes[0]["state"] == "ready").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_token_is_an_operators_to_make_and_revoke_and_may_be_for_one_name_only() {
    let origin = Origin::start("a").await;
    let (controller, pki, _file) = signing_controller(&origin).await;
    let (alice, bob) = (pki.issue("operator", "alice").await, pki.issue("viewer", "bob").await);
    let refused = harbrctl(&controller, &bob, &["token", "create"]).await;
    assert_fails(&refused, "CreateToken takes an operator, and this is viewer bob");
    assert_fails(
        &harbrctl(&controller, &alice, &["token", "create", "--ttl", "31d"]).await,
        "at most 30 days",
    );
    assert_fails(&harbrctl(&controller, &alice, &["token", "revoke", "x"]).await, "there is no such token");

    let create = ["token", "create", "--node", "node-1", "-o", "json"];
    let created: Value = serde_json::from_str(&harbrctl(&controller, &alice, &create).await.stdout).unwrap();
    let (token, id) = (created["token"].as_str().unwrap(), created["id"].as_str().unwrap());
    let state = tempfile::tempdir().unwrap();
    let try_as = async |name: &str, token: &str| {
        let args = joining(&controller, name, state.path());
        Process::start(Program::Dataplane, &args, &with_token(token)).ended().await
    };
    let other = try_as("node-2", token).await;
    assert!(other.code == Some(1) && other.stderr.contains("a node of another name"), "{}", other.stderr);
    assert_eq!(harbrctl(&controller, &alice, &["token", "revoke", id]).await.code, Some(0));
    let revoked = try_as("node-1", token).await;
    assert!(revoked.code == Some(1) && revoked.stderr.contains("is not known"), "{}", revoked.stderr);
    let nonsense = try_as("node-1", "harbr-join.x").await;
    assert!(nonsense.code == Some(2) && nonsense.stderr.contains("not a join token"), "{}", nonsense.stderr);

    // The pin is of another authority: the secret is never said.
    let (theirs, stranger, _file) = signing_controller(&origin).await;
    let mallory = stranger.issue("operator", "mallory").await;
    let foreign = harbrctl(&theirs, &mallory, &["token", "create"]).await.stdout;
    let args = joining(&controller, "node-1", state.path());
    let node = Process::start(Program::Dataplane, &args, &with_token(foreign.trim()));
    eventually("the node does not believe the controller", async || {
        let told = |line: &String| line.contains("cannot ask") && line.contains("not from the authority");
        node.stderr_lines().iter().any(told).then_some(())
    })
    .await;
    let metrics = Exposition::scrape(controller.http()).await;
    assert_eq!(metrics.count("harbr_grpc_refused_total", &[("reason", "bad_token")]), 2);
}

#[tokio::test]
async fn a_node_renews_the_certificate_that_it_got_by_itself() {
    let origin = Origin::start("a").await;
    let (controller, pki, _file) = signing_controller(&origin).await;
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("tls");
    std::fs::create_dir(&folder).unwrap();
    // As if by a token, and nearly over.
    pki.harbrctl(&["issue", "node", "node", "--valid", "10s", "--out", folder.to_str().unwrap()]).await;
    std::fs::copy(pki.folder().join("ca.crt"), folder.join("ca.crt")).unwrap();
    let before = std::fs::read(folder.join("node.crt")).unwrap();
    let mut node = Node::start(joining(&controller, "node", state.path()), Vec::new()).await;
    node.ready().await;
    eventually("it has another certificate", async || {
        (std::fs::read(folder.join("node.crt")).unwrap() != before).then_some(())
    })
    .await;
    assert!(
        node.process.stderr_lines().iter().any(|line| line.contains("certificate of this node is renewed"))
    );
}

#[tokio::test]
async fn without_the_authoritys_key_a_controller_signs_nothing() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).with_tls().await.start(&File::all_to(&origin).text()).await;
    assert_fails(&fleet.harbrctl(&["token", "create"]).await, "it has no --tls-ca-key");
}
