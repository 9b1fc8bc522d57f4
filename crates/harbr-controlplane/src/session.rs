//! The sessions of nodes: one stream each, opened by the node.

mod directives;
mod outbox;
mod progress;
mod run;

use std::sync::Arc;

use harbr_proto::v1::node_service_server::NodeService;
use harbr_proto::v1::{ControllerMessage, NodeMessage};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};

use self::run::Session;
use crate::caller::Caller;
use crate::drains::Drains;
use crate::fleet::Fleet;
use crate::health::HealthTable;
use crate::inquiry::Inquiries;
use crate::ledger::Ledger;
use crate::server::Refusals;

/// Sessions at once.
const MAX_SESSIONS: usize = 10_000;
/// Messages on their way to one node. A slow node skips revisions instead of queueing them.
const OUTBOUND: usize = 1;

/// Gives each node what it should serve, and keeps the fleet's book.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) health: watch::Receiver<Arc<HealthTable>>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) drains: watch::Receiver<Arc<Drains>>,
    pub(crate) inquiries: Arc<Inquiries>,
    permits: Arc<Semaphore>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Sessions {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        fleet: Arc<Fleet>,
        health: watch::Receiver<Arc<HealthTable>>,
        refusals: Arc<Refusals>,
        drains: watch::Receiver<Arc<Drains>>,
        inquiries: Arc<Inquiries>,
        stop: CancellationToken,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_SESSIONS));
        let tracker = TaskTracker::new();
        Self { ledger, fleet, health, refusals, drains, inquiries, permits, tracker, stop }
    }

    /// Waits until `stop` has ended all sessions.
    pub(crate) async fn ended(&self) {
        self.stop.cancelled().await;
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[tonic::async_trait]
impl NodeService for Sessions {
    type SessionStream = ReceiverStream<Result<ControllerMessage, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<NodeMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            return Err(Status::resource_exhausted("this controller has as many nodes as it takes"));
        };
        let (tx, rx) = mpsc::channel(OUTBOUND);
        // The server puts one in for each connection; without it nothing is known of who calls.
        let who = request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Anonymous);
        let session = Session::new(self, who.clone(), request.into_inner(), tx.clone());
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = session.run() => {}
                () = stop.cancelled() => {}
                // The node is back at once if it has a new one.
                () = who.expired() => {
                    let _ = tx.send(Err(Status::unauthenticated("the certificate has expired"))).await;
                }
            }
            drop(permit);
        });
        Ok(Response::new(ReceiverStream::new(rx)))
    }
}

#[cfg(test)]
mod tests;
