//! Between the planes everybody proves who they are, and may only what their role is for.

use std::os::unix::fs::PermissionsExt as _;

use futures_util::StreamExt as _;
use harbr_tests::{
    Ended, Exposition, Fleet, Load, Node, Origin, Paths, Pki, Plan, Process, Program, Shape, eventually, get,
};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::file::{File, to};

pub(crate) const ANY: &str = "127.0.0.1:0";

async fn refused(fleet: &Fleet, reason: &str) -> u64 {
    let metrics = Exposition::scrape(fleet.controller.http()).await;
    metrics.count("harbr_grpc_refused_total", &[("reason", reason)])
}

/// How many lines the controller has logged of this kind of refusal.
fn logged(fleet: &Fleet, kind: &str) -> usize {
    let is_meant = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        line["kind"] == kind
    };
    fleet.controller.process.stderr_lines().iter().filter(|line| is_meant(line)).count()
}

/// A node of this fleet that shows this, and calls itself so.
async fn start_node(fleet: &Fleet, who: &Paths, id: &str) -> Node {
    let url = fleet.controller.url();
    let args =
        ["--controller", &url, "--node-id", id, "--admin-addr", ANY, "--listen", ANY, "--log-format", "json"];
    Node::start(args.into_iter().map(str::to_owned).chain(who.args()).collect(), Vec::new()).await
}

/// That a node's session does not come about, and its log says why.
async fn is_kept_out(node: &Node, why: &str) {
    eventually(&format!("the node is kept out: {why}"), async || {
        let told = |line: &String| line.contains("no session with the controller") && line.contains(why);
        node.process.stderr_lines().iter().any(told).then_some(())
    })
    .await;
    assert_eq!(get(node.admin(), "/readyz").await.status, 503);
}

pub(crate) fn assert_fails(ended: &Ended, why: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains(why) && ended.stderr.lines().count() == 1, "no `{why}`: {}", ended.stderr);
}

over_both_shapes! {
    async fn with_certificates_all_works_as_without(shape: Shape) {
        let (a, b) = (Origin::start("a").await, Origin::start("b").await);
        let fleet = Plan::new(shape).with_tls().await.start(&File::all_to(&a).text()).await;
        assert!(fleet.controller.url().starts_with("https://"));
        fleet.apply(&File::all_to(&b).text()).await;
        assert_eq!(get(fleet.addr(), "/").await.echo().origin, "b");
        let viewer = fleet.pki().issue("viewer", "bob").await;
        let ended = fleet.harbrctl_as(&viewer, &["status", "-o", "json"]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn who_cannot_prove_who_it_is_gets_nothing_and_everybody_else_is_served() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).nodes(2).with_tls().await.start(&File::all_to(&origin).text()).await;
    let load = Load::start(&[fleet.addr()], 4, 100, "/");
    let (ours, theirs) = (fleet.pki(), Pki::new().await);

    // A certificate of another authority, from somebody who believes ours.
    let stranger = Paths { ca: ours.issue("node", "x").await.ca, ..theirs.issue("node", "node-9").await };
    is_kept_out(&start_node(&fleet, &stranger, "node-9").await, "does not know the authority").await;
    assert!(refused(&fleet, "unknown_authority").await > 0);

    let expired = ours.expired("node", "node-8");
    is_kept_out(&start_node(&fleet, &expired, "node-8").await, "in --tls-cert has expired").await;
    assert!(refused(&fleet, "expired").await > 0);

    let other = ours.issue("node", "node-7").await;
    is_kept_out(&start_node(&fleet, &other, "node-1").await, "not for a node called node-1").await;
    assert!(refused(&fleet, "other_name").await > 0);

    let operator = ours.issue("operator", "alice").await;
    is_kept_out(&start_node(&fleet, &operator, "alice").await, "Session takes a node").await;
    assert!(refused(&fleet, "forbidden").await > 0);

    // We do not believe the controller.
    let doubting = Paths { ca: theirs.issue("node", "y").await.ca, ..ours.issue("node", "node-6").await };
    is_kept_out(&start_node(&fleet, &doubting, "node-6").await, "not from the authority that --tls-ca names")
        .await;
    assert!(refused(&fleet, "distrusted").await > 0);

    let node = ours.issue("node", "node-1").await;
    assert_fails(
        &fleet.harbrctl_as(&node, &["status"]).await,
        "GetStatus takes a viewer, and this is node node-1",
    );
    assert_fails(&fleet.harbrctl_as(&expired, &["status"]).await, "has expired");
    let plain = format!("http://{}", fleet.controller.grpc());
    let ended = Process::run(Program::Harbrctl, &["--controller", &plain, "status"]).await;
    assert_fails(&ended, "address for gRPC?");
    assert!(refused(&fleet, "garbage").await > 0);

    load.answers(20).await;
    load.stop().await.assert_lossless(20);
    let nodes = fleet.json(&["get", "nodes"]).await;
    let ids: Vec<&str> = nodes.as_array().unwrap().iter().filter_map(|node| node["id"].as_str()).collect();
    assert_eq!(ids, ["node-1", "node-2"]);
    for kind in ["unknown_authority", "expired", "other_name", "forbidden", "distrusted"] {
        let lines = logged(&fleet, kind);
        assert!(
            (1..=2).contains(&lines),
            "{kind}: {lines} lines for {} refusals",
            refused(&fleet, kind).await
        );
    }
}

#[tokio::test]
async fn without_a_certificate_nobody_is_let_in() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).with_tls().await.start(&File::all_to(&origin).text()).await;
    let roots = {
        use rustls::pki_types::{CertificateDer, pem::PemObject as _};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(fleet.pki().folder().join("ca.crt")).unwrap()).unwrap();
        roots
    };
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = TcpStream::connect(fleet.controller.grpc()).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    let read = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1]).await;
    assert!(read.unwrap_err().to_string().contains("CertificateRequired"));
    assert_eq!(refused(&fleet, "no_certificate").await, 1);
    assert_eq!(logged(&fleet, "no_certificate"), 1);
}

