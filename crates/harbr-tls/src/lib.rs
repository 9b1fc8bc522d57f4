//! Certificates and trust of a snapshot, as rustls takes them. The same in both planes, so that a probe finds out
//! what a request will.
//!
//! One provider, TLS 1.2 and 1.3, no early data.

mod unverified;
mod upstream;

use std::sync::{Arc, OnceLock};

use harbr_model::{Authority, Certificate};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

pub use upstream::UpstreamCredentials;

/// Why a snapshot's certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    #[error("certificate `{name}`: {source}")]
    Certificate { name: String, source: rustls::Error },
    #[error("authority `{name}`: {source}")]
    Authority { name: String, source: rustls::Error },
    #[error("`{0}` is not the name of a host")]
    ServerName(String),
    #[error("TLS: {0}")]
    Config(#[from] rustls::Error),
}

#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// # Errors
/// If it is none, or the key is that of another.
pub fn certified(certificate: &Certificate) -> Result<CertifiedKey, InvalidTls> {
    let invalid = |source| InvalidTls::Certificate { name: certificate.name.clone(), source };
    let chain = certificate.chain.iter().map(|der| der.to_vec().into()).collect();
    let key = PrivateKeyDer::try_from(certificate.key.expose().to_vec())
        .map_err(|reason| invalid(rustls::Error::General(reason.to_owned())))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(invalid)
}

/// # Errors
/// If one of its certificates is none.
pub fn roots(authority: &Authority) -> Result<RootCertStore, InvalidTls> {
    let mut roots = RootCertStore::empty();
    for der in &authority.certificates {
        let invalid = |source| InvalidTls::Authority { name: authority.name.clone(), source };
        roots.add(der.to_vec().into()).map_err(invalid)?;
    }
    Ok(roots)
}

/// Whom this system trusts, read when it is first asked for.
#[must_use]
pub fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();

    let read = || {
        let system = rustls_native_certs::load_native_certs();
        for error in system.errors {
            tracing::warn!(%error, "a root certificate cannot be read");
        }
        let mut roots = RootCertStore::empty();
        let (added, _ignored) = roots.add_parsable_certificates(system.certs);
        if added == 0 {
            tracing::warn!(
                "no root certificates: https upstreams without a `ca` of their own will not be trusted"
            );
        }
        Arc::new(roots)
    };
    ROOTS.get_or_init(read).clone()
}
