//! What operators want beside the configuration: drains and join tokens.

use std::time::{Duration, UNIX_EPOCH};

use harbr_model::EndpointUrl;
use harbr_proto::v1;
use harbr_trust::{Identity, JoinToken, Role};
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status};

use super::{Admin, actor, timestamp};
use crate::caller::one_line;
use crate::drains::{Candidate, Drained, RefusedDrain};
use crate::fleet::Node;
use crate::ledger::Actor;
use crate::orders::{Book, OrderError, now_millis};
use crate::tokens::{RefusedToken, Token};

/// Longer than connections are worth waiting for.
const MAX_GRACE: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_GRACE: Duration = Duration::from_secs(30);
/// A token that lives longer is a password.
const MAX_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const MAX_USES: u32 = 10_000;

pub(super) async fn drain(
    admin: &Admin,
    request: Request<v1::DrainRequest>,
) -> Result<Response<v1::DrainResponse>, Status> {
    let actor = actor(&request, request.get_ref().actor.as_ref());
    let v1::DrainRequest { targets, keep, grace, .. } = request.into_inner();
    let v1::Targets { nodes, endpoints } = targets.unwrap_or_default();
    let grace = grace.map(Duration::try_from).transpose().ok().flatten().unwrap_or(DEFAULT_GRACE);
    let Actor { name, reason } = actor.clone();
    let order = Drained { grace: grace.min(MAX_GRACE), actor: name, reason, since: now_millis() };
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let endpoints = endpoint_urls(endpoints)?;
    let (fleet, snapshot) = (candidates(admin), admin.ledger.intent().newest().cloned());
    let change = move |book: &mut Book| {
        let mut drained = Vec::new();
        if !nodes.is_empty() || endpoints.is_empty() {
            drained = book.drains.drain_nodes(&nodes, keep, &order, &fleet)?;
        }
        if !endpoints.is_empty() {
            let none = || RefusedDrain::NoEndpoint(endpoints.join(", "));
            let revision = snapshot.as_ref().ok_or_else(none)?;
            book.drains.drain_endpoints(&endpoints, keep, &order, &revision.snapshot)?;
        }
        let what = named(&drained, &endpoints, "drained");
        Ok::<_, RefusedDrain>((drained, what))
    };
    let nodes = admin.order(actor, change).await?;
    Ok(Response::new(v1::DrainResponse { nodes }))
}

pub(super) async fn undrain(
    admin: &Admin,
    request: Request<v1::UndrainRequest>,
) -> Result<Response<v1::DrainResponse>, Status> {
    let actor = actor(&request, request.get_ref().actor.as_ref());
    let v1::Targets { nodes, endpoints } = request.into_inner().targets.unwrap_or_default();
    let (fleet, endpoints) = (candidates(admin), endpoint_urls(endpoints)?);
    let change = move |book: &mut Book| {
        let mut undrained = Vec::new();
        if !nodes.is_empty() || endpoints.is_empty() {
            undrained = book.drains.undrain_nodes(&nodes, &fleet)?;
        }
        if !endpoints.is_empty() {
            book.drains.undrain_endpoints(&endpoints)?;
        }
        let what = named(&undrained, &endpoints, "not drained any more");
        Ok::<_, RefusedDrain>((undrained, what))
    };
    let nodes = admin.order(actor, change).await?;
    Ok(Response::new(v1::DrainResponse { nodes }))
}

pub(super) async fn create_token(
    admin: &Admin,
    request: Request<v1::CreateTokenRequest>,
) -> Result<Response<v1::CreateTokenResponse>, Status> {
    let actor = actor(&request, request.get_ref().actor.as_ref());
    let v1::CreateTokenRequest { ttl, node_id, uses, .. } = request.into_inner();
    let ttl = ttl.map(Duration::try_from).transpose().ok().flatten().unwrap_or_default();
    if ttl.is_zero() || ttl > MAX_TTL || uses > MAX_USES {
        return Err(Status::invalid_argument(format!(
            "a token is good for at most {} days and {MAX_USES} nodes",
            MAX_TTL.as_secs() / 86_400
        )));
    }
    if !node_id.is_empty() {
        let identity = Identity::new(Role::Node, &node_id);
        identity.map_err(|error| Status::invalid_argument(error.to_string()))?;
    }
    let authority = admin.join.authority()?;
    let token = JoinToken::create(authority.certificate())
        .map_err(|_| Status::internal("this system has no randomness to give"))?;
    let expires = now_millis().saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
    let described = Token {
        digest: token.digest(),
        node_id: Some(node_id).filter(|id| !id.is_empty()),
        uses_left: uses.max(1),
        expires,
        actor: actor.name.clone(),
    };
    let (id, kept) = (token.id().to_owned(), described.clone());
    let change = move |book: &mut Book| {
        let node = kept.node_id.clone().unwrap_or_else(|| "any node".to_owned());
        let what = format!("token {id} is made, good for {node}, {} times", kept.uses_left);
        book.tokens.add(&id, kept, now_millis()).map(|()| ((), what))
    };
    admin.order(actor, change).await?;
    let described = Some(token_to_wire(token.id(), &described));
    Ok(Response::new(v1::CreateTokenResponse { token: token.to_string(), described }))
}

