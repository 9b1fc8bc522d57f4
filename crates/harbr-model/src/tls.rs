use std::fmt;
use std::sync::Arc;

/// A certificate with the chain that leads to its authority, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// What listeners call it by: the path of its file, as the configuration writes it.
    pub name: String,
    /// DER; the certificate itself comes first. At least one.
    pub chain: Vec<Arc<[u8]>>,
    pub key: PrivateKey,
}

/// A private key in DER. Never shown: not in logs, not for debugging.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Arc<[u8]>);

/// How a listener speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerTls {
    /// Names of [`Certificate`]s, at least one. The first is for clients that ask for no name, or for one that none
    /// of them has.
    pub certificates: Vec<String>,
}

impl PrivateKey {
    #[must_use]
    pub fn from_der(der: &[u8]) -> Self {
        Self(der.into())
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

#[cfg(test)]
mod tests;
