use std::sync::Arc;

use harbr_model::{Authority, Certificate, EndpointUrl, Snapshot, UpstreamTls, Verification};
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;

use crate::unverified::Unverified;
use crate::{InvalidTls, certified, provider, roots, system_roots};

/// All that decides how an upstream's `https` endpoints are spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamCredentials {
    tls: UpstreamTls,
    authority: Option<Authority>,
    certificate: Option<Certificate>,
}

impl UpstreamCredentials {
    /// A snapshot names no certificate and no authority that it does not have.
    #[must_use]
    pub fn of(tls: &UpstreamTls, snapshot: &Snapshot) -> Self {
        let authority = tls.authority.as_ref().and_then(|name| snapshot.authorities().get(name));
        let certificate = tls.certificate.as_ref().and_then(|name| snapshot.certificates().get(name));
        Self { tls: tls.clone(), authority: authority.cloned(), certificate: certificate.cloned() }
    }

    /// # Errors
    /// If a certificate or a name cannot be used.
    pub fn client_config(&self) -> Result<ClientConfig, InvalidTls> {
        if let Some(name) = &self.tls.server_name {
            parse_name(name).ok_or_else(|| InvalidTls::ServerName(name.clone()))?;
        }
        let trusted = match &self.authority {
            Some(authority) => Arc::new(roots(authority)?),
            None => system_roots(),
        };
        let builder =
            ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = match self.tls.verification {
            Verification::Full => builder.with_root_certificates(trusted),
            Verification::Off => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified::new()))
            }
        };
        Ok(match &self.certificate {
            Some(certificate) => {
                builder.with_client_cert_resolver(Arc::new(Always(Arc::new(certified(certificate)?))))
            }
            None => builder.with_no_client_auth(),
        })
    }

    /// The name that an endpoint is asked for; `None` if its URL has none that a certificate can have.
    #[must_use]
    pub fn server_name(&self, url: &EndpointUrl) -> Option<ServerName<'static>> {
        parse_name(self.tls.server_name.as_deref().unwrap_or(url.host()))
    }
}

fn parse_name(name: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(name.to_owned()).ok()
}

/// Whoever asks is shown this one.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], schemes: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes).map(|_| self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
