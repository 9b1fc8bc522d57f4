//! What `status` says of nodes that are not as they should be: exactly those, and why.

use std::time::Duration;

use harbr_proto::v1;
use harbr_proto::v1::controller_message::Kind;
use harbr_proto::v1::node_message::Kind as Said;
use harbr_proto::v1::node_service_client::NodeServiceClient;
use harbr_tests::{Fleet, Origin, Plan, Shape, Signal, eventually, get};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::file::File;
use crate::rollout::proven;

const QUICK: &str = "rollout: {proving_time: 500ms}";

/// The concerns, as (node, kind, reason).
async fn concerns(fleet: &Fleet) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let status = fleet.json(&["status"]).await;
    let concerns = status["concerns"].as_array().unwrap();
    concerns.iter().map(|it| (text(&it["node"]), text(&it["kind"]), text(&it["reason"]))).collect()
}

/// Waits until this node is named for that, and nobody for anything else.
async fn only_concern(fleet: &Fleet, node: &str, kind: &str) -> String {
    eventually(&format!("{node} alone is {kind}"), async || match concerns(fleet).await.as_slice() {
        [(found, why, reason)] if found == node && why == kind => Some(reason.clone()),
        _ => None,
    })
    .await
}

async fn no_concern(fleet: &Fleet) {
    eventually("nobody is named", async || concerns(fleet).await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_node_whose_disk_takes_nothing_serves_is_named_and_keeps_it_once_there_is_room() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let plan = Plan::new(Shape::Split).nodes(3).with_state();
    let mut fleet = plan.start(&File::all_to(&a).set(QUICK).text()).await;
    proven(&fleet).await;
    no_concern(&fleet).await;
    fleet.nodes[1].process.limit_files(Some(0));
    fleet.apply(&File::all_to(&b).set(QUICK).text()).await;
    assert_eq!(get(fleet.nodes[1].addr(), "/").await.echo().origin, "b");
    let reason = only_concern(&fleet, "node-2", "degraded").await;
    assert!(reason.contains("cannot be kept on disk"), "{reason}");
    assert_eq!(fleet.json(&["status"]).await["converged"], true);
    proven(&fleet).await;
    fleet.nodes[1].process.limit_files(None);
    no_concern(&fleet).await;
    // It is on its disk now: it starts from there, with nobody else.
    fleet.controller.kill().await;
    fleet.nodes[1].process.signal(Signal::Terminate);
    fleet.nodes[1].process.ended().await;
    fleet.nodes[1].restart().await;
    assert_eq!(get(fleet.nodes[1].addr(), "/").await.echo().origin, "b");
}

/// A node whose words the test says.
struct Spoken {
    tx: mpsc::Sender<v1::NodeMessage>,
    inbound: Streaming<v1::ControllerMessage>,
}

impl Spoken {
    async fn connect(fleet: &Fleet, id: &str) -> Self {
        let mut client = NodeServiceClient::connect(fleet.controller.url()).await.unwrap();
        let (tx, rx) = mpsc::channel(8);
        let hello = v1::Hello { node_id: id.to_owned(), instance_id: "i".to_owned(), ..Default::default() };
        tx.send(v1::NodeMessage { kind: Some(Said::Hello(hello)) }).await.unwrap();
        let inbound = client.session(ReceiverStream::new(rx)).await.unwrap().into_inner();
        Self { tx, inbound }
    }

    async fn say(&self, kind: Said) {
        self.tx.send(v1::NodeMessage { kind: Some(kind) }).await.unwrap();
    }

    async fn report(&self, serving: &v1::Serving) {
        self.say(Said::Report(v1::Report { serving: Some(serving.clone()), ..Default::default() })).await;
    }

    /// The next snapshot. Until it comes the node reports what it serves.
    async fn offered(&mut self, serving: Option<&v1::Serving>) -> v1::Serving {
        loop {
            let Ok(message) = tokio::time::timeout(Duration::from_millis(250), self.inbound.message()).await
            else {
                if let Some(serving) = serving {
                    self.report(serving).await;
                }
                continue;
            };
            let message = message.unwrap().expect("the session lasts");
            let Some(Kind::SnapshotChunk(chunk)) = message.kind else { continue };
            if chunk.last {
                let (fence, revision, hash) = (chunk.fence, chunk.revision, chunk.hash);
                return v1::Serving { fence, revision, hash };
            }
        }
    }
}

#[tokio::test]
async fn a_lost_snapshot_is_sent_again_and_a_lost_ack_is_made_up_by_a_report_without_any_event() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let fleet = Plan::new(Shape::Split).nodes(2).start(&File::all_to(&a).set(QUICK).text()).await;
    let mut node = Spoken::connect(&fleet, "z-forgetful").await;
    let first = node.offered(None).await;
    node.say(Said::Ack(v1::Ack { serving: Some(first.clone()) })).await;
    proven(&fleet).await;
    no_concern(&fleet).await;
    fleet.file.save_by_rename(File::all_to(&b).set(QUICK).text());
    // It is lost on the way: the node says on that it serves the old one.
    let lost = node.offered(Some(&first)).await;
    assert_ne!(lost.hash, first.hash);
    node.report(&first).await;
    only_concern(&fleet, "z-forgetful", "behind").await;
    let again = node.offered(Some(&first)).await;
    assert_eq!(again.hash, lost.hash);
    // This time it is taken, and the ack is what gets lost.
    node.report(&again).await;
    no_concern(&fleet).await;
    assert_eq!(fleet.json(&["status"]).await["nodes"]["converged"], 3);
    proven(&fleet).await;
}
