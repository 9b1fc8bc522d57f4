use std::fmt;
use std::sync::Arc;

use harbr_model::{Authority, Certificate, ClientAuthMode, ListenerTls, Snapshot, TlsVersion};
use harbr_tls::{InvalidTls, certified, provider, roots};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ResolvesServerCert, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;

use super::certificates::Certificates;

/// What a listener speaks after its handshakes, the preferred first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How a listener does its handshakes.
#[derive(Clone)]
pub(crate) struct ServerTls {
    certificates: Vec<Certificate>,
    terms: Terms,
    config: Arc<ServerConfig>,
}

/// What a client must agree to. A session that was begun under other terms is never resumed: nobody comes in by an
/// old ticket who would be asked for a certificate today (CVE-2025-23419).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Terms {
    min_version: TlsVersion,
    clients: Option<(Authority, ClientAuthMode)>,
}

impl ServerTls {
    /// What did not change is taken over from `before`, with the tickets of its clients: those that were here can
    /// come back without a whole handshake, also when a certificate was renewed. Blocks for a moment.
    pub(crate) fn build(
        tls: &ListenerTls,
        snapshot: &Snapshot,
        before: Option<&Self>,
    ) -> Result<Self, InvalidTls> {
        // A snapshot names nothing that it does not have.
        let named = tls.certificates.iter().filter_map(|name| snapshot.certificates().get(name));
        let certificates: Vec<Certificate> = named.cloned().collect();
        let clients = tls.client_auth.as_ref().and_then(|client_auth| {
            Some((snapshot.authorities().get(&client_auth.authority)?.clone(), client_auth.mode))
        });
        let terms = Terms { min_version: tls.min_version, clients };
        let config = match before.filter(|before| before.terms == terms) {
            Some(before) if before.certificates == certificates => before.config.clone(),
            Some(before) => {
                let mut config = ServerConfig::clone(&before.config);
                config.cert_resolver = resolver(&certificates)?;
                Arc::new(config)
            }
            None => Arc::new(terms.config(resolver(&certificates)?)?),
        };
        Ok(Self { certificates, terms, config })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config.clone().into()
    }

    /// Clients are asked who they are.
    pub(crate) fn knows_clients(&self) -> bool {
        self.terms.clients.is_some()
    }
}

impl Terms {
    fn config(&self, cert_resolver: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, InvalidTls> {
        let versions: &[&SupportedProtocolVersion] = match self.min_version {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions)?;
        let builder = builder.with_client_cert_verifier(self.verifier()?);
        let mut config = builder.with_cert_resolver(cert_resolver);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        config.ticketer = Ticketer::new()?;
        Ok(config)
    }

    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, InvalidTls> {
        let Some((authority, mode)) = &self.clients else { return Ok(Arc::new(NoClientAuth)) };
        let trusted = Arc::new(roots(authority)?);
        let builder = WebPkiClientVerifier::builder_with_provider(trusted, provider());
        let builder = match mode {
            ClientAuthMode::Required => builder,
            ClientAuthMode::Optional => builder.allow_unauthenticated(),
        };
        let invalid = |error: rustls::server::VerifierBuilderError| {
            InvalidTls::Config(rustls::Error::General(error.to_string()))
        };
        builder.build().map_err(invalid)
    }
}

fn resolver(certificates: &[Certificate]) -> Result<Arc<dyn ResolvesServerCert>, InvalidTls> {
    let certified = certificates.iter().map(|one| certified(one).map(Arc::new)).collect::<Result<_, _>>()?;
    let none = || InvalidTls::Config(rustls::Error::NoCertificatesPresented);
    Ok(Arc::new(Certificates::new(certified).ok_or_else(none)?))
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("terms", &self.terms).finish_non_exhaustive()
    }
}
