use std::fmt;
use std::sync::Arc;

/// A certificate with the chain that leads to its authority, and its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// What listeners and upstreams call it by: the path of its file, as the configuration writes it.
    pub name: String,
    /// DER; the certificate itself comes first. At least one.
    pub chain: Vec<Arc<[u8]>>,
    pub key: PrivateKey,
}

/// A private key in DER. Never shown: not in logs, not for debugging.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PrivateKey(Arc<[u8]>);

/// How a listener speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerTls {
    /// Names of [`Certificate`]s, at least one. The first is for clients that ask for no name, or for one that none
    /// of them has.
    pub certificates: Vec<String>,
    pub min_version: TlsVersion,
    /// `None`: clients are not asked for a certificate.
    pub client_auth: Option<ClientAuth>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    V1_2,
    V1_3,
}

/// What clients must show of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuth {
    /// The name of the [`Authority`] that their certificates lead to.
    pub authority: String,
    pub mode: ClientAuthMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthMode {
    Required,
    /// A client may show none; one that it shows must be good.
    Optional,
}

/// Certificates that others are trusted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// The path of its file, as the configuration writes it.
    pub name: String,
    /// DER. At least one.
    pub certificates: Vec<Arc<[u8]>>,
}

/// How an upstream's `https` endpoints are spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamTls {
    /// The name of the [`Authority`] that endpoints' certificates lead to; `None`: those that the system trusts.
    pub authority: Option<String>,
    /// The name that they are asked for, and that their certificates must have; `None`: the host of their URL.
    pub server_name: Option<String>,
    /// The name of the [`Certificate`] that they are shown.
    pub certificate: Option<String>,
    pub verification: Verification,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verification {
    Full,
    /// Whoever answers is believed. Protects from nobody who can put himself in the way.
    Off,
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
