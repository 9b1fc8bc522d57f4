//! The file as it is written: which keys there are and of what kind, and nothing yet about their values.
//!
//! Each value is a [`Field`], so that reading goes on past what is wrong. A type that accepts several kinds
//! of YAML is an enum with the kinds as its variants' names.

use serde::Deserialize;

use crate::read::{Entries, Field};

/// A size such as `10MiB`, a duration such as `10s`, or any other text.
type Text = Field<String>;
/// Wide enough that a number far too large is told its limits.
type Integer = Field<i128>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawConfig {
    pub(crate) listen_addr: Text,
    pub(crate) listeners: Field<Vec<Field<RawListener>>>,
    pub(crate) global_timeout_ms: Integer,
    pub(crate) max_connections: Integer,
    pub(crate) routes: Field<Entries<RawRoutes>>,
    pub(crate) upstreams: Field<Entries<RawUpstream>>,
    pub(crate) idle_timeout: Text,
    pub(crate) keep_alive_timeout: Text,
    pub(crate) header_timeout: Text,
    pub(crate) upstream_idle_timeout: Text,
    pub(crate) max_body: Text,
    pub(crate) max_header_bytes: Text,
    pub(crate) max_headers: Integer,
    pub(crate) access_log: Text,
    pub(crate) trusted_proxies: Field<Vec<Text>>,
    pub(crate) allow_nul_in_path: Field<bool>,
    pub(crate) allow_backslash_in_path: Field<bool>,
    pub(crate) allow_path_above_root: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawListener {
    pub(crate) name: Text,
    pub(crate) addr: Text,
    pub(crate) tls: Field<RawListenerTls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawListenerTls {
    pub(crate) certificates: Field<Vec<Field<RawCertificate>>>,
}

/// Paths of files.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawCertificate {
    pub(crate) cert: Text,
    pub(crate) key: Text,
}

/// What stands at a route key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawRoutes {
    Mapping(Box<RawRoute>),
    List(Vec<Field<RawRoute>>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRoute {
    pub(crate) upstream: Text,
    pub(crate) health_check_path: Text,
    pub(crate) health_check: Field<RawHealthCheck>,
    pub(crate) timeout_ms: Integer,
    pub(crate) retry_count: Integer,
    pub(crate) strip_prefix: Field<bool>,
    pub(crate) rewrite: Text,
    pub(crate) host_header: Text,
    pub(crate) methods: Field<Vec<Text>>,
    pub(crate) headers: Field<RawHeaders>,
    pub(crate) max_body: Text,
    pub(crate) idle_timeout: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawHeaders {
    #[serde(rename = "match")]
    pub(crate) matches: Field<Entries<String>>,
    pub(crate) request: Field<RawHeaderEdits>,
    pub(crate) response: Field<RawHeaderEdits>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawHeaderEdits {
    pub(crate) set: Field<Entries<String>>,
    pub(crate) remove: Field<Vec<Text>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawHealthCheck {
    pub(crate) path: Text,
    pub(crate) interval: Text,
    pub(crate) timeout: Text,
    pub(crate) rise: Integer,
    pub(crate) fall: Integer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawUpstream {
    pub(crate) endpoints: Field<Vec<Field<RawEndpoint>>>,
    pub(crate) balance: Text,
    pub(crate) health_check: Field<RawHealthCheck>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawEndpoint {
    Text(String),
    Mapping(RawWeightedEndpoint),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawWeightedEndpoint {
    pub(crate) url: Text,
    pub(crate) weight: Integer,
}
