//! A connection to an endpoint: name, addresses, TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use harbr_model::{EndpointUrl, ProxyProtocol, Scheme};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::Target;
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

/// What HTTP is spoken over: TCP, with the header and the TLS that the endpoint wants.
pub(crate) async fn stream(
    target: &Target,
    trust: &Trust,
    deadline: Instant,
) -> Result<Box<dyn Stream>, ProbeError> {
    let Target { url, link, .. } = target;
    let mut tcp = tcp(url, deadline).await?;
    if let Some(version) = link.proxy_protocol {
        tcp.write_all(own_header(version)).await.map_err(ProbeError::Connect)?;
    }
    match url.scheme() {
        Scheme::Http => Ok(Box::new(tcp)),
        Scheme::Https => {
            let (config, name) = match &link.tls {
                Some(credentials) => {
                    let config = credentials.client_config().map_err(unusable)?;
                    (Arc::new(config), credentials.server_name(url))
                }
                None => (trust.client_config()?, ServerName::try_from(url.host().to_owned()).ok()),
            };
            let name = name.ok_or_else(|| unusable("the host is no name that a certificate can have"))?;
            let connector = TlsConnector::from(config);
            Ok(Box::new(connector.connect(name, tcp).await.map_err(ProbeError::Tls)?))
        }
    }
}

/// The PROXY header of a connection that is for no client.
fn own_header(version: ProxyProtocol) -> &'static [u8] {
    match version {
        ProxyProtocol::V1 => b"PROXY UNKNOWN\r\n",
        ProxyProtocol::V2 => b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    }
}

fn unusable(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ProbeError {
    ProbeError::Tls(io::Error::other(reason))
}

/// Whom to believe that they are who they say, where an upstream does not say it.
#[derive(Debug, Default)]
pub(crate) struct Trust(OnceLock<Arc<ClientConfig>>);

impl Trust {
    fn client_config(&self) -> Result<Arc<ClientConfig>, ProbeError> {
        if let Some(config) = self.0.get() {
            return Ok(config.clone());
        }
        let config = Self::in_roots(harbr_tls::system_roots()).map_err(unusable)?;
        Ok(self.0.get_or_init(|| config).clone())
    }

    fn in_roots(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(harbr_tls::provider());
        let builder = builder.with_safe_default_protocol_versions()?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

#[cfg(test)]
mod tests;
