//! Certificates for nodes: the first for a token, the next for the one before.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use harbr_proto::v1;
use harbr_proto::v1::join_service_server::JoinService;
use harbr_trust::{Authority, Identity, JoinToken, Role, TlsFiles};
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::fleet::Fleet;
use crate::ledger::{Actor, Ledger};
use crate::orders::{OrderError, Orders, now_millis};
use crate::server::{Refusal, Refusals};

/// How long a certificate is valid that was got by a token. Nodes renew them after two thirds of that.
const VALID: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Signs, if it was given the authority's key.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) authority: Option<Arc<Authority>>,
    /// PEM: whom nodes are to believe.
    pub(crate) ca: Arc<str>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) refusals: Arc<Refusals>,
}

impl Join {
    /// Reads the authority, if its key is given. Blocks on the disk.
    ///
    /// # Errors
    /// If they do not belong together.
    pub(crate) fn read_authority(
        files: Option<&TlsFiles>,
        key: Option<&Path>,
    ) -> anyhow::Result<(Option<Arc<Authority>>, Arc<str>)> {
        let (Some(files), Some(key)) = (files, key) else { return Ok((None, Arc::from(""))) };
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let ca = read(&files.ca)?;
        let authority = Authority::from_pem(&ca, &read(key)?);
        let authority = authority.with_context(|| format!("{} cannot be used", key.display()))?;
        Ok((Some(Arc::new(authority)), Arc::from(ca)))
    }

    pub(crate) fn authority(&self) -> Result<&Arc<Authority>, Status> {
        self.authority.as_ref().ok_or_else(|| {
            Status::failed_precondition("this controller signs nothing: it has no --tls-ca-key")
        })
    }

    fn joined(&self, certificate: String) -> Response<v1::Joined> {
        Response::new(v1::Joined { certificate, authority: self.ca.to_string() })
    }

    /// Whether the node may be called so: not as one that is here already, whose place it could take.
    fn free_name(&self, id: &str) -> Result<Identity, Status> {
        let identity =
            Identity::new(Role::Node, id).map_err(|error| Status::invalid_argument(error.to_string()))?;
        if identity.node_id().is_none() {
            return Err(Status::invalid_argument("a token is for one node, not for `*`"));
        }
        let is_here = self.fleet.snapshot().iter().any(|node| node.is_connected() && node.greeting.id == id);
        if is_here {
            return Err(Status::already_exists(format!(
                "a node called {id} is connected: choose another --node-id"
            )));
        }
        Ok(identity)
    }
}

#[tonic::async_trait]
impl JoinService for Join {
    async fn join(&self, request: Request<v1::JoinRequest>) -> Result<Response<v1::Joined>, Status> {
        let v1::JoinRequest { token, node_id, certificate_request } = request.into_inner();
        let refuse = |reason: String| {
            self.refusals.note(Refusal::BadToken, &format!("a node that calls itself {node_id:?}"), &reason);
            Status::unauthenticated(reason)
        };
        let token: JoinToken = token.parse().map_err(|error| refuse(format!("{error}")))?;
        let authority = self.authority()?;
        let identity = self.free_name(&node_id)?;
        let certificate = authority
            .sign(&certificate_request, &identity, VALID)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let (orders, id, name) = (self.orders.clone(), token.id().to_owned(), node_id.clone());
        let ledger = self.ledger.clone();
        let redeemed = spawn_blocking(move || {
            orders.change(|book| book.tokens.redeem(token.id(), &token.digest(), &name, now_millis()))?;
            let actor = Actor { name: format!("node {name}"), reason: String::new() };
            let what = format!("it has got a certificate by token {}", token.id());
            if let Err(error) = ledger.record(actor, what) {
                tracing::error!("that node {name} has got a certificate is not in the audit: {error}");
            }
            Ok(())
        });
        match redeemed.await.map_err(|_| Status::internal("it failed; this is a fault of ours"))? {
            Ok(()) => {
                tracing::info!("node {node_id} has got a certificate by token {id}");
                Ok(self.joined(certificate))
            }
            Err(OrderError::Refused(refused)) => Err(refuse(refused.to_string())),
            Err(error @ OrderError::Unwritable(_)) => Err(Status::unavailable(error.to_string())),
        }
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::Joined>, Status> {
        let Some(Caller::Proven(certified)) = request.extensions().get::<Caller>().cloned() else {
            return Err(Status::failed_precondition("who has no certificate has none to renew"));
        };
        let authority = self.authority()?;
        // No longer than the one before, so that nobody makes a brief one last.
        let valid = certified.valid.min(VALID);
        let request = request.into_inner().certificate_request;
        let certificate = authority
            .sign(&request, &certified.identity, valid)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        tracing::info!("{} has got its next certificate", certified.identity);
        Ok(self.joined(certificate))
    }
}
