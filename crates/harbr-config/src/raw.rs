//! The file as it is written: which keys there are and of what kind, and nothing yet about their values.
//!
//! Each value is a [`Field`], so that reading goes on past what is wrong. A type that accepts several kinds
//! of YAML is an enum with the kinds as its variants' names. The doc comment of a field is its description in
//! the JSON Schema and in `docs/configuration.md`; see [`crate::schema`].

mod record;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::read::{Entries, Field};
use crate::schema as kind;

pub(crate) use record::{RawAccessLog, RawAccessLogSettings, RawTracing};

/// A size such as `10MiB`, a duration such as `10s`, or any other text.
type Text = Field<String>;
/// Wide enough that a number far too large is told its limits.
type Integer = Field<i128>;

/// The configuration of a fleet.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Configuration")]
pub(crate) struct RawConfig {
    /// Where clients connect: IP address and port. Short for one listener named `default`.
    #[schemars(with = "kind::Address", extend("x-default" = "required, unless `listeners`", "x-limits" = "not beside `listeners`"))]
    pub(crate) listen_addr: Text,
    /// Several addresses. Names and addresses differ.
    #[schemars(extend("x-limits" = "1–64"))]
    pub(crate) listeners: Field<Vec<Field<RawListener>>>,
    /// The time of a request up to the response's head, over all attempts, and the default of `timeout_ms`.
    #[schemars(with = "kind::Milliseconds", extend("x-required" = true))]
    pub(crate) global_timeout_ms: Integer,
    /// Connections from clients at once, over all listeners of a node. Past it new ones wait, and idle ones
    /// are closed.
    #[schemars(with = "kind::Integer", range(min = 1, max = 10_000_000), extend("x-required" = true))]
    pub(crate) max_connections: Integer,
    /// Route keys and [routes](#routes).
    #[schemars(extend("x-required" = true, "x-limits" = "1–1,000,000"))]
    pub(crate) routes: Field<Entries<RawRoutes>>,
    /// Names and [upstreams](#upstreams).
    pub(crate) upstreams: Field<Entries<RawUpstream>>,
    /// How long a body may stand still, either way. A client that sends or takes less than 16 bytes a
    /// second over this time stands still.
    #[schemars(with = "kind::Duration", extend("default" = "60s", "x-limits" = "1ms–24h"))]
    pub(crate) idle_timeout: Text,
    /// How long a client's connection may rest between two requests.
    #[schemars(with = "kind::Duration", extend("default" = "75s", "x-limits" = "1ms–24h"))]
    pub(crate) keep_alive_timeout: Text,
    /// From the first wait for a request to the end of its head.
    #[schemars(with = "kind::Duration", extend("default" = "30s", "x-limits" = "1ms–24h"))]
    pub(crate) header_timeout: Text,
    /// How long an unused connection to an upstream is kept. Keep it below the upstream's own limit.
    #[schemars(with = "kind::Duration", extend("default" = "4s", "x-limits" = "1ms–24h"))]
    pub(crate) upstream_idle_timeout: Text,
    /// How long a proxy believes the prober's last word after its controller is gone; then only `outlier`
    /// takes endpoints out.
    #[schemars(with = "kind::Duration", extend("default" = "5m", "x-limits" = "1ms–24h"))]
    pub(crate) health_freeze: Text,
    /// A request's body. Beyond it: 413.
    #[schemars(with = "kind::Size", extend("default" = "1GiB", "x-limits" = "1B–16384GiB"))]
    pub(crate) max_body: Text,
    /// A head, start line included. Beyond it: 431.
    #[schemars(with = "kind::Size", extend("default" = "64KiB", "x-limits" = "1KiB–1MiB"))]
    pub(crate) max_header_bytes: Text,
    /// Header lines of a head. Beyond it: 431.
    #[schemars(with = "kind::Integer", range(min = 1, max = 1000), extend("default" = 100))]
    pub(crate) max_headers: Integer,
    /// What a client may ask of one HTTP/2 connection at a time.
    pub(crate) http2: Field<RawHttp2>,
    /// What each proxy remembers of the requests of the last minutes, for `harbrctl plan`.
    pub(crate) traffic_sample: Field<RawTrafficSample>,
    /// A line for each request, on standard output, [see there](access_log.md). The format alone is short for a
    /// mapping with nothing else.
    #[schemars(extend("default" = "json"))]
    pub(crate) access_log: Field<RawAccessLog>,
    /// Make spans of requests, and send them to a collector. Without it none are made.
    pub(crate) tracing: Field<RawTracing>,
    /// Whose `X-Forwarded-For`, `-Proto`, `-Host`, `Forwarded` and `X-Real-IP` are kept and extended, such
    /// as a load balancer's: `10.0.0.0/8`. Anybody else's are replaced.
    #[schemars(with = "Vec<kind::Block>", extend("default" = [], "x-limits" = "at most 1,000"))]
    pub(crate) trusted_proxies: Field<Vec<Text>>,
    /// `%00` in a path goes on as it came, instead of 400.
    #[schemars(extend("default" = false))]
    pub(crate) allow_nul_in_path: Field<bool>,
    /// `\` and `%5C` in a path go on as they came, instead of 400. They never separate segments.
    #[schemars(extend("default" = false))]
    pub(crate) allow_backslash_in_path: Field<bool>,
    /// A path that climbs above the root ends at the root, instead of 400.
    #[schemars(extend("default" = false))]
    pub(crate) allow_path_above_root: Field<bool>,
    /// How a change reaches the fleet, [see below](#rollout).
    pub(crate) rollout: Field<RawRollout>,
}

