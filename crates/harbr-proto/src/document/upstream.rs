use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::drained::DrainedDocument;
use super::{millis, rfc3339, said};

/// One element of `harbrctl get upstreams`.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamDocument {
    pub name: String,
    pub endpoints: Vec<EndpointDocument>,
    pub protocol: &'static str,
    pub balance: &'static str,
    pub health_check: Option<HealthCheckDocument>,
    pub panic_threshold: u32,
    pub outlier: OutlierDocument,
}

/// When proxies take an endpoint out by what they see themselves.
#[derive(Debug, Clone, Serialize)]
pub struct OutlierDocument {
    pub failures: u32,
    pub connect_failures: u32,
    pub base_time_ms: u64,
    pub max_time_ms: u64,
    pub max_ejected: u32,
}

#[derive(Debug, Clone, Serialize)]
pub struct EndpointDocument {
    pub url: String,
    pub weight: u32,
    pub health: &'static str,
    pub last_error: Option<String>,
    /// Since when it has this health.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<Timestamp>,
    /// By whose order it gets no new request; not there: it gets them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drained: Option<DrainedDocument>,
    /// The nodes that leave it out by what they saw themselves, and why; not there: none does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ejected_by: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct HealthCheckDocument {
    /// Null: the connection opens.
    pub path: Option<String>,
    pub interval_ms: u64,
    pub timeout_ms: u64,
    pub rise: u32,
    pub fall: u32,
}

impl From<v1::UpstreamStatus> for UpstreamDocument {
    fn from(status: v1::UpstreamStatus) -> Self {
        let upstream = status.upstream.unwrap_or_default();
        Self {
            protocol: protocol(upstream.protocol()),
            balance: balance(upstream.balance()),
            name: upstream.name,
            endpoints: status.endpoints.into_iter().map(EndpointDocument::from).collect(),
            health_check: upstream.health_check.map(HealthCheckDocument::from),
            panic_threshold: upstream.panic_threshold,
            outlier: upstream.outlier.unwrap_or_default().into(),
        }
    }
}

impl From<v1::OutlierPolicy> for OutlierDocument {
    fn from(policy: v1::OutlierPolicy) -> Self {
        Self {
            failures: policy.failures,
            connect_failures: policy.connect_failures,
            base_time_ms: millis(policy.base_time),
            max_time_ms: millis(policy.max_time),
            max_ejected: policy.max_ejected,
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
            drained: status.drained.map(DrainedDocument::from),
            ejected_by: status.ejected_by,
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

fn protocol(protocol: v1::Protocol) -> &'static str {
    match protocol {
        v1::Protocol::Http1 | v1::Protocol::Unspecified => "http1",
        v1::Protocol::Http2 => "h2",
        v1::Protocol::Http2Cleartext => "h2c",
        v1::Protocol::Auto => "auto",
    }
}
