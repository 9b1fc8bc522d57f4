//! A small authority: one key that signs certificates for controllers, nodes and people.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};

use crate::certificate::{Certificate, InvalidCertificate};
use crate::identity::{Identity, Role};

/// Certificates are valid from a little before they are made: clocks differ.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// Can sign.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    not_after: SystemTime,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("the authority's certificate is not valid PEM")]
    CertificatePem,
    #[error(transparent)]
    Certificate(#[from] InvalidCertificate),
    #[error("the authority's key is not that of its certificate")]
    Mismatch,
    #[error("the authority itself has expired")]
    Expired,
    #[error("`{0}` is not a host name or an address")]
    Host(String),
    #[error("the request for a certificate is not valid: {0}")]
    Request(rcgen::Error),
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl Authority {
    /// A new one, and what has to be kept of it.
    ///
    /// # Errors
    /// If the library refuses.
    pub fn create(name: &str, valid: Duration) -> Result<Pair, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        // Two of the same name would be mistaken for each other until a signature does not fit.
        let part: String =
            key.public_key_raw().iter().skip(1).take(4).map(|byte| format!("{byte:02x}")).collect();
        params.distinguished_name = called(&format!("{name} {part}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let now = SystemTime::now();
        (params.not_before, params.not_after) = ((now - CLOCK_SKEW).into(), (now + valid).into());
        let certificate = params.self_signed(&key)?.pem();
        Ok(Pair { certificate, key: key.serialize_pem() })
    }

    /// Of several certificates, as there are while an authority is changed, the one that the key is of.
    ///
    /// # Errors
    /// If they do not belong together, or it has expired.
    pub fn from_pem(certificates: &str, key: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key)?;
        let is_of_key = |der: &CertificateDer<'_>| {
            x509_parser::parse_x509_certificate(der).is_ok_and(|(_, parsed)| {
                parsed.public_key().subject_public_key.data.as_ref() == key.public_key_raw()
            })
        };
        let found = CertificateDer::pem_slice_iter(certificates.as_bytes()).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|_| AuthorityError::CertificatePem)?;
        let der = found.into_iter().find(is_of_key).ok_or(AuthorityError::Mismatch)?;
        let not_after = Certificate::read(&der)?.not_after;
        if not_after < SystemTime::now() {
            return Err(AuthorityError::Expired);
        }
        let issuer = Issuer::from_ca_cert_der(&der, key)?;
        Ok(Self { issuer, der, not_after })
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// A certificate with a new key. `hosts` are names and addresses under which a controller is called.
    ///
    /// # Errors
    /// If a host is none.
    pub fn issue(
        &self,
        identity: &Identity,
        hosts: &[String],
        valid: Duration,
    ) -> Result<Pair, AuthorityError> {
        let key = KeyPair::generate()?;
        let certificate = self.certify(identity, hosts, SystemTime::now() + valid, &key)?;
        Ok(Pair { certificate, key: key.serialize_pem() })
    }

    /// A certificate, as PEM, for the key of a request. Of what the request says, only the key counts.
    ///
    /// # Errors
    /// If the request is malformed, or not signed by its key.
    pub fn sign(
        &self,
        request: &[u8],
        identity: &Identity,
        valid: Duration,
    ) -> Result<String, AuthorityError> {
        let request = CertificateSigningRequestDer::from(request);
        let request = CertificateSigningRequestParams::from_der(&request).map_err(AuthorityError::Request)?;
        self.certify(identity, &[], SystemTime::now() + valid, &request.public_key)
    }

    pub(crate) fn certify(
        &self,
        identity: &Identity,
        hosts: &[String],
        not_after: SystemTime,
        key: &impl PublicKeyData,
    ) -> Result<String, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = called(&format!("{} {}", identity.role(), identity.name()));
        params.subject_alt_names = vec![SanType::URI(identity.to_string().try_into()?)];
        for host in hosts {
            params.subject_alt_names.push(host_name(host)?);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // A node's certificate is no use to one who would like to be taken for the controller.
        params.extended_key_usages = vec![match identity.role() {
            Role::Controller => ExtendedKeyUsagePurpose::ServerAuth,
            Role::Node | Role::Operator | Role::Viewer => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.use_authority_key_identifier_extension = true;
        params.not_before = (SystemTime::now() - CLOCK_SKEW).into();
        // None is of use beyond its authority's end.
        params.not_after = not_after.min(self.not_after).into();
        Ok(params.signed_by(key, &self.issuer)?.pem())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// Without the key.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn host_name(host: &str) -> Result<SanType, AuthorityError> {
    if let Ok(addr) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(addr));
    }
    let invalid = || AuthorityError::Host(host.to_owned());
    let is_name = rustls::pki_types::DnsName::try_from(host).is_ok();
    let name = host.to_owned().try_into().map_err(|_| invalid())?;
    if is_name { Ok(SanType::DnsName(name)) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests;