/// How a change reaches the fleet.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Rollout")]
pub(crate) struct RawRollout {
    /// `immediate`: the whole fleet at once. It is watched, and taken back, all the same.
    #[schemars(with = "kind::Strategy", extend("default" = "waves"))]
    pub(crate) strategy: Text,
    /// One after the other; after the last one the whole fleet, with the last one's bake.
    #[schemars(extend("x-default" = "one node", "x-limits" = "1–16, not beside `immediate`"))]
    pub(crate) waves: Field<Vec<Field<RawWave>>>,
    /// How long it serves the whole fleet, after the last bake, before it is proven.
    #[schemars(with = "kind::Duration", extend("default" = "30s", "x-limits" = "at most 24h"))]
    pub(crate) proving_time: Text,
    /// Of the fleet so many nodes may be unable to take it without holding it up.
    #[schemars(with = "kind::Share", extend("default" = "10%"))]
    pub(crate) max_unavailable: Text,
    /// What the traffic of a wave is held to.
    pub(crate) gate: Field<RawGate>,
    /// A change that removes more than this of the routes or the upstreams, or leaves that much fewer endpoints,
    /// and at least 3 of them, is held.
    #[schemars(with = "kind::Percentage", extend("default" = "50%"))]
    pub(crate) max_shrink: Text,
    /// The revision with this hash, or one that begins so, may shrink that much. It is no part of what a revision
    /// means.
    #[schemars(with = "kind::Hash", extend("x-limits" = "at least 8 digits"))]
    pub(crate) allow_shrink: Text,
}

/// Some nodes of the fleet.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Wave")]
pub(crate) struct RawWave {
    /// So many of the connected nodes, those of the waves before among them. Rounded up.
    #[schemars(with = "kind::Share", extend("x-limits" = "at least one; not beside `labels`"))]
    pub(crate) nodes: Text,
    /// The nodes with all of these labels, besides those of the waves before.
    #[schemars(with = "kind::Labels", extend("x-limits" = "at least one"))]
    pub(crate) labels: Field<Entries<String>>,
    /// How long all of the wave's nodes serve it before the next wave.
    #[schemars(with = "kind::Duration", extend("default" = "1s", "x-limits" = "at most 24h"))]
    pub(crate) bake: Text,
}

