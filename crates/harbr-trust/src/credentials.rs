use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::certificate::{Certificate, InvalidCertificate};
use crate::provider;

/// What is spoken inside, HTTP/2.
pub(crate) const ALPN: &[u8] = b"h2";

/// What a process shows to the other side, and whom it believes.
#[derive(Clone)]
pub struct Credentials {
    authorities: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
    key: Arc<CertifiedKey>,
    certificate: Certificate,
}

/// Whether a caller may come without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    Refused,
    /// For what a token alone opens.
    Allowed,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidCredentials {
    #[error("the authority is not valid: {0}")]
    Authority(String),
    #[error("there is no certificate in it")]
    NoCertificate,
    #[error("the certificate is not valid PEM")]
    CertificatePem,
    #[error(transparent)]
    Certificate(#[from] InvalidCertificate),
    #[error("the key is not valid PEM")]
    KeyPem,
    #[error("the key cannot be used: {0}")]
    Key(rustls::Error),
    #[error("the key is not that of the certificate")]
    Mismatch,
}

impl Credentials {
    /// # Errors
    /// If they do not belong together, or are malformed.
    pub fn from_pem(ca: &[u8], cert: &[u8], key: &[u8]) -> Result<Self, InvalidCredentials> {
        let authorities = authorities(ca)?;
        let mut roots = RootCertStore::empty();
        for authority in &authorities {
            let invalid = |error: rustls::Error| InvalidCredentials::Authority(error.to_string());
            roots.add(authority.clone()).map_err(invalid)?;
        }
        let chain = CertificateDer::pem_slice_iter(cert).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| InvalidCredentials::CertificatePem)?;
        let certificate = Certificate::read(chain.first().ok_or(InvalidCredentials::NoCertificate)?)?;
        if certificate.not_after < SystemTime::now() {
            // Not an error: a node serves on without a controller, whatever its certificate.
            tracing::error!("the certificate has expired: the other side will refuse it");
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| InvalidCredentials::KeyPem)?;
        let key = CertifiedKey::from_der(chain, key, &provider());
        let key = key.map_err(|error| {
            let is_mismatch = matches!(error, rustls::Error::InconsistentKeys(_));
            if is_mismatch { InvalidCredentials::Mismatch } else { InvalidCredentials::Key(error) }
        })?;
        Ok(Self { authorities, roots: Arc::new(roots), key: Arc::new(key), certificate })
    }

    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// For the side that is called.
    ///
    /// # Errors
    /// If the authority cannot be used to check callers.
    pub fn server_config(&self, anonymous: Anonymous) -> Result<ServerConfig, InvalidCredentials> {
        let unusable = |error: &dyn fmt::Display| InvalidCredentials::Authority(error.to_string());
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots.clone(), provider());
        let mut key = self.key.clone();
        let verifier = match anonymous {
            Anonymous::Refused => verifier,
            Anonymous::Allowed => {
                // Who has only a pin of the authority must be shown it.
                Arc::make_mut(&mut key).cert.extend(self.authorities.iter().cloned());
                verifier.allow_unauthenticated()
            }
        };
        let verifier = verifier.build().map_err(|error| unusable(&error))?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed session is not checked again: its certificate may have expired since, or its authority be gone.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// For the side that calls.
    ///
    /// # Errors
    /// If the provider lacks what it always has.
    pub fn client_config(&self) -> Result<ClientConfig, InvalidCredentials> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(InvalidCredentials::Key)?
            .with_root_certificates(self.roots.clone())
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.key.clone())));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidCredentials> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|_| InvalidCredentials::Authority("it is not PEM".to_owned()))?;
    if found.is_empty() {
        return Err(InvalidCredentials::Authority("there is no certificate in it".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
