//! Health of endpoints, found out by one prober for the whole fleet.
//!
//! Probes are per (URL, check) and way to connect, whatever the number of upstreams and nodes. Reading order: [`Target`] is what is
//! probed; `standing` decides what results mean; `probe` asks once; `prober` keeps asking; `guard` doubts
//! what it sees; [`HealthTable`] is
//! what all others see.

mod connect;
mod guard;
mod probe;
mod prober;
mod standing;
mod table;

use std::sync::Arc;

use harbr_model::{EndpointUrl, HealthCheck, ProxyProtocol, Snapshot, Upstream};
use harbr_tls::UpstreamCredentials;

pub(crate) use self::prober::Prober;
pub(crate) use self::table::HealthTable;

/// One thing to probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) url: EndpointUrl,
    pub(crate) check: HealthCheck,
    pub(crate) link: Link,
}

/// How it is connected to, beneath HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Link {
    /// `None`: all defaults.
    pub(crate) tls: Option<Arc<UpstreamCredentials>>,
    /// The header that each connection begins with.
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
}

impl Link {
    pub(crate) fn of(upstream: &Upstream, snapshot: &Snapshot) -> Self {
        let tls = upstream.tls.as_ref().map(|tls| Arc::new(UpstreamCredentials::of(tls, snapshot)));
        Self { tls, proxy_protocol: upstream.proxy_protocol }
    }
}
