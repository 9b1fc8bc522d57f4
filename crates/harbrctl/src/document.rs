//! The answers as JSON and YAML. Programs rely on them: fields are added, never renamed or removed, and the
//! golden files in `testdata/` hold them.
//!
//! Numbers of revisions are 0, and hashes empty, where there is none yet. What is null is not there at all.

use std::collections::BTreeMap;
use std::time::Duration;

use harbr_proto::v1;
use prost_types::Timestamp;
use serde::{Serialize, Serializer};

use crate::lookup::Named;

/// `harbrctl status`
#[derive(Debug, Serialize)]
pub(crate) struct StatusDocument {
    /// What all nodes should serve: the rollout's target.
    pub(crate) revision: u64,
    pub(crate) hash: String,
    pub(crate) proven_revision: u64,
    pub(crate) config_error: Option<ConfigErrorDocument>,
    pub(crate) nodes: NodeCounts,
    pub(crate) converged: bool,
    /// Always null so far: a revision goes to all nodes at once.
    pub(crate) rollout: Option<RolloutDocument>,
    pub(crate) build: String,
    pub(crate) config_file: String,
}

/// Why the file on disk is not what is served.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigErrorDocument {
    pub(crate) message: String,
    pub(crate) file: String,
    /// From 1, in characters; of the first error. 0 where the error has no place, such as a missing file.
    pub(crate) line: u32,
    pub(crate) column: u32,
    #[serde(serialize_with = "rfc3339")]
    pub(crate) since: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub(crate) struct NodeCounts {
    pub(crate) total: u32,
    pub(crate) ready: u32,
    pub(crate) converged: u32,
}

#[derive(Debug, Serialize)]
pub(crate) enum RolloutDocument {}

/// One element of `harbrctl get nodes`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NodeDocument {
    pub(crate) id: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) state: &'static str,
    pub(crate) serving_revision: u64,
    pub(crate) serving_hash: String,
    pub(crate) last_error: Option<String>,
    pub(crate) build: String,
    pub(crate) address: String,
    pub(crate) instance_id: String,
    pub(crate) sent_revision: u64,
    /// When its session began, or ended for one that is disconnected.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) since: Option<Timestamp>,
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
}

