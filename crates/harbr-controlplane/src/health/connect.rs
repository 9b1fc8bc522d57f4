//! A connection to an endpoint: name, addresses, TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use harbr_model::{EndpointUrl, Scheme};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::probe::ProbeError;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// TCP to the first address of the endpoint that answers. The time left is shared among those not tried yet, so
/// that one dead address does not use it up.
pub(crate) async fn tcp(url: &EndpointUrl, deadline: Instant) -> Result<TcpStream, ProbeError> {
    let addrs: Vec<SocketAddr> =
        lookup_host((url.host(), url.port())).await.map_err(ProbeError::Resolve)?.collect();
    let mut last = io::Error::other("the name has no address");
    for (index, addr) in addrs.iter().enumerate() {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / u32::try_from(addrs.len() - index).unwrap_or(1);
        match timeout_at(now + share, TcpStream::connect(addr)).await {
            Ok(Ok(stream)) => {
                // Only latency is lost without it.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(if last.kind() == io::ErrorKind::TimedOut { ProbeError::Timeout } else { ProbeError::Connect(last) })
}

/// What HTTP is spoken over: TCP, with TLS inside where the URL says so.
pub(crate) async fn stream(
    url: &EndpointUrl,
    trust: &Trust,
    deadline: Instant,
) -> Result<Box<dyn Stream>, ProbeError> {
    let tcp = tcp(url, deadline).await?;
    match url.scheme() {
        Scheme::Http => Ok(Box::new(tcp)),
        Scheme::Https => {
            let name = ServerName::try_from(url.host().to_owned())
                .map_err(|error| ProbeError::Tls(io::Error::other(error)))?;
            let connector = TlsConnector::from(trust.client_config()?);
            Ok(Box::new(connector.connect(name, tcp).await.map_err(ProbeError::Tls)?))
        }
    }
}

/// Whom to believe that they are who they say: read when the first `https` endpoint is probed.
#[derive(Debug, Default)]
pub(crate) struct Trust(OnceLock<Arc<ClientConfig>>);

impl Trust {
    fn client_config(&self) -> Result<Arc<ClientConfig>, ProbeError> {
        if let Some(config) = self.0.get() {
            return Ok(config.clone());
        }
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!("a trusted certificate of this system cannot be read: {error}");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        let config = Self::in_roots(roots).map_err(|error| ProbeError::Tls(io::Error::other(error)))?;
        Ok(self.0.get_or_init(|| config).clone())
    }

    fn in_roots(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

#[cfg(test)]
mod tests;
