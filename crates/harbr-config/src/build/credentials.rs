//! Certificates with their keys, and who is trusted, out of the files that the configuration names.

use std::collections::BTreeMap;

use harbr_model::{Authority, Certificate, MAX_CERTIFICATES, PrivateKey};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};

use super::value::required;
use crate::Files;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::raw::RawCertificate;
use crate::read::{Field, Spanned};

/// All certificates and authorities of a configuration. One that several use is one.
#[derive(Debug)]
pub(super) struct Credentials<'f> {
    files: &'f Files,
    provider: CryptoProvider,
    certificates: BTreeMap<String, Certificate>,
    authorities: BTreeMap<String, Authority>,
}

impl<'f> Credentials<'f> {
    pub(super) fn new(files: &'f Files) -> Self {
        let (certificates, authorities) = (BTreeMap::new(), BTreeMap::new());
        Self { files, provider: aws_lc_rs::default_provider(), certificates, authorities }
    }

    /// The names of these certificates, if all are good.
    pub(super) fn certificates(
        &mut self,
        list: &Spanned<Vec<Field<RawCertificate>>>,
        findings: &mut Findings,
    ) -> Option<Vec<String>> {
        let count = list.value.len();
        if count == 0 || count > MAX_CERTIFICATES {
            let message = format!("`certificates` must have from 1 to {MAX_CERTIFICATES} items, not {count}");
            findings.push(Diagnostic::new(Code::WrongCount, list.span, message));
            return None;
        }
        let names: Vec<_> =
            list.value.iter().map(|item| item.given().and_then(|pair| self.add(pair, findings))).collect();
        names.into_iter().collect()
    }

    /// The name of the authority in this file, if it is good.
    pub(super) fn authority(&mut self, path: &Spanned<String>, findings: &mut Findings) -> Option<String> {
        let chain = self.chain(path, findings)?;
        let certificates = chain.iter().map(|der| der.as_ref().into()).collect();
        let mut roots = RootCertStore::empty();
        if let Err(error) = chain.into_iter().try_for_each(|der| roots.add(der)) {
            let message = format!("`{}` cannot be trusted: {error}", path.value);
            findings.push(Diagnostic::new(Code::UnusableCertificate, path.span, message));
            return None;
        }
        let name = path.value.clone();
        self.authorities.insert(name.clone(), Authority { name: name.clone(), certificates });
        Some(name)
    }

    pub(super) fn into_lists(self) -> (Vec<Certificate>, Vec<Authority>) {
        (self.certificates.into_values().collect(), self.authorities.into_values().collect())
    }

    fn add(&mut self, pair: &Spanned<RawCertificate>, findings: &mut Findings) -> Option<String> {
        let RawCertificate { cert, key } = &pair.value;
        let cert = required(cert, pair.span, "the certificate has no `cert`", "cert: site.pem", findings);
        let key = required(key, pair.span, "the certificate has no `key`", "key: site.key", findings);
        self.certificate(cert?, key?, findings)
    }

    /// The name of the certificate in these files, if it and its key are good.
    pub(super) fn certificate(
        &mut self,
        cert: &Spanned<String>,
        key: &Spanned<String>,
        findings: &mut Findings,
    ) -> Option<String> {
        let chain = self.chain(cert, findings);
        let der = self.key(key, findings);
        let (chain, der) = (chain?, der?);
        let certificate = Certificate {
            name: cert.value.clone(),
            chain: chain.iter().map(|der| der.as_ref().into()).collect(),
            key: PrivateKey::from_der(der.secret_der()),
        };
        if let Err(error) = CertifiedKey::from_der(chain, der, &self.provider) {
            findings.push(mismatch(cert, key, &error));
            return None;
        }
        self.certificates.insert(certificate.name.clone(), certificate);
        Some(cert.value.clone())
    }

    fn chain(&self, path: &Spanned<String>, findings: &mut Findings) -> Option<Vec<CertificateDer<'static>>> {
        let bytes = self.read(path, findings)?;
        let problem = match CertificateDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>() {
            Ok(chain) if chain.is_empty() => format!("there is no certificate in `{}`", path.value),
            Ok(chain) => return Some(chain),
            Err(_) => format!("`{}` is damaged: a PEM block of it cannot be read", path.value),
        };
        let hint = "a PEM file has lines `-----BEGIN CERTIFICATE-----`, the site's own first";
        findings.push(Diagnostic::new(Code::InvalidPem, path.span, problem).with_hint(hint));
        None
    }

    fn key(&self, path: &Spanned<String>, findings: &mut Findings) -> Option<PrivateKeyDer<'static>> {
        let bytes = self.read(path, findings)?;
        let problem = match PrivateKeyDer::from_pem_slice(bytes) {
            Ok(key) => return Some(key),
            Err(pem::Error::NoItemsFound) => format!("there is no private key in `{}`", path.value),
            // What exactly could show a part of it.
            Err(_) => format!("`{}` is damaged: a PEM block of it cannot be read", path.value),
        };
        let hint = "a PEM file has a line `-----BEGIN PRIVATE KEY-----`; an encrypted key cannot be used";
        findings.push(Diagnostic::new(Code::InvalidPem, path.span, problem).with_hint(hint));
        None
    }

    fn read(&self, path: &Spanned<String>, findings: &mut Findings) -> Option<&'f [u8]> {
        let unreadable = |reason| {
            let message = format!("the file `{}` cannot be read: {reason}", path.value);
            findings.push(Diagnostic::new(Code::UnreadableFile, path.span, message));
        };
        self.files.get(&path.value).map_err(unreadable).ok()
    }
}

fn mismatch(cert: &Spanned<String>, key: &Spanned<String>, error: &Error) -> Diagnostic {
    if *error == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
        let message = format!("`{}` is not the key of the certificate `{}`", key.value, cert.value);
        return Diagnostic::new(Code::KeyMismatch, key.span, message)
            .with_related(cert.span, "the certificate is here")
            .with_hint("while a pair is being replaced nothing changes; it is taken once both files fit");
    }
    let message = format!("`{}` and its key cannot be used: {error}", cert.value);
    Diagnostic::new(Code::UnusableCertificate, cert.span, message)
}