/// 5,000 that never become a session. In parts, each accepted before the next: what a full queue of the kernel drops is
/// never known to the controller.
async fn flood(fleet: &Fleet) -> Vec<TcpStream> {
    let addr = fleet.controller.grpc();
    let connect = |number: usize| async move {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let said: &[u8] = match number % 4 {
            0 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            // The beginning of TLS, and of HTTP/2.
            1 => &[0x16, 0x03, 0x01, 0x02, 0x00],
            2 => b"PRI * HT",
            _ => b"",
        };
        stream.write_all(said).await.unwrap();
        stream
    };
    let mut streams = Vec::new();
    for part in 1..=10 {
        let some = futures_util::stream::iter(0..500).map(connect).buffer_unordered(100);
        streams.extend(some.collect::<Vec<_>>().await);
        eventually("garbage is refused at once", async || {
            (refused(fleet, "garbage").await >= part * 125).then_some(())
        })
        .await;
    }
    streams
}

/// That others are served as if nothing were, while those wait.
async fn served_through_a_flood(fleet: &Fleet, who: &[&str]) {
    let load = Load::start(&[fleet.addr()], 4, 100, "/");
    let connections = flood(fleet).await;
    let ended = fleet.harbrctl(&["status"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let url = fleet.controller.url();
    let args = [
        "--controller",
        &url,
        "--node-id",
        "late",
        "--admin-addr",
        ANY,
        "--listen",
        ANY,
        "--log-format",
        "json",
    ];
    let mut node =
        Node::start(args.iter().chain(who).map(|arg| (*arg).to_owned()).collect(), Vec::new()).await;
    node.ready().await;
    eventually("all that never began are refused", async || {
        let ended = refused(fleet, "garbage").await + refused(fleet, "silent").await;
        (ended >= 5_000).then_some(())
    })
    .await;
    load.stop().await.assert_lossless(100);
    for kind in ["garbage", "silent"] {
        let lines = logged(fleet, kind);
        assert!((1..=2).contains(&lines), "{lines} lines for {} refusals", refused(fleet, kind).await);
    }
    drop(connections);
}

#[tokio::test]
async fn thousands_that_never_begin_hold_up_nobody_with_tls() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).with_tls().await.start(&File::all_to(&origin).text()).await;
    let late = fleet.pki().issue("node", "late").await.args();
    served_through_a_flood(&fleet, &late.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn thousands_that_never_begin_hold_up_nobody_without_tls() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    served_through_a_flood(&fleet, &[]).await;
}

#[tokio::test]
async fn renewed_certificates_are_taken_up_and_a_half_of_a_pair_is_not() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let mut fleet = Plan::new(Shape::Split).with_tls().await.start(&File::all_to(&a).text()).await;
    let before = Exposition::scrape(fleet.controller.http()).await.text().to_owned();
    let not_after = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("harbr_tls_not_after_seconds "));
        line.unwrap().to_owned()
    };

    // Half of it: the key of another.
    let paths = fleet.pki().issue("controller", "other").await;
    let key = fleet.pki().folder().join("controller.key");
    let good = std::fs::read(&key).unwrap();
    std::fs::copy(&paths.key, &key).unwrap();
    eventually("the half pair is noticed", async || {
        let said = fleet.controller.process.stderr_lines();
        said.iter().any(|line| line.contains("the key is not that of the certificate")).then_some(())
    })
    .await;
    let metrics = Exposition::scrape(fleet.controller.http()).await;
    assert_eq!(metrics.value("harbr_tls_last_reload_successful", &[]), Some(0.0));
    assert_eq!(fleet.harbrctl(&["status"]).await.code, Some(0), "the old pair is not used any more");
    std::fs::write(&key, good).unwrap();

    // All of it, with a longer life.
    fleet.pki().harbrctl(&["renew", "--within", "2y", "--valid", "2y"]).await;
    for process in [&fleet.controller.process, &fleet.node().process] {
        eventually("the renewed pair is used", async || {
            let said = process.stderr_lines();
            said.iter().any(|line| line.contains("are used for new connections")).then_some(())
        })
        .await;
    }
    eventually("the new end is shown", async || {
        let now = Exposition::scrape(fleet.controller.http()).await;
        (not_after(now.text()) != not_after(&before)).then_some(())
    })
    .await;
    // New connections are made with it.
    fleet.controller.kill().await;
    fleet.controller.restart().await;
    fleet.file.save_by_rename(File::all_to(&b).text());
    eventually("the node follows", async || {
        (get(fleet.addr(), "/").await.echo().origin == "b").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_with_the_certificate_that_it_began_with() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).with_tls().await.start(&File::all_to(&origin).text()).await;
    fleet.pki().harbrctl(&["issue", "node", "brief", "--valid", "4s"]).await;
    let cert = fleet.pki().folder().join("brief.crt").to_str().unwrap().to_owned();
    let brief =
        Paths { ca: fleet.pki().issue("node", "x").await.ca, key: cert.replace(".crt", ".key"), cert };
    let mut node = start_node(&fleet, &brief, "brief").await;
    node.ready().await;
    eventually("the session has ended", async || {
        let told = |line: &String| line.contains("no session") && line.contains("certificate has expired");
        node.process.stderr_lines().iter().any(told).then_some(())
    })
    .await;
    // It serves on, and is back with a new one.
    assert_eq!(get(node.addr(), "/").await.status, 200);
    fleet.pki().issue("node", "brief").await;
    eventually("the node is back", async || {
        let nodes = fleet.json(&["get", "nodes", "brief"]).await;
        let is_back = nodes.as_array().unwrap().iter().any(|node| node["state"] == "ready");
        is_back.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_node_that_is_not_named_is_called_as_its_certificate_says() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).with_tls().await.start(&File::all_to(&origin).text()).await;
    let who = fleet.pki().issue("node", "named-by-its-certificate").await;
    let url = fleet.controller.url();
    let args = ["--controller", &url, "--admin-addr", ANY, "--listen", ANY, "--log-format", "json"];
    let args = args.into_iter().map(str::to_owned).chain(who.args()).collect();
    let mut node = Node::start(args, Vec::new()).await;
    node.ready().await;
    assert_eq!(node.info().await.node_id, "named-by-its-certificate");
    // One certificate for many is for no single one.
    let group = fleet.pki().issue("node", "group-*").await;
    start_node(&fleet, &group, "group-1").await.ready().await;
    is_kept_out(&start_node(&fleet, &group, "other-1").await, "not for a node called other-1").await;
}

#[tokio::test]
async fn flags_that_do_not_belong_together_are_usage_errors() {
    let pki = Pki::new().await;
    let Paths { ca, cert, key } = pki.issue("operator", "alice").await;
    let origin = Origin::start("a").await;
    let file = harbr_tests::ConfigFile::new(&File::new().route("/", &to(&origin)).text());
    let file = file.path().to_str().unwrap().to_owned();
    let files = ["--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &key];
    let https = "https://127.0.0.1:1";
    let cases: [(Program, &[&str], &str); 8] = [
        (Program::Harbrctl, &["--controller", https, "status"], "takes --tls-ca"),
        (Program::Harbrctl, &["--controller", https, "status", "--tls-ca", &ca], "--tls-cert is missing"),
        (Program::Harbrctl, &[&["status"][..], &files].concat(), "is not https://"),
        (Program::Dataplane, &["--controller", https], "takes --tls-ca"),
        (Program::Dataplane, &files, "is not https://"),
        (Program::Dataplane, &["--controller", "ftp://x"], "starts with http:// or https://"),
        (Program::Controlplane, &["-c", &file, "--tls-key", &key], "--tls-ca is missing"),
        (Program::Controlplane, &["-c", &file, "--grpc-addr", "0.0.0.0:0"], "`harbrctl pki` makes them"),
    ];
    for (program, args, why) in cases {
        let ended = Process::run(program, args).await;
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "no `{why}`: {}", ended.stderr);
    }
    let wrong = Paths { ca, cert, key: file };
    let wrong = wrong.args();
    let args = [&["--controller", https][..], &wrong.each_ref().map(String::as_str)].concat();
    let ended = Process::run(Program::Dataplane, &args).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("the key is not valid PEM"), "{}", ended.stderr);
}