/// What the traffic of a wave is held to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Gate")]
pub(crate) struct RawGate {
    /// By so many percentage points more requests may fail than on the rest and before.
    #[schemars(with = "kind::Percentage", extend("default" = "1%"))]
    pub(crate) tolerance: Text,
    /// With fewer requests than this a wave has shown nothing.
    #[schemars(with = "kind::Integer", range(min = 1, max = 1_000_000), extend("default" = 100))]
    pub(crate) min_requests: Integer,
    /// So long a wave that has shown too little waits after its bake.
    #[schemars(with = "kind::Duration", extend("default" = "0s", "x-limits" = "at most 24h"))]
    pub(crate) evidence_wait: Text,
    /// What then: go on, which the history records, or wait for `harbrctl rollout promote`.
    #[schemars(with = "kind::WithoutEvidence", extend("default" = "continue"))]
    pub(crate) without_evidence: Text,
}

/// An address to accept connections on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Listener")]
pub(crate) struct RawListener {
    /// What logs, metrics and `--listen` call it. Names differ.
    #[schemars(with = "kind::Name", extend("x-required" = true, "x-limits" = "letters, digits, `-_.`"))]
    pub(crate) name: Text,
    /// IP address and port. Addresses differ.
    #[schemars(with = "kind::Address", extend("x-required" = true))]
    pub(crate) addr: Text,
    /// Speak TLS. Without it, in the clear.
    pub(crate) tls: Field<RawListenerTls>,
    /// Who begins each connection with a PROXY header, which says who the client is. Without it, nobody.
    pub(crate) proxy_protocol: Field<RawProxyPeers>,
    /// Answer each request 308, to the same host, path and query by `https`, at port 443 or this one. No
    /// route is looked for.
    #[schemars(with = "kind::Redirect", extend("default" = false, "x-limits" = "not beside `tls`"))]
    pub(crate) redirect_https: Text,
    /// Where clients may have tunnels to, by `CONNECT` over HTTP/1: `db.example.com:5432`, `*.example.com:443`. Anywhere
    /// else is 403; without it `CONNECT` is 405.
    #[schemars(with = "Vec<kind::ConnectTarget>", extend("default" = [], "x-limits" = "at most 1,000"))]
    pub(crate) connect: Field<Vec<Text>>,
}

/// How a listener speaks TLS.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ListenerTls")]
pub(crate) struct RawListenerTls {
    /// Each client is shown the first whose names fit the one that it asks for (an exact name before
    /// `*.example.com`, which stands for one label), else the first of the list.
    #[schemars(extend("x-required" = true, "x-limits" = "1–1,000 in a file"))]
    pub(crate) certificates: Field<Vec<Field<RawCertificate>>>,
    /// Older versions are refused.
    #[schemars(with = "kind::TlsVersion", extend("default" = "1.2"))]
    pub(crate) min_version: Text,
    /// Ask clients for a certificate. Without it they are not.
    pub(crate) client_auth: Field<RawClientAuth>,
}

/// What clients show of themselves.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ClientAuth")]
pub(crate) struct RawClientAuth {
    /// The path of a PEM file with those to whom their certificates must lead.
    #[schemars(with = "kind::File", extend("x-required" = true, "x-limits" = "1 MiB"))]
    pub(crate) ca: Text,
    /// `optional`: a client may show none; one that it shows must be good.
    #[schemars(with = "kind::ClientAuthMode", extend("default" = "required"))]
    pub(crate) mode: Text,
}

/// The proxies before a listener.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ProxyPeers")]
pub(crate) struct RawProxyPeers {
    /// Their addresses. Each connection from there has a header, of version 1 or 2.
    #[schemars(with = "Vec<kind::Block>", extend("x-required" = true, "x-limits" = "at most 1,000"))]
    pub(crate) from: Field<Vec<Text>>,
    /// Connections from elsewhere are refused, or served as they are.
    #[schemars(with = "kind::OtherPeers", extend("default" = "refuse"))]
    pub(crate) others: Text,
}

