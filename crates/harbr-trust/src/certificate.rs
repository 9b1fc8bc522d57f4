use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;

use crate::identity::{Identity, InvalidIdentity};

/// What we read of a certificate. Whether to believe it is decided before, by who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// `None`: it is not of ours, or not for this.
    pub identity: Option<Identity>,
    /// DNS names and addresses.
    pub hosts: Vec<String>,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    #[error("the certificate cannot be parsed")]
    Unparsable,
    #[error("the certificate has more than one identity")]
    Ambiguous,
    #[error("the certificate's identity is not valid: {0}")]
    Identity(#[from] InvalidIdentity),
}

impl Certificate {
    /// The first in a PEM file.
    ///
    /// # Errors
    /// If there is none, or as for [`read`](Self::read).
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidCertificate> {
        Self::read(&CertificateDer::from_pem_slice(pem).map_err(|_| InvalidCertificate::Unparsable)?)
    }

    /// # Errors
    /// If it is malformed, or says two things of its holder.
    pub fn read(der: &CertificateDer<'_>) -> Result<Self, InvalidCertificate> {
        let (_, certificate) =
            x509_parser::parse_x509_certificate(der).map_err(|_| InvalidCertificate::Unparsable)?;
        let names = certificate.subject_alternative_name().map_err(|_| InvalidCertificate::Unparsable)?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let (mut identities, mut hosts) = (Vec::new(), Vec::new());
        for name in names {
            #[expect(clippy::wildcard_enum_match_arm, reason = "other kinds of names say nothing here")]
            match name {
                GeneralName::URI(uri) if Identity::is_meant_by(uri) => identities.push(uri.parse()?),
                GeneralName::DNSName(host) => hosts.push((*host).to_owned()),
                GeneralName::IPAddress(bytes) => hosts.extend(address(bytes)),
                _ => {}
            }
        }
        let identity = identities.pop();
        if !identities.is_empty() {
            return Err(InvalidCertificate::Ambiguous);
        }
        let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let validity = certificate.validity();
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        Ok(Self { identity, hosts, not_before: time(not_before), not_after: time(not_after) })
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
    let v6 = <[u8; 16]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
    v4.or(v6).ok()
}
