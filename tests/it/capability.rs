//! What a node cannot take is not given to the fleet, and the keys of certificates are nowhere in the history.

use harbr_proto::v1;
use harbr_proto::v1::controller_message::Kind;
use harbr_proto::v1::node_message::Kind as Said;
use harbr_proto::v1::node_service_client::NodeServiceClient;
use harbr_tests::{Fleet, Node, Origin, Pair, Plan, Shape, TestAuthority, eventually};
use rustls::ALL_VERSIONS;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;

use crate::file::File;

fn over_tls(origin: &Origin, pair: &Pair) -> String {
    File::all_to(origin).listener(&format!("tls: {{ certificates: [{}] }}", pair.yaml())).text()
}

/// A node of an older build: it takes what it gets, and knows nothing beyond the first schema version.
fn old_node(fleet: &Fleet, id: &str, tasks: &mut JoinSet<()>) {
    let (url, node_id) = (fleet.controller.url(), id.to_owned());
    tasks.spawn(async move {
        let mut client = NodeServiceClient::connect(url).await.unwrap();
        let (tx, rx) = mpsc::channel(8);
        let say = async |kind| tx.send(v1::NodeMessage { kind: Some(kind) }).await.unwrap();
        let build = "0.0.1".to_owned();
        say(Said::Hello(v1::Hello { node_id, build, schema_version: 1, ..Default::default() })).await;
        let mut inbound = client.session(ReceiverStream::new(rx)).await.unwrap().into_inner();
        while let Ok(Some(message)) = inbound.message().await {
            let Some(Kind::SnapshotChunk(chunk)) = message.kind else { continue };
            if chunk.last {
                let (fence, revision, hash) = (chunk.fence, chunk.revision, chunk.hash);
                say(Said::Ack(v1::Ack { serving: Some(v1::Serving { fence, revision, hash }) })).await;
            }
        }
    });
}

#[tokio::test]
async fn what_the_weakest_node_cannot_take_waits_and_the_node_is_named_with_its_build() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let fleet = Plan::new(Shape::Split).start(&File::all_to(&origin).text()).await;
    let before = fleet.newest_served().await;
    let mut old = JoinSet::new();
    old_node(&fleet, "z-old", &mut old);
    eventually("both serve it", async || {
        (fleet.json(&["status"]).await["nodes"]["converged"] == 2).then_some(())
    })
    .await;
    fleet.file.save_by_rename(over_tls(&origin, &pair));
    let error = fleet.config_error().await["message"].clone();
    let reason = "node z-old (build 0.0.1) does not know `listener_tls`, which this needs";
    assert!(error.as_str().unwrap().contains(reason), "{error}");
    let status = fleet.json(&["status"]).await;
    assert_eq!(status["rollout"]["state"], "pending");
    assert_eq!(fleet.node().info().await.serving_revision, before);
    // Once it has left, the change goes on; when it comes back it is given nothing, and named.
    old.shutdown().await;
    fleet.served_after(before).await;
    old_node(&fleet, "z-old", &mut old);
    eventually("it is named", async || {
        let status = fleet.json(&["status"]).await;
        let concerns = status["concerns"].as_array()?;
        concerns.iter().any(|it| it["node"] == "z-old" && it["reason"] == reason).then_some(())
    })
    .await;
}

#[tokio::test]
async fn keys_are_not_in_the_history_and_new_nodes_get_them_though_the_files_are_gone() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let der = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    // PKCS #8 of P-256: the secret comes at 36.
    let secret = der.secret_der()[36..68].to_vec();
    let plan = Plan::new(Shape::Split).with_state();
    let (controller, node) = (plan.state_folder("controller"), plan.state_folder("node-1"));
    let mut fleet = plan.start(&over_tls(&origin, &pair)).await;
    let has_it = |folder: &std::path::Path| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let contents = files.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap());
        contents.into_iter().any(|bytes| bytes.windows(secret.len()).any(|window| window == secret))
    };
    eventually("the node keeps it", async || has_it(&node).then_some(())).await;
    assert!(!has_it(&controller));
    fleet.controller.kill().await;
    std::fs::remove_file(&pair.key).unwrap();
    fleet.controller.restart().await;
    let url = fleet.controller.url();
    let args = ["--controller", &url, "--node-id", "late", "--listen", "127.0.0.1:0", "--admin-addr"];
    let args = args.into_iter().chain(["127.0.0.1:0", "--log-format", "json"]).map(str::to_owned);
    let mut late = Node::start(args.collect(), Vec::new()).await;
    late.ready().await;
    authority.client(ALL_VERSIONS).connect(late.addr(), "site.test").await.unwrap();
    assert!(!has_it(&controller));
}
