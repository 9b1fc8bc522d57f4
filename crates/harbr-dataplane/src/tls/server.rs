use std::fmt;
use std::sync::Arc;

use harbr_model::{Certificate, ListenerTls, Snapshot};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, server::ResolvesServerCert};
use tokio_rustls::TlsAcceptor;

use super::certificates::Certificates;
use super::provider;

/// What a listener speaks after its handshakes, the preferred first (RFC 7301).
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// How a listener does its handshakes.
#[derive(Clone)]
pub(crate) struct ServerTls {
    settings: ListenerTls,
    certificates: Vec<Certificate>,
    config: Arc<ServerConfig>,
}

/// Why a listener cannot speak TLS as a snapshot says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTls {
    #[error("certificate `{name}`: {source}")]
    Certificate { name: String, source: rustls::Error },
    #[error("TLS: {0}")]
    Config(#[from] rustls::Error),
}

impl ServerTls {
    /// What did not change is taken over from `before`, with the tickets of its clients: those that were here can
    /// come back without a whole handshake, also when a certificate was renewed. Blocks for a moment.
    pub(crate) fn build(
        settings: &ListenerTls,
        snapshot: &Snapshot,
        before: Option<&Self>,
    ) -> Result<Self, InvalidTls> {
        // A snapshot names no certificate that it does not have.
        let named = settings.certificates.iter().filter_map(|name| snapshot.certificates().get(name));
        let certificates: Vec<Certificate> = named.cloned().collect();
        let config = match before {
            Some(before) if before.certificates == certificates => before.config.clone(),
            Some(before) => {
                let mut config = ServerConfig::clone(&before.config);
                config.cert_resolver = resolver(&certificates)?;
                Arc::new(config)
            }
            None => Arc::new(config(resolver(&certificates)?)?),
        };
        Ok(Self { settings: settings.clone(), certificates, config })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config.clone().into()
    }
}

fn config(cert_resolver: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, InvalidTls> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(cert_resolver);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.ticketer = Ticketer::new()?;
    Ok(config)
}

fn resolver(certificates: &[Certificate]) -> Result<Arc<dyn ResolvesServerCert>, InvalidTls> {
    let certified = certificates.iter().map(certified).collect::<Result<_, _>>()?;
    let none = || InvalidTls::Config(rustls::Error::NoCertificatesPresented);
    Ok(Arc::new(Certificates::new(certified).ok_or_else(none)?))
}

fn certified(certificate: &Certificate) -> Result<Arc<CertifiedKey>, InvalidTls> {
    let invalid = |source| InvalidTls::Certificate { name: certificate.name.clone(), source };
    let chain = certificate.chain.iter().map(|der| der.to_vec().into()).collect();
    let key = PrivateKeyDer::try_from(certificate.key.expose().to_vec())
        .map_err(|reason| invalid(rustls::Error::General(reason.to_owned())))?;
    CertifiedKey::from_der(chain, key, &provider()).map(Arc::new).map_err(invalid)
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("settings", &self.settings).finish_non_exhaustive()
    }
}
