use std::fmt;
use std::sync::Arc;

use harbr_model::{EndpointUrl, Protocol, Snapshot, Upstream};
use harbr_tls::{InvalidTls, UpstreamCredentials, provider, system_roots};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

/// How `https` endpoints of an upstream with settings of its own are spoken to.
pub(crate) struct UpstreamTls {
    credentials: UpstreamCredentials,
    pub config: Arc<ClientConfig>,
}

impl UpstreamTls {
    /// The one of before if nothing that it is made of changed; `None` for an upstream without settings.
    pub(crate) fn build(
        upstream: &Upstream,
        snapshot: &Snapshot,
        before: Option<&Arc<Self>>,
    ) -> Result<Option<Arc<Self>>, InvalidTls> {
        let Some(tls) = &upstream.tls else { return Ok(None) };
        let credentials = UpstreamCredentials::of(tls, snapshot);
        if let Some(before) = before.filter(|before| before.credentials == credentials) {
            return Ok(Some(before.clone()));
        }
        let config = Arc::new(credentials.client_config()?);
        Ok(Some(Arc::new(Self { credentials, config })))
    }

    /// The name that an endpoint's certificate must have.
    pub(crate) fn server_name(&self, url: &EndpointUrl) -> Option<ServerName<'static>> {
        self.credentials.server_name(url)
    }
}

/// For upstreams without settings: the system's roots, TLS 1.2 and 1.3.
pub(crate) fn default_client_config() -> anyhow::Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(system_roots()).with_no_client_auth()))
}

/// HTTP/2, as ALPN calls it (RFC 9113, 3.2).
pub(crate) const H2: &[u8] = b"h2";

/// The same, with what is offered to speak after the handshake. Asked for each new connection, and all of a
/// configuration that is large is shared.
pub(crate) fn offering(config: &Arc<ClientConfig>, protocol: Protocol) -> Arc<ClientConfig> {
    let offered: &[&[u8]] = match protocol {
        Protocol::Http2 => &[H2],
        Protocol::Auto => &[H2, b"http/1.1"],
        Protocol::Http1 | Protocol::Http2Cleartext => return config.clone(),
    };
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

impl fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamTls").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
