//! What operators ask, and want done.

mod concerns;
mod events;
mod inquiry;
mod orders;
mod rollout;
mod traffic;

use std::sync::Arc;
use std::time::SystemTime;

use harbr_config::{Diagnostic, Diagnostics, Severity, Span};
use harbr_model::{Health, Route, Snapshot, Upstream};
use harbr_proto::v1::admin_service_server::AdminService;
use harbr_proto::{SnapshotHash, health_to_wire, route_status, table, v1};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

pub(crate) use self::traffic::{by_upstream, load};
use crate::caller::{Caller, one_line};
use crate::fleet::{Fleet, Node, NodeState};
use crate::health::{HealthTable, Link, Target};
use crate::inquiry::{Inquiries, Tapping};
use crate::join::Join;
use crate::ledger::{Actor, CommandError, Intent, Ledger};
use crate::observe::Observed;
use crate::orders::Orders;
use crate::revision::Revision;

/// Answers from what the controller knows. What is to change goes to the ledger and to the orders.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) config_file: String,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) health: watch::Receiver<Arc<HealthTable>>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) join: Join,
    pub(crate) observed: Arc<Observed>,
    pub(crate) inquiries: Arc<Inquiries>,
    /// Ends streams, which do not end by themselves.
    pub(crate) stop: CancellationToken,
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::Status>, Status> {
        let intent = self.ledger.intent();
        let health = self.health.borrow().clone();
        let mut status = status(&self.config_file, &intent, &self.fleet, &health);
        (status.rollout, status.frozen) = rollout::under_way(&self.ledger, &self.fleet.snapshot());
        Ok(Response::new(status))
    }

    async fn list_nodes(
        &self,
        _: Request<v1::ListNodesRequest>,
    ) -> Result<Response<v1::ListNodesResponse>, Status> {
        Ok(Response::new(v1::ListNodesResponse { nodes: self.nodes() }))
    }

    async fn list_routes(
        &self,
        _: Request<v1::ListRoutesRequest>,
    ) -> Result<Response<v1::ListRoutesResponse>, Status> {
        let intent = self.ledger.intent();
        Ok(Response::new(v1::ListRoutesResponse { routes: routes(&self.config_file, &intent) }))
    }

    async fn list_upstreams(
        &self,
        _: Request<v1::ListUpstreamsRequest>,
    ) -> Result<Response<v1::ListUpstreamsResponse>, Status> {
        let (intent, table) = (self.ledger.intent(), self.health.borrow().clone());
        let mut upstreams =
            intent.newest().map(|revision| upstreams(&revision.snapshot, &table)).unwrap_or_default();
        let drains = self.orders.drains().borrow().clone();
        for endpoint in upstreams.iter_mut().flat_map(|upstream| &mut upstream.endpoints) {
            endpoint.drained = drains.endpoints.get(&endpoint.url).map(orders::drained_to_wire);
        }
        concerns::note_ejected(&mut upstreams, &self.fleet.snapshot());
        Ok(Response::new(v1::ListUpstreamsResponse { upstreams }))
    }

    async fn drain(&self, request: Request<v1::DrainRequest>) -> Result<Response<v1::DrainResponse>, Status> {
        orders::drain(self, request).await
    }

    async fn undrain(
        &self,
        request: Request<v1::UndrainRequest>,
    ) -> Result<Response<v1::DrainResponse>, Status> {
        orders::undrain(self, request).await
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        orders::create_token(self, request).await
    }

    async fn list_tokens(
        &self,
        _: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        Ok(Response::new(orders::list_tokens(self)))
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Result<Response<v1::RevokeTokenResponse>, Status> {
        orders::revoke_token(self, request).await
    }

    async fn get_table(&self, request: Request<v1::GetTableRequest>) -> Result<Response<v1::Table>, Status> {
        let (intent, health) = (self.ledger.intent(), self.health.borrow().clone());
        let current = intent.newest().ok_or_else(|| Status::not_found("nothing is served yet"))?;
        let (number, hash) = self.asked_for(&request.into_inner(), current)?;
        let live = intent.revisions().find(|revision| revision.hash() == hash);
        let of_live =
            |route: &Route| live.map_or_else(String::new, |live| source(&self.config_file, live, route));
        let snapshot: Arc<Snapshot> = match (live, intent.base(hash)) {
            (Some(live), _) => live.snapshot.clone(),
            (None, Some(base)) => {
                Arc::new(base.decode().map_err(|error| Status::internal(error.to_string()))?)
            }
            (None, None) => Arc::new(self.compiled(number, hash).await?),
        };
        let source: &dyn Fn(&Route) -> String = &of_live;
        let upstreams = upstreams(&snapshot, &health);
        let hash = hash.to_string();
        Ok(Response::new(v1::Table { revision: number, hash, upstreams, ..table(&snapshot, source) }))
    }

    async fn get_traffic(
        &self,
        request: Request<v1::GetTrafficRequest>,
    ) -> Result<Response<v1::FleetTraffic>, Status> {
        Ok(Response::new(traffic::of_fleet(self, at_most(request.into_inner().most))))
    }

    type WatchEventsStream = events::EventStream;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        Ok(Response::new(events::watch(self, &request)))
    }

    async fn get_rollout(
        &self,
        request: Request<v1::GetRolloutRequest>,
    ) -> Result<Response<v1::Rollout>, Status> {
        let wanted = request.into_inner().revision;
        rollout::find(&self.ledger, &self.fleet.snapshot(), wanted).map(Response::new)
    }

    async fn control_rollout(
        &self,
        request: Request<v1::ControlRolloutRequest>,
    ) -> Result<Response<v1::Done>, Status> {
        let actor = actor(&request, request.get_ref().actor.as_ref());
        let request = request.into_inner();
        let command = rollout::command(request.command(), request.allow_shrink)?;
        self.change(move |ledger, fleet| ledger.command(command, actor, fleet)).await
    }

    async fn roll_back(&self, request: Request<v1::RollBackRequest>) -> Result<Response<v1::Done>, Status> {
        let actor = actor(&request, request.get_ref().actor.as_ref());
        let revision = request.into_inner().revision;
        let to = (revision != 0).then_some(revision);
        self.change(move |ledger, fleet| ledger.roll_back(to, actor, fleet)).await
    }

    async fn list_revisions(
        &self,
        request: Request<v1::ListRevisionsRequest>,
    ) -> Result<Response<v1::ListRevisionsResponse>, Status> {
        let most = at_most(request.into_inner().most);
        let revisions = self.ledger.history(most).into_iter().map(rollout::record_to_wire).collect();
        Ok(Response::new(v1::ListRevisionsResponse { revisions }))
    }

    async fn get_revision(
        &self,
        request: Request<v1::GetRevisionRequest>,
    ) -> Result<Response<v1::RevisionWithFile>, Status> {
        let (number, ledger) = (request.into_inner().number, self.ledger.clone());
        let found = tokio::task::spawn_blocking(move || ledger.revision(number)).await;
        match found.map_err(|_| Status::internal("looking it up failed"))? {
            Ok(Some((record, file))) => Ok(Response::new(v1::RevisionWithFile {
                revision: Some(rollout::record_to_wire(record)),
                file: String::from_utf8_lossy(&file).into_owned(),
            })),
            Ok(None) => Err(Status::not_found(format!("there is no revision {number}"))),
            Err(error) => Err(Status::internal(error.to_string())),
        }
    }

    async fn list_audit(
        &self,
        request: Request<v1::ListAuditRequest>,
    ) -> Result<Response<v1::ListAuditResponse>, Status> {
        let (most, ledger) = (at_most(request.into_inner().most), self.ledger.clone());
        let found = tokio::task::spawn_blocking(move || ledger.audit(most)).await;
        let records = found.map_err(|_| Status::internal("looking it up failed"))?;
        let records = records.map_err(|error| Status::internal(error.to_string()))?;
        let entries = records.into_iter().map(rollout::audit_to_wire).collect();
        Ok(Response::new(v1::ListAuditResponse { entries }))
    }

    async fn get_sample(
        &self,
        _: Request<v1::GetSampleRequest>,
    ) -> Result<Response<v1::GetSampleResponse>, Status> {
        Ok(Response::new(inquiry::sample(self).await))
    }

    type TapStream = Tapping;

    async fn tap(&self, request: Request<v1::TapRequest>) -> Result<Response<Tapping>, Status> {
        inquiry::tap(self, request).map(Response::new)
    }
}