/// One element of `harbrctl get routes`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RouteDocument {
    pub(crate) route: String,
    /// Empty: any host.
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) upstream: String,
    pub(crate) timeout_ms: u64,
    pub(crate) retry_count: u32,
    /// `file:line`
    pub(crate) source: String,
    /// Empty: any method.
    pub(crate) methods: Vec<String>,
    /// What a request's headers must be.
    pub(crate) headers: Vec<HeaderDocument>,
    /// What takes the matched prefix's place; null: the path is forwarded as it came.
    pub(crate) replace_prefix: Option<String>,
    /// `preserve`, `upstream`, or the text that is sent.
    pub(crate) host_header: String,
    pub(crate) request_timeout_ms: u64,
    pub(crate) idle_timeout_ms: u64,
    pub(crate) max_body_bytes: u64,
    pub(crate) request_headers: HeaderEditsDocument,
    pub(crate) response_headers: HeaderEditsDocument,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct HeaderDocument {
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct HeaderEditsDocument {
    pub(crate) remove: Vec<String>,
    pub(crate) set: Vec<HeaderDocument>,
}

/// One element of `harbrctl get upstreams`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UpstreamDocument {
    pub(crate) name: String,
    pub(crate) endpoints: Vec<EndpointDocument>,
    pub(crate) balance: &'static str,
    pub(crate) health_check: Option<HealthCheckDocument>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct EndpointDocument {
    pub(crate) url: String,
    pub(crate) weight: u32,
    pub(crate) health: &'static str,
    pub(crate) last_error: Option<String>,
    /// Since when it has this health.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) since: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct HealthCheckDocument {
    /// Null: the connection opens.
    pub(crate) path: Option<String>,
    pub(crate) interval_ms: u64,
    pub(crate) timeout_ms: u64,
    pub(crate) rise: u32,
    pub(crate) fall: u32,
}

/// `harbrctl version`
#[derive(Debug, Serialize)]
pub(crate) struct VersionDocument {
    pub(crate) version: String,
}

/// `harbrctl validate FILE`
#[derive(Debug, Serialize)]
pub(crate) struct ValidationDocument {
    pub(crate) file: String,
    pub(crate) valid: bool,
    /// 0 in a file that is not valid.
    pub(crate) routes: usize,
    pub(crate) upstreams: usize,
    pub(crate) error: Option<FileErrorDocument>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FileErrorDocument {
    pub(crate) message: String,
    /// From 1, in characters; of the first error.
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl From<v1::Status> for StatusDocument {
    fn from(status: v1::Status) -> Self {
        Self {
            revision: status.revision,
            hash: status.hash,
            proven_revision: status.proven_revision,
            config_error: status.config_error.map(ConfigErrorDocument::from),
            nodes: NodeCounts {
                total: status.nodes_total,
                ready: status.nodes_ready,
                converged: status.nodes_converged,
            },
            converged: status.converged,
            rollout: None,
            build: status.build,
            config_file: status.config_file,
        }
    }
}

impl From<v1::ConfigError> for ConfigErrorDocument {
    fn from(error: v1::ConfigError) -> Self {
        let v1::ConfigError { message, file, line, column, since } = error;
        Self { message, file, line, column, since }
    }
}

impl From<v1::Node> for NodeDocument {
    fn from(node: v1::Node) -> Self {
        Self {
            state: node_state(node.state()),
            id: node.id,
            labels: node.labels.into_iter().map(|label| (label.name, label.value)).collect(),
            serving_revision: node.serving_revision,
            serving_hash: node.serving_hash,
            last_error: said(node.last_error),
            build: node.build,
            address: node.address,
            instance_id: node.instance_id,
            sent_revision: node.sent_revision,
            since: node.since,
            connections: node.connections,
            requests: node.requests,
            failures: node.failures,
        }
    }
}

impl From<v1::RouteStatus> for RouteDocument {
    fn from(status: v1::RouteStatus) -> Self {
        let route = status.route.unwrap_or_default();
        Self {
            route: route.name,
            host: status.host,
            path: if status.path.is_empty() { "/".to_owned() } else { status.path },
            upstream: route.upstream,
            timeout_ms: millis(route.attempt_timeout),
            retry_count: route.max_retries,
            source: status.source,
            methods: route.methods,
            headers: route.match_headers.into_iter().map(HeaderDocument::from).collect(),
            replace_prefix: route.replace_prefix,
            host_header: host_header(route.host_header),
            request_timeout_ms: millis(route.request_timeout),
            idle_timeout_ms: millis(route.idle_timeout),
            max_body_bytes: route.max_body,
            request_headers: route.request_headers.map(HeaderEditsDocument::from).unwrap_or_default(),
            response_headers: route.response_headers.map(HeaderEditsDocument::from).unwrap_or_default(),
        }
    }
}

impl From<v1::Header> for HeaderDocument {
    fn from(header: v1::Header) -> Self {
        Self { name: header.name, value: String::from_utf8_lossy(&header.value).into_owned() }
    }
}

impl From<v1::HeaderEdits> for HeaderEditsDocument {
    fn from(edits: v1::HeaderEdits) -> Self {
        Self { remove: edits.remove, set: edits.set.into_iter().map(HeaderDocument::from).collect() }
    }
}

impl From<v1::UpstreamStatus> for UpstreamDocument {
    fn from(status: v1::UpstreamStatus) -> Self {
        let upstream = status.upstream.unwrap_or_default();
        Self {
            balance: balance(upstream.balance()),
            name: upstream.name,
            endpoints: status.endpoints.into_iter().map(EndpointDocument::from).collect(),
            health_check: upstream.health_check.map(HealthCheckDocument::from),
        }
    }
}

impl From<v1::EndpointStatus> for EndpointDocument {
    fn from(status: v1::EndpointStatus) -> Self {
        Self {
            health: health(status.health()),
            url: status.url,
            weight: status.weight,
            last_error: said(status.last_error),
            since: status.since,
        }
    }
}

impl From<v1::HealthCheck> for HealthCheckDocument {
    fn from(check: v1::HealthCheck) -> Self {
        Self {
            path: match check.probe {
                Some(v1::health_check::Probe::HttpPath(path)) => Some(path),
                Some(v1::health_check::Probe::Tcp(_)) | None => None,
            },
            interval_ms: millis(check.interval),
            timeout_ms: millis(check.timeout),
            rise: check.rise,
            fall: check.fall,
        }
    }
}

fn node_state(state: v1::NodeState) -> &'static str {
    match state {
        v1::NodeState::Ready => "ready",
        v1::NodeState::Syncing => "syncing",
        v1::NodeState::Rejected => "rejected",
        v1::NodeState::Draining => "draining",
        // A newer controller's state is not one that serves as it should, as far as this build can tell.
        v1::NodeState::Disconnected | v1::NodeState::Unspecified => "disconnected",
    }
}

fn health(health: v1::Health) -> &'static str {
    match health {
        v1::Health::Healthy => "healthy",
        v1::Health::Unhealthy => "unhealthy",
        v1::Health::Unknown | v1::Health::Unspecified => "unknown",
    }
}

fn balance(balance: v1::Balance) -> &'static str {
    match balance {
        v1::Balance::RoundRobin => "round_robin",
        v1::Balance::LeastRequest | v1::Balance::Unspecified => "least_request",
    }
}

fn host_header(header: Option<v1::HostHeader>) -> String {
    match header.and_then(|header| header.kind) {
        Some(v1::host_header::Kind::Upstream(_)) => "upstream".to_owned(),
        Some(v1::host_header::Kind::Literal(text)) => String::from_utf8_lossy(&text).into_owned(),
        Some(v1::host_header::Kind::Preserve(_)) | None => "preserve".to_owned(),
    }
}

fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn millis(duration: Option<prost_types::Duration>) -> u64 {
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok()).unwrap_or_default();
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn rfc3339<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

impl Named for NodeDocument {
    const KIND: &'static str = "node";

    fn name(&self) -> &str {
        &self.id
    }
}

impl Named for RouteDocument {
    const KIND: &'static str = "route";

    fn name(&self) -> &str {
        &self.route
    }
}

impl Named for UpstreamDocument {
    const KIND: &'static str = "upstream";

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests;
