//! The sessions of nodes: one stream each, opened by the node.

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
use crate::fleet::Fleet;
use crate::health::HealthTable;
use crate::ledger::Ledger;

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
    permits: Arc<Semaphore>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Sessions {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        fleet: Arc<Fleet>,
        health: watch::Receiver<Arc<HealthTable>>,
        stop: CancellationToken,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_SESSIONS));
        Self { ledger, fleet, health, permits, tracker: TaskTracker::new(), stop }
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
        let session = Session::new(self, request.into_inner(), tx);
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            stop.run_until_cancelled(session.run()).await;
            drop(permit);
        });
        Ok(Response::new(ReceiverStream::new(rx)))
    }
}

#[cfg(test)]
mod tests;