pub(super) fn list_tokens(admin: &Admin) -> v1::ListTokensResponse {
    let tokens = admin.orders.book().tokens;
    let tokens = tokens.live(now_millis()).map(|(id, token)| token_to_wire(id, token)).collect();
    v1::ListTokensResponse { tokens }
}

pub(super) async fn revoke_token(
    admin: &Admin,
    request: Request<v1::RevokeTokenRequest>,
) -> Result<Response<v1::RevokeTokenResponse>, Status> {
    let actor = actor(&request, request.get_ref().actor.as_ref());
    let id = one_line(&request.into_inner().id);
    let change =
        move |book: &mut Book| book.tokens.revoke(&id).map(|()| ((), format!("token {id} is revoked")));
    admin.order(actor, change).await?;
    Ok(Response::new(v1::RevokeTokenResponse {}))
}

pub(super) fn drained_to_wire(drained: &Drained) -> v1::Drained {
    let Drained { grace, actor, reason, since } = drained.clone();
    v1::Drained {
        since: timestamp(UNIX_EPOCH + Duration::from_millis(since)),
        actor: Some(v1::Actor { name: actor, reason }),
        grace: grace.try_into().ok(),
    }
}

impl Admin {
    /// Off the runtime: it waits for the disk. `change` says also what it comes to, for the audit: what cannot be
    /// recorded is not done.
    async fn order<T: Send + 'static, E: Into<Status>>(
        &self,
        actor: Actor,
        change: impl FnOnce(&mut Book) -> Result<(T, String), E> + Send + 'static,
    ) -> Result<T, Status> {
        let (orders, ledger) = (self.orders.clone(), self.ledger.clone());
        let recorded = move |book: &mut Book| {
            let (outcome, what) = change(book).map_err(Into::into)?;
            let kept = ledger.record(actor, what);
            kept.map_err(|error| Status::unavailable(error.to_string()))?;
            Ok(outcome)
        };
        match spawn_blocking(move || orders.change(recorded)).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(OrderError::Refused(refused))) => Err(refused),
            Ok(Err(OrderError::Unwritable(error))) => {
                Err(Status::unavailable(format!("it cannot be kept on disk: {error}")))
            }
            Err(_) => Err(Status::internal("it failed; this is a fault of ours")),
        }
    }
}

impl From<RefusedDrain> for Status {
    fn from(refused: RefusedDrain) -> Self {
        match refused {
            RefusedDrain::NoNode(_)
            | RefusedDrain::NoMatch(_)
            | RefusedDrain::NoEndpoint(_)
            | RefusedDrain::NotDrained(_) => Self::not_found(refused.to_string()),
            RefusedDrain::Nothing
            | RefusedDrain::TooFewNodes { .. }
            | RefusedDrain::TooFewEndpoints { .. }
            | RefusedDrain::TooMany => Self::failed_precondition(refused.to_string()),
        }
    }
}

impl From<RefusedToken> for Status {
    fn from(refused: RefusedToken) -> Self {
        match refused {
            RefusedToken::NoToken => Self::not_found(refused.to_string()),
            RefusedToken::TooMany => Self::resource_exhausted(refused.to_string()),
            RefusedToken::Unknown | RefusedToken::OtherNode => Self::unauthenticated(refused.to_string()),
        }
    }
}

fn candidates(admin: &Admin) -> Vec<Candidate> {
    let intent = admin.ledger.intent();
    let state = |node: &Node| node.state(intent.intended(&node.greeting.id));
    admin.fleet.snapshot().iter().map(|node| Candidate::new(node, state(node))).collect()
}

/// For the audit.
fn named(nodes: &[String], endpoints: &[String], what: &str) -> String {
    let nodes = nodes.iter().map(|id| format!("node {id}"));
    let all: Vec<String> = nodes.chain(endpoints.iter().map(|url| format!("endpoint {url}"))).collect();
    let verb = if all.len() == 1 { "is" } else { "are" };
    format!("{} {verb} {what}", all.join(", "))
}

/// As they are written in a snapshot.
fn endpoint_urls(texts: Vec<String>) -> Result<Vec<String>, Status> {
    let parse = |text: String| match text.parse::<EndpointUrl>() {
        Ok(url) => Ok(url.to_string()),
        Err(error) => Err(Status::invalid_argument(format!("`{text}`: {error}"))),
    };
    texts.into_iter().map(parse).collect()
}

fn token_to_wire(id: &str, token: &Token) -> v1::Token {
    v1::Token {
        id: id.to_owned(),
        node_id: token.node_id.clone().unwrap_or_default(),
        uses_left: token.uses_left,
        expires: timestamp(UNIX_EPOCH + Duration::from_millis(token.expires)),
        actor: token.actor.clone(),
    }
}
