use std::fmt;

use rcgen::{CertificateParams, KeyPair};

use crate::authority::AuthorityError;

/// A new key, and the request for a certificate for it.
pub struct CertificateRequest {
    key: KeyPair,
    der: Vec<u8>,
}

impl CertificateRequest {
    /// # Errors
    /// If the library refuses.
    pub fn create() -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let der = CertificateParams::default().serialize_request(&key)?.der().to_vec();
        Ok(Self { key, der })
    }

    /// PKCS #10.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The key, as PEM.
    #[must_use]
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }
}

/// Without the key.
impl fmt::Debug for CertificateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateRequest").finish_non_exhaustive()
    }
}
