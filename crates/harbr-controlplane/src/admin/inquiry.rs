use std::collections::BTreeSet;
use std::sync::Arc;

use harbr_proto::{TRAFFIC_SAMPLE, v1};
use tonic::{Request, Status};

use super::Admin;
use crate::caller::Caller;
use crate::fleet::Node;
use crate::inquiry::Tapping;

/// What the nodes remember that are here. Those of an older build cannot say it, and are not waited for.
pub(super) async fn sample(admin: &Admin) -> v1::GetSampleResponse {
    let able = connected(admin, |node| node.greeting.features.contains(TRAFFIC_SAMPLE));
    let unable = connected(admin, |node| !node.greeting.features.contains(TRAFFIC_SAMPLE));
    let mut sample = Arc::unwrap_or_clone(admin.inquiries.sample(able).await);
    sample.silent.extend(unable);
    sample
}

/// What ends on the nodes that are named, or on all, those that come later too.
pub(super) fn tap(admin: &Admin, request: Request<v1::TapRequest>) -> Result<Tapping, Status> {
    let who = request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Anonymous);
    let (request, stop) = (request.into_inner(), admin.stop.clone());
    let connected = connected(admin, |_| true);
    if let Some(node) = request.nodes.iter().find(|node| !connected.contains(*node)) {
        return Err(Status::not_found(format!("there is no node `{node}`, or it is not connected")));
    }
    tracing::info!(
        "{who} taps {}",
        if request.nodes.is_empty() { "all nodes".into() } else { request.nodes.join(", ") }
    );
    let ended = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = who.expired() => {}
        }
    };
    admin.inquiries.tap(request, ended)
}

fn connected(admin: &Admin, is_meant: impl Fn(&Node) -> bool) -> BTreeSet<String> {
    let nodes = admin.fleet.snapshot();
    let meant = nodes.iter().filter(|node| node.is_connected() && is_meant(node));
    meant.map(|node| node.greeting.id.clone()).collect()
}
