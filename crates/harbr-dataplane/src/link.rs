use std::sync::Arc;

use harbr_model::{ProxyProtocol, Snapshot, Upstream};
use harbr_tls::InvalidTls;

use crate::tls::UpstreamTls;

/// How an upstream's endpoints are connected to, beneath HTTP.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link {
    /// `None`: all defaults.
    pub tls: Option<Arc<UpstreamTls>>,
    /// The header that each connection begins with.
    pub proxy_protocol: Option<ProxyProtocol>,
}

impl Link {
    pub(crate) fn build(
        upstream: &Upstream,
        snapshot: &Snapshot,
        before: Option<&Self>,
    ) -> Result<Self, InvalidTls> {
        let known = before.and_then(|before| before.tls.as_ref());
        let tls = UpstreamTls::build(upstream, snapshot, known)?;
        Ok(Self { tls, proxy_protocol: upstream.proxy_protocol })
    }

    /// What was built for one is built for the other: connections by one can be used for the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_tls = match (&self.tls, &other.tls) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same_tls && self.proxy_protocol == other.proxy_protocol
    }

    /// A connection that begins with who the client is can be used for nobody else.
    pub(crate) fn keeps_connections(&self) -> bool {
        self.proxy_protocol.is_none()
    }
}