impl Admin {
    /// All nodes, in the order of their ids.
    pub(crate) fn nodes(&self) -> Vec<v1::Node> {
        let intent = self.ledger.intent();
        let drains = self.orders.drains().borrow().clone();
        let to_wire = |node: Node| {
            let drained = drains.nodes.get(&node.greeting.id).map(orders::drained_to_wire);
            v1::Node { drained, ..node_to_wire(node, &intent) }
        };
        self.fleet.snapshot().into_iter().map(to_wire).collect()
    }

    pub(crate) fn route_status(&self, revision: &Revision, route: &Route) -> v1::RouteStatus {
        route_status(route, source(&self.config_file, revision, route))
    }

    pub(crate) fn upstream_status(&self, upstream: &Upstream, snapshot: &Snapshot) -> v1::UpstreamStatus {
        let drains = self.orders.drains().borrow().clone();
        let mut status = upstream_to_wire(upstream, snapshot, &self.health.borrow().clone());
        for endpoint in &mut status.endpoints {
            endpoint.drained = drains.endpoints.get(&endpoint.url).map(orders::drained_to_wire);
        }
        status
    }

    /// The number and the content of the revision that is meant.
    fn asked_for(
        &self,
        request: &v1::GetTableRequest,
        current: &Revision,
    ) -> Result<(u64, SnapshotHash), Status> {
        let v1::GetTableRequest { revision, node } = request;
        if !node.is_empty() {
            let nodes = self.fleet.snapshot();
            let of_node = nodes.iter().find(|known| known.greeting.id == *node);
            let of_node = of_node.ok_or_else(|| Status::not_found(format!("there is no node `{node}`")))?;
            let serving = of_node.serving;
            let serving =
                serving.ok_or_else(|| Status::not_found(format!("node `{node}` serves nothing yet")))?;
            return Ok((serving.revision, serving.hash));
        }
        if *revision != 0 && *revision != current.number {
            let hash = self.ledger.hash_of(*revision);
            let hash = hash.ok_or_else(|| Status::not_found(format!("there is no revision {revision}")))?;
            return Ok((*revision, hash));
        }
        Ok((current.number, current.hash()))
    }