/// Paths of files.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Certificate")]
pub(crate) struct RawCertificate {
    /// The path, from the configuration's folder, of a PEM file with the certificate and its chain.
    #[schemars(with = "kind::File", extend("x-required" = true, "x-limits" = "1 MiB"))]
    pub(crate) cert: Text,
    /// That of a PEM file with the certificate's key.
    #[schemars(with = "kind::File", extend("x-required" = true, "x-limits" = "1 MiB"))]
    pub(crate) key: Text,
}

/// What a client may ask of one HTTP/2 connection at a time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Http2")]
pub(crate) struct RawHttp2 {
    /// Requests under way at once. One beyond them is refused unseen, and its client may send it again.
    #[schemars(with = "kind::Integer", range(min = 1, max = 1000), extend("default" = 100))]
    pub(crate) max_concurrent_streams: Integer,
    /// What of one request's body may come before it is taken.
    #[schemars(with = "kind::Size", extend("default" = "256KiB", "x-limits" = "65535B–16MiB"))]
    pub(crate) stream_window: Text,
    /// The same for all requests of a connection: what its uploads hold in memory at most.
    #[schemars(with = "kind::Size", extend("default" = "1MiB", "x-limits" = "65535B–16MiB"))]
    pub(crate) connection_window: Text,
}

/// What each proxy remembers of the requests of the last ten minutes, so that `harbrctl plan` can try a change on
/// them: method, host, path without the query, and those headers that a route matches on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "TrafficSample")]
pub(crate) struct RawTrafficSample {
    /// Of so many requests one. Where that is more than `size` in ten minutes, a proxy takes fewer by itself. 0: none.
    #[schemars(with = "kind::Integer", range(min = 0, max = 1_000_000), extend("default" = 10))]
    pub(crate) one_in: Integer,
    /// Requests that a proxy remembers at once, with 512 bytes for each on average.
    #[schemars(with = "kind::Integer", range(min = 1, max = 100_000), extend("default" = 10_000))]
    pub(crate) size: Integer,
}

/// What stands at a route key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(untagged)]
#[schemars(rename = "Routes")]
pub(crate) enum RawRoutes {
    Mapping(Box<RawRoute>),
    List(Vec<Field<RawRoute>>),
}

/// Which requests go where, and how.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Route")]
pub(crate) struct RawRoute {
    /// Where requests go. A URL's own path is put before the request's.
    #[schemars(with = "kind::UrlOrName", extend("x-required" = true))]
    pub(crate) upstream: Text,
    /// Probe the upstream here, with the defaults of `health_check`. Only with a URL.
    #[schemars(with = "kind::Path", extend("x-limits" = "not beside `health_check`"))]
    pub(crate) health_check_path: Text,
    /// How the upstream is probed. Only with a URL: a named upstream has its own.
    pub(crate) health_check: Field<RawHealthCheck>,
    /// One attempt: from connect, and anew from the end of the request's body, up to the response's head.
    /// While bodies move only `idle_timeout` holds.
    #[schemars(with = "kind::Milliseconds", extend("x-default" = "`global_timeout_ms`"))]
    pub(crate) timeout_ms: Integer,
    /// Attempts after the first, [see below](#retries).
    #[schemars(with = "kind::Integer", range(min = 0, max = 10), extend("default" = 0))]
    pub(crate) retry_count: Integer,
    /// Take the matched prefix off.
    #[schemars(extend("default" = false, "x-limits" = "not beside `rewrite`"))]
    pub(crate) strip_prefix: Field<bool>,
    /// Put this in the matched prefix's place.
    #[schemars(with = "kind::Path")]
    pub(crate) rewrite: Text,
    /// The `Host` that the upstream sees: the client's, the endpoint's own, or this one.
    #[schemars(with = "kind::Host", extend("default" = "preserve"))]
    pub(crate) host_header: Text,
    /// Condition: one of these. Empty: any.
    #[schemars(with = "Vec<kind::Method>", extend("default" = [], "x-limits" = "upper case"))]
    pub(crate) methods: Field<Vec<Text>>,
    /// Conditions on headers, and edits of them.
    pub(crate) headers: Field<RawHeaders>,
    /// A request's body. Beyond it: 413.
    #[schemars(with = "kind::Size", extend("x-default" = "the file's", "x-limits" = "1B–16384GiB"))]
    pub(crate) max_body: Text,
    /// How long a body may stand still.
    #[schemars(with = "kind::Duration", extend("x-default" = "the file's", "x-limits" = "1ms–24h"))]
    pub(crate) idle_timeout: Text,
}

