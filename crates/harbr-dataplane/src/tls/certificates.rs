//! Which certificate a client is shown: that of the name it asks for.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The certificates of a listener, by the names that they are for.
#[derive(Debug)]
pub(super) struct Certificates {
    /// Several of one name differ in the kind of their keys.
    by_name: HashMap<Box<str>, Vec<Arc<CertifiedKey>>, RandomState>,
    /// For clients that ask for no name, or for one that no certificate has.
    default: Arc<CertifiedKey>,
}

impl Certificates {
    /// `None` if there is none. The first is the default; of two that a client can use for a name the first is.
    pub(super) fn new(certificates: Vec<Arc<CertifiedKey>>) -> Option<Self> {
        let default = certificates.first()?.clone();
        let mut by_name: HashMap<_, Vec<_>, _> = HashMap::default();
        for certificate in certificates {
            for name in names(&certificate) {
                by_name.entry(name).or_default().push(certificate.clone());
            }
        }
        Some(Self { by_name, default })
    }

    /// An exact name comes before a wildcard, which stands for one label (RFC 9525, 6.3).
    fn of_name(&self, name: &str) -> Option<&[Arc<CertifiedKey>]> {
        let exact = self.by_name.get(name);
        let found = exact.or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.by_name.get(&*format!("*.{parent}"))
        });
        found.map(Vec::as_slice)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.of_name(&name.to_ascii_lowercase()));
        let candidates = named.unwrap_or(std::slice::from_ref(&self.default));
        let fits = |certificate: &&Arc<CertifiedKey>| {
            certificate.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        candidates.iter().find(fits).or(candidates.first()).cloned()
    }
}

/// The host names that a certificate is for, in lower case. One without any can still be the default.
fn names(certificate: &CertifiedKey) -> Vec<Box<str>> {
    let Some(der) = certificate.cert.first() else { return Vec::new() };
    let Ok((_, parsed)) = X509Certificate::from_der(der) else { return Vec::new() };
    let Ok(Some(alternatives)) = parsed.subject_alternative_name() else { return Vec::new() };
    let mut names = Vec::new();
    for name in &alternatives.value.general_names {
        if let GeneralName::DNSName(name) = name {
            names.push(name.to_ascii_lowercase().into());
        }
    }
    names
}

#[cfg(test)]
mod tests;