    /// What the file of an older revision means, if it still means what it did.
    async fn compiled(&self, number: u64, hash: SnapshotHash) -> Result<Snapshot, Status> {
        let ledger = self.ledger.clone();
        let compiled = tokio::task::spawn_blocking(move || ledger.compiled(number)).await;
        match compiled.map_err(|_| Status::internal("looking it up failed"))? {
            Ok(compiled) if compiled.encoded.hash() == hash => Ok(compiled.snapshot),
            Ok(_) => Err(Status::failed_precondition(format!(
                "the file of revision {number} means something else today: a certificate that it names has changed"
            ))),
            Err(error) => Err(Status::failed_precondition(error.to_string())),
        }
    }

    /// Off the runtime: it may wait for the disk.
    async fn change(
        &self,
        change: impl FnOnce(&Ledger, &Fleet) -> Result<String, CommandError> + Send + 'static,
    ) -> Result<Response<v1::Done>, Status> {
        let (ledger, fleet) = (self.ledger.clone(), self.fleet.clone());
        let changed = tokio::task::spawn_blocking(move || change(&ledger, &fleet)).await;
        match changed.map_err(|_| Status::internal("it failed; this is a fault of ours"))? {
            Ok(message) => Ok(Response::new(v1::Done { message })),
            Err(CommandError::Refused(refused)) => Err(Status::failed_precondition(refused.to_string())),
            Err(CommandError::Unwritable(error)) => Err(Status::internal(error.to_string())),
        }
    }
}

/// Who asks for something, and why: by its certificate if it has one, else by its own word.
fn actor<T>(request: &Request<T>, claimed: Option<&v1::Actor>) -> Actor {
    let claimed = claimed.cloned().unwrap_or_default();
    let caller = request.extensions().get::<Caller>().unwrap_or(&Caller::Anonymous);
    Actor { name: caller.signature(&claimed.name), reason: one_line(&claimed.reason) }
}

fn status(config_file: &str, intent: &Intent, fleet: &Fleet, health: &HealthTable) -> v1::Status {
    let nodes = fleet.snapshot();
    let newest = intent.newest();
    let intended = newest.map(|revision| revision.hash());
    let count = |counts: &dyn Fn(&Node) -> bool| nodes.iter().filter(|node| counts(node)).count();
    let connected = count(&Node::is_connected);
    let converged = count(&|node| node.is_connected() && node.has_converged(intended));
    let own = |node: &Node| intent.intended(&node.greeting.id);
    let ready = count(&|node| node.state(own(node)) == NodeState::Ready);
    let config_error = intent.config_error.as_ref().map(|error| v1::ConfigError {
        message: error.message.clone(),
        file: config_file.to_owned(),
        line: error.position().map_or(0, |position| position.line),
        column: error.position().map_or(0, |position| position.column),
        since: timestamp(error.since),
        diagnostics: diagnostics_to_wire(error.diagnostics.as_ref()),
    });
    v1::Status {
        revision: newest.map_or(0, |revision| revision.number),
        hash: intended.map(|hash| hash.to_string()).unwrap_or_default(),
        proven_revision: intent.proven,
        config_error,
        nodes_total: saturating(nodes.len()),
        nodes_ready: saturating(ready),
        nodes_converged: saturating(converged),
        // Nodes that are gone cannot hold up a change; a fleet of none has taken none.
        converged: intended.is_some() && connected > 0 && converged == connected,
        build: harbr_process::VERSION.to_owned(),
        health_frozen: health.is_frozen(),
        concerns: concerns::concerns(&nodes, intent),
        config_file: config_file.to_owned(),
        config_warnings: diagnostics_to_wire(intent.warnings.as_deref()),
        rollout: None,
        frozen: false,
    }
}