/// Conditions on headers, and edits of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Headers")]
pub(crate) struct RawHeaders {
    /// Condition: each header is there with exactly this value.
    #[schemars(with = "kind::HeaderValues")]
    #[serde(rename = "match")]
    pub(crate) matches: Field<Entries<String>>,
    /// Edits of the request's head.
    pub(crate) request: Field<RawHeaderEdits>,
    /// Edits of the response's head.
    pub(crate) response: Field<RawHeaderEdits>,
}

/// Edits of a head on its way: removals first, then what is set.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "HeaderEdits")]
pub(crate) struct RawHeaderEdits {
    /// Set to this, whatever was there.
    #[schemars(with = "kind::HeaderValues", extend("x-limits" = "not `Host`, framing or hop-by-hop headers"))]
    pub(crate) set: Field<Entries<String>>,
    /// Taken out.
    #[schemars(with = "Vec<kind::HeaderName>", extend("default" = [], "x-limits" = "as `set`"))]
    pub(crate) remove: Field<Vec<Text>>,
}

/// How the controller finds out whether an endpoint can serve.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "HealthCheck")]
pub(crate) struct RawHealthCheck {
    /// `GET` this; 200–299 is a success. Without it only a connection is opened. The endpoint URL's own
    /// path is not put before it.
    #[schemars(with = "kind::Path")]
    pub(crate) path: Text,
    /// Between two probes.
    #[schemars(with = "kind::Duration", extend("default" = "10s", "x-limits" = "100ms–24h"))]
    pub(crate) interval: Text,
    /// For one probe.
    #[schemars(with = "kind::Duration", extend("default" = "5s", "x-limits" = "1ms–24h"))]
    pub(crate) timeout: Text,
    /// Successes in a row that bring an endpoint back.
    #[schemars(with = "kind::Integer", range(min = 1, max = 100), extend("default" = 1))]
    pub(crate) rise: Integer,
    /// Failures in a row that take it out.
    #[schemars(with = "kind::Integer", range(min = 1, max = 100), extend("default" = 1))]
    pub(crate) fall: Integer,
}

/// A named set of endpoints that can answer the same requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Upstream")]
pub(crate) struct RawUpstream {
    /// Who can answer. The proxy resolves names, every 10 s, and keeps the last answer on errors.
    #[schemars(extend("x-required" = true, "x-limits" = "1–10,000"))]
    pub(crate) endpoints: Field<Vec<Field<RawEndpoint>>>,
    /// How endpoints are spoken to: in HTTP/1.1; in HTTP/2 over TLS; in HTTP/2 in clear text, without asking; over
    /// TLS as the endpoint chooses, in clear text in HTTP/1.1.
    #[schemars(with = "kind::Protocol", extend("default" = "http1", "x-limits" = "`h2` for `https`, `h2c` for `http`"))]
    pub(crate) protocol: Text,
    /// The less busy of two drawn at random, or in turn; both by weight.
    #[schemars(with = "kind::Balance", extend("default" = "least_request"))]
    pub(crate) balance: Text,
    /// How its endpoints are probed. Without it they are not.
    pub(crate) health_check: Field<RawHealthCheck>,
    /// Percent. With fewer of the endpoints than that not unhealthy, all are used: some answers are better
    /// than none. 0: an unhealthy endpoint gets nothing.
    #[schemars(with = "kind::Integer", range(min = 0, max = 100), extend("default" = 0))]
    pub(crate) panic_threshold: Integer,
    /// When a proxy takes an endpoint out by what it sees itself.
    pub(crate) outlier: Field<RawOutlier>,
    /// How its `https` endpoints are spoken to, by requests and by probes.
    pub(crate) tls: Field<RawUpstreamTls>,
    /// Each connection begins with a PROXY header of this version: the client's address, and the one that
    /// it connected to. Such a connection serves one request, and is not kept.
    #[schemars(with = "kind::ProxyProtocol")]
    pub(crate) proxy_protocol: Text,
}

