//! What certificates and handshakes say.

use std::fmt::Write as _;

use harbr_model::Certificate;
use http::HeaderValue;
use rustls::{ProtocolVersion, ServerConnection};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What a handshake told of a client.
#[derive(Debug)]
pub(crate) struct ClientTls {
    /// `TLSv1.3`
    pub version: &'static str,
    /// The host that it asked for, in lower case.
    pub server_name: Option<Box<str>>,
    /// Its certificate, as upstreams are told it: `Hash=…;Subject="…"`.
    pub certificate: Option<HeaderValue>,
}

impl ClientTls {
    pub(crate) fn of(session: &ServerConnection) -> Self {
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        Self {
            version: match session.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                Some(_) | None => "TLSv1.3",
            },
            server_name: session.server_name().map(|name| name.to_ascii_lowercase().into()),
            certificate: certificate.and_then(|der| describe(der)),
        }
    }
}

/// A form that others know too: Envoy's `x-forwarded-client-cert`.
fn describe(der: &[u8]) -> Option<HeaderValue> {
    let mut text = String::from("Hash=");
    for byte in Sha256::digest(der) {
        write!(text, "{byte:02x}").ok()?;
    }
    if let Ok((_, parsed)) = X509Certificate::from_der(der) {
        let subject = parsed.subject().to_string();
        // A name can hold anything: what would need more than a backslash is left out.
        if subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            let escaped = subject.replace('\\', "\\\\").replace('"', "\\\"");
            write!(text, ";Subject=\"{escaped}\"").ok()?;
        }
    }
    HeaderValue::try_from(text).ok()
}

/// When a certificate ends, in seconds since 1970.
pub(crate) fn expires_at(certificate: &Certificate) -> Option<i64> {
    let (_, parsed) = X509Certificate::from_der(certificate.chain.first()?).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

#[cfg(test)]
mod tests;