fn diagnostics_to_wire(diagnostics: Option<&Diagnostics>) -> Vec<v1::Diagnostic> {
    let span = |span: Span| v1::Span {
        line: span.start.line,
        column: span.start.column,
        end_line: span.end.line,
        end_column: span.end.column,
    };
    let to_wire = |diagnostic: &Diagnostic| v1::Diagnostic {
        severity: match diagnostic.severity() {
            Severity::Error => v1::Severity::Error.into(),
            Severity::Warning => v1::Severity::Warning.into(),
        },
        code: diagnostic.code.to_string(),
        message: diagnostic.message.clone(),
        hint: diagnostic.hint.clone().unwrap_or_default(),
        span: Some(span(diagnostic.span)),
        related: diagnostic.related.as_ref().map(|(place, _)| span(*place)),
        related_message: diagnostic.related.as_ref().map(|(_, message)| message.clone()).unwrap_or_default(),
    };
    diagnostics.into_iter().flat_map(Diagnostics::iter).map(to_wire).collect()
}

fn node_to_wire(node: Node, intent: &Intent) -> v1::Node {
    let target = intent.target(&node.greeting.id);
    let state = v1::NodeState::from(node.state(target.map(|target| target.revision.hash())));
    let quarantined = node.greeting.quarantined.iter().map(|found| v1::Quarantined {
        hash: found.hash.as_bytes().to_vec(),
        revision: found.revision,
        reason: found.reason.clone(),
    });
    let quarantined = quarantined.collect();
    let (greeting, load) = (node.greeting.as_ref().clone(), traffic::load_of(&node));
    v1::Node {
        id: greeting.id,
        labels: greeting.labels,
        state: state.into(),
        serving_revision: node.serving.map_or(0, |serving| serving.revision),
        serving_hash: node.serving.map(|serving| serving.hash.to_string()).unwrap_or_default(),
        last_error: node.withheld.or(node.last_error).or(node.degraded).unwrap_or_default(),
        build: greeting.build,
        address: greeting.admin_addr,
        instance_id: greeting.instance,
        sent_revision: node.sent,
        since: timestamp(node.ended.unwrap_or(node.began)),
        connections: node.connections,
        requests: node.requests,
        failures: node.failures,
        drained: None,
        target_revision: target.map_or(0, |target| target.revision.number),
        serving_since: node.serving.and_then(|_| timestamp(node.serving_since)),
        r#override: node.pinned.unwrap_or_default(),
        quarantined,
        load: Some(load),
    }
}

fn routes(config_file: &str, intent: &Intent) -> Vec<v1::RouteStatus> {
    let Some(revision) = intent.newest() else { return Vec::new() };
    let routes = revision.snapshot.routes().iter();
    routes.map(|route| route_status(route, source(config_file, revision, route))).collect()
}

fn source(config_file: &str, revision: &Revision, route: &Route) -> String {
    match revision.sources.get(&route.name) {
        Some(position) => format!("{config_file}:{}", position.line),
        None => config_file.to_owned(),
    }
}

fn upstreams(snapshot: &Snapshot, table: &HealthTable) -> Vec<v1::UpstreamStatus> {
    snapshot.upstreams().values().map(|upstream| upstream_to_wire(upstream, snapshot, table)).collect()
}

fn upstream_to_wire(upstream: &Upstream, snapshot: &Snapshot, table: &HealthTable) -> v1::UpstreamStatus {
    let link = Link::of(upstream, snapshot);
    let known = |url| {
        let (check, link) = (upstream.health_check.clone()?, link.clone());
        table.get(&Target { url, check, link })
    };
    let endpoints = upstream.endpoints.iter().map(|endpoint| {
        let known = known(endpoint.url.clone());
        v1::EndpointStatus {
            url: endpoint.url.to_string(),
            weight: endpoint.weight,
            health: health_to_wire(known.map_or(Health::Unknown, |known| known.health)).into(),
            last_error: known.and_then(|known| known.last_error.as_deref()).unwrap_or_default().to_owned(),
            since: known.and_then(|known| timestamp(known.since)),
            drained: None,
            ejected_by: Vec::new(),
        }
    });
    v1::UpstreamStatus { upstream: Some(upstream.into()), endpoints: endpoints.collect() }
}

/// The type that the messages have is not named here: it converts from the system's.
fn timestamp<T: From<SystemTime>>(time: SystemTime) -> Option<T> {
    Some(time.into())
}

/// 0: all.
fn at_most(most: u32) -> usize {
    if most == 0 { usize::MAX } else { usize::try_from(most).unwrap_or(usize::MAX) }
}

fn saturating(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