#[tokio::test]
async fn beyond_loopback_tls_is_enough() {
    let pki = Pki::new().await;
    let origin = Origin::start("a").await;
    let file = harbr_tests::ConfigFile::new(&File::all_to(&origin).text());
    let path = file.path().to_str().unwrap().to_owned();
    let args = ["-c", &path, "--grpc-addr", "0.0.0.0:0", "--http-addr", ANY, "--log-format", "json"];
    let args = args.into_iter().map(str::to_owned).chain(pki.issue("controller", "c").await.args());
    let controller = harbr_tests::Controller::start(Program::Controlplane, args.collect(), Vec::new()).await;
    let url = format!("https://127.0.0.1:{}", controller.grpc().port());
    let who = pki.issue("viewer", "v").await.args();
    let mut all = vec!["--controller", &url, "status"];
    all.extend(who.iter().map(String::as_str));
    assert_eq!(Process::run(Program::Harbrctl, &all).await.code, Some(0));
}

#[tokio::test]
async fn keys_are_their_owners_alone_and_nothing_is_overwritten_unasked() {
    let pki = Pki::new().await;
    let folder = pki.folder().to_str().unwrap().to_owned();
    pki.harbrctl(&["issue", "controller", "c", "--host", "controller.test", "--host", "192.0.2.1"]).await;
    for (file, mode) in [("ca.key", 0o600), ("c.key", 0o600), ("ca.crt", 0o644), ("c.crt", 0o644)] {
        let found = std::fs::metadata(pki.folder().join(file)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{file}");
    }
    let before = std::fs::read(pki.folder().join("c.key")).unwrap();
    for args in [&["pki", "init"][..], &["pki", "issue", "controller", "c"]] {
        let ended = Process::run(Program::Harbrctl, &[args, &["--dir", &folder]].concat()).await;
        assert_fails(&ended, "is there already: --force replaces it");
    }
    let ended =
        Process::run(Program::Harbrctl, &["pki", "issue", "node", "ca", "--force", "--dir", &folder]).await;
    assert_fails(&ended, "choose another name");
    assert_eq!(std::fs::read(pki.folder().join("c.key")).unwrap(), before);

    let listed: Value = serde_json::from_str(&pki.harbrctl(&["list", "-o", "json"]).await).unwrap();
    assert_eq!((&listed[0]["role"], &listed[1]["role"]), (&"controller".into(), &Value::Null), "{listed}");
    let hosts = ["controller.test", "192.0.2.1", "c", "localhost", "127.0.0.1", "::1"];
    assert_eq!(listed[0]["hosts"], serde_json::json!(hosts));
    assert_eq!(pki.harbrctl(&["renew"]).await, "nothing is due\n");
    let renewed = pki.harbrctl(&["renew", "--within", "2y"]).await;
    assert!(renewed.contains("c.crt") && !renewed.contains("ca.crt"), "{renewed}");
    assert_ne!(std::fs::read(pki.folder().join("c.key")).unwrap(), before);
    let again: Value = serde_json::from_str(&pki.harbrctl(&["list", "-o", "json"]).await).unwrap();
    assert_eq!(again[0]["hosts"], listed[0]["hosts"]);
}
