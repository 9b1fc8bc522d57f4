use std::fmt;
use std::str::FromStr;

use rustls::crypto::SecureRandom;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

const PREFIX: &str = "harbr-join";
const ID_BYTES: usize = 4;
const SECRET_BYTES: usize = 16;

/// What lets a node that has nothing yet ask for a certificate: `harbr-join.ID.SECRET.PIN`. The pin tells the node which
/// authority the controller's certificate must be from, before it says the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    id: String,
    secret: [u8; SECRET_BYTES],
    pin: [u8; 32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a join token (`{PREFIX}.….….…`)")]
pub struct InvalidToken;

/// SHA-256 of an authority's certificate.
#[must_use]
pub fn pin_of(authority: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(authority).into()
}

impl JoinToken {
    /// # Errors
    /// If the system has no randomness.
    pub fn create(authority: &CertificateDer<'_>) -> Result<Self, rustls::crypto::GetRandomFailed> {
        let random: &dyn SecureRandom = crate::provider().secure_random;
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        random.fill(&mut id)?;
        random.fill(&mut secret)?;
        Ok(Self { id: hex(&id), secret, pin: pin_of(authority) })
    }

    /// Not secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn pin(&self) -> [u8; 32] {
        self.pin
    }

    /// What is kept of the secret by who has to recognize it.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.secret))
    }
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}.{}.{}.{}", self.id, hex(&self.secret), hex(&self.pin))
    }
}

/// Without the secret.
impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("id", &self.id).finish_non_exhaustive()
    }
}

impl FromStr for JoinToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let mut parts = text.trim().split('.');
        let mut part = || parts.next().ok_or(InvalidToken);
        let (prefix, id, secret, pin) = (part()?, part()?, part()?, part()?);
        if prefix != PREFIX || parts.next().is_some() {
            return Err(InvalidToken);
        }
        let id: [u8; ID_BYTES] = bytes(id)?;
        Ok(Self { id: hex(&id), secret: bytes(secret)?, pin: bytes(pin)? })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], InvalidToken> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(InvalidToken);
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| InvalidToken)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
