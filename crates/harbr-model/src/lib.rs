//! What a snapshot is: plain, valid, inert types.
//!
//! This crate is the only vocabulary that both planes share. It knows no files, no wire, no clocks and no
//! async runtime; `http` lends it its words for methods, headers and their syntax. Values are parsed once,
//! at a boundary, and are valid from then on by their type.
//!
//! Reading order: [`Snapshot`] is the whole; a [`Route`] says which requests go to which [`Upstream`];
//! [`Settings`] hold for a node as a whole; [`Health`] travels beside a snapshot, never inside it; a
//! [`RolloutPolicy`] says how a snapshot reaches the fleet.

mod access_log;
mod connect;
mod health;
mod limits;
mod listener;
mod network;
mod outlier;
mod rollout;
mod route;
mod sample;
mod settings;
mod snapshot;
mod tls;
mod tracing;
mod upstream;

pub use access_log::{AccessLog, LogField, LogFormat, UnknownLogField};
pub use connect::{ConnectTarget, InvalidConnectTarget};
pub use health::{Health, HealthCheck, Probe};
pub use limits::{
    HTTP2_WINDOWS, MAX_CERTIFICATES, MAX_CONNECT_TARGETS, MAX_ENDPOINTS, MAX_LISTENERS, MAX_NAME_BYTES,
    MAX_RETRIES, MAX_ROUTES, MAX_SAMPLE_SIZE, MAX_SAMPLE_STRIDE, MAX_TIMEOUT, MAX_TRUSTED_PROXIES, MAX_WAVES,
    RETRY_BUDGET_FLOOR, RETRY_BUDGET_SHARE,
};
pub use listener::{Listener, OtherPeers, ProxyPeers, ProxyProtocol};
pub use network::{InvalidNetwork, Network};
pub use outlier::OutlierPolicy;
pub use rollout::{
    GatePolicy, InvalidShare, RolloutPolicy, Share, Strategy, Wave, WaveNodes, WithoutEvidence,
};
pub use route::{
    HeaderEdits, HeaderMatch, HostHeader, HostPattern, InvalidHostPattern, InvalidPathPrefix, PathPrefix,
    PathRewrite, Route, RouteMatch, TimeoutPolicy,
};
pub use sample::{InvalidSampleShare, SampleShare};
pub use settings::{Http2Settings, OddPaths, Settings, TrafficSample};
pub use snapshot::{InvalidSnapshot, Resources, Snapshot};
pub use tls::{
    Authority, Certificate, ClientAuth, ClientAuthMode, ListenerTls, PrivateKey, TlsVersion, UpstreamTls,
    Verification,
};
pub use tracing::Tracing;
pub use upstream::{Balance, Endpoint, EndpointUrl, InvalidEndpointUrl, Protocol, Scheme, Upstream};
