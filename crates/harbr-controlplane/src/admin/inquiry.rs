use std::collections::BTreeSet;
use std::sync::Arc;

use harbr_proto::v1;
use tonic::{Request, Status};

use super::Admin;
use crate::caller::Caller;
use crate::fleet::Node;
use crate::inquiry::Tapping;

/// What the nodes remember that are here.
pub(super) async fn sample(admin: &Admin) -> v1::GetSampleResponse {
    Arc::unwrap_or_clone(admin.inquiries.sample(connected(admin)).await)
}

/// What ends on the nodes that are named, or on all, those that come later too.
pub(super) fn tap(admin: &Admin, request: Request<v1::TapRequest>) -> Result<Tapping, Status> {
    let who = request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Anonymous);
    let (request, stop) = (request.into_inner(), admin.stop.clone());
    let connected = connected(admin);
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

fn connected(admin: &Admin) -> BTreeSet<String> {
    let nodes = admin.fleet.snapshot();
    nodes.iter().filter(|node| Node::is_connected(node)).map(|node| node.greeting.id.clone()).collect()
}