/// When a proxy takes an endpoint out by what it sees itself, and for how long.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Outlier")]
pub(crate) struct RawOutlier {
    /// Attempts in a row that a 5xx, a reset or a timeout ended. 0: never.
    #[schemars(with = "kind::Integer", range(min = 0, max = 1000), extend("default" = 5))]
    pub(crate) failures: Integer,
    /// Connections in a row that could not be opened. 0: never.
    #[schemars(with = "kind::Integer", range(min = 0, max = 1000), extend("default" = 5))]
    pub(crate) connect_failures: Integer,
    /// Of the first ejection; the second is twice as long, and so on, up to a tenth longer by chance.
    #[schemars(with = "kind::Duration", extend("default" = "30s", "x-limits" = "100ms–24h"))]
    pub(crate) base_time: Text,
    /// Of any ejection, the first too. Unless it is said, not below `base_time`.
    #[schemars(with = "kind::Duration", extend("default" = "5m", "x-limits" = "100ms–24h"))]
    pub(crate) max_time: Text,
    /// Percent of the upstream's endpoints that are out at once, rounded down. 0 turns it off, and lets those
    /// back that are out.
    #[schemars(with = "kind::Integer", range(min = 0, max = 100), extend("default" = 50))]
    pub(crate) max_ejected: Integer,
}

/// Whom endpoints must be vouched for by, what they are asked for, and what they are shown.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "UpstreamTls")]
pub(crate) struct RawUpstreamTls {
    /// The path of a PEM file with those to whom their certificates must lead.
    #[schemars(with = "kind::File", extend("x-default" = "whom the system trusts", "x-limits" = "1 MiB"))]
    pub(crate) ca: Text,
    /// The name that they are asked for (SNI), and that their certificates must be for.
    #[schemars(with = "kind::ServerName", extend("x-default" = "the URL's host"))]
    pub(crate) server_name: Text,
    /// The path of a PEM file with the certificate that they are shown, and its chain.
    #[schemars(with = "kind::File", extend("x-limits" = "1 MiB, with `key`"))]
    pub(crate) cert: Text,
    /// That of a PEM file with the certificate's key.
    #[schemars(with = "kind::File", extend("x-limits" = "1 MiB, with `cert`"))]
    pub(crate) key: Text,
    /// `false`: whoever answers is believed. For tests only.
    #[schemars(extend("default" = true))]
    pub(crate) verify: Field<bool>,
}

/// An endpoint; its URL alone has the weight 1.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(untagged)]
#[schemars(rename = "EndpointOrUrl")]
pub(crate) enum RawEndpoint {
    Text(String),
    Mapping(RawWeightedEndpoint),
}

/// An endpoint and its share.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Endpoint")]
pub(crate) struct RawWeightedEndpoint {
    /// Where it is.
    #[schemars(with = "kind::Url", extend("x-required" = true))]
    pub(crate) url: Text,
    /// Its share of the requests, relative to the others'.
    #[schemars(with = "kind::Integer", range(min = 1, max = 1000), extend("default" = 1))]
    pub(crate) weight: Integer,
}
