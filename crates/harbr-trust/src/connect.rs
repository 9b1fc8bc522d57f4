//! The calling side: a controller's address, the connection, and what to say when it fails.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use http::Uri;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const DEFAULT_PORT: u16 = 7400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidControllerUrl {
    #[error("not a URL such as https://controller:7400")]
    NoUrl,
    #[error("a controller's URL starts with http:// or https://")]
    Scheme,
}

/// # Errors
/// If it is not `http://HOST:PORT` or `https://HOST:PORT`.
pub fn controller_url(text: &str) -> Result<Uri, InvalidControllerUrl> {
    let uri: Uri = text.parse().map_err(|_| InvalidControllerUrl::NoUrl)?;
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        Some(_) | None => Err(InvalidControllerUrl::Scheme),
    }
}

/// Why a connection broke, in the words of this layer; those above lose them. A refused certificate is heard of only
/// after the handshake.
#[derive(Debug, Clone, Default)]
pub struct Fate(Arc<OnceLock<String>>);

/// A connection that is proven on both sides.
#[derive(Debug)]
pub struct ProvenStream {
    stream: TlsStream<TcpStream>,
    fate: Fate,
}

/// TCP, and TLS inside.
///
/// # Errors
/// If nobody is there, or the other side is not who it should be.
pub async fn connect(uri: Uri, config: Arc<ClientConfig>, fate: Fate) -> io::Result<ProvenStream> {
    let host = uri.host().ok_or_else(|| io::Error::other(InvalidControllerUrl::NoUrl))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(DEFAULT_PORT))).await?;
    // Only latency is lost without it.
    let _ = stream.set_nodelay(true);
    Ok(ProvenStream { stream: TlsConnector::from(config).connect(name, stream).await?, fate })
}

impl Fate {
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl AsyncRead for ProvenStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read {
            // The first is the cause of others.
            let _ = self.fate.0.set(cause(error));
        }
        read
    }
}

impl AsyncWrite for ProvenStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What was the matter, of an error that was wrapped many times: those in between say "transport error".
#[must_use]
pub fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    loop {
        if let Some(reason) = explain(innermost) {
            return reason.to_owned();
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => return innermost.to_string(),
        }
    }
}

/// What to mend, where the library's own words do not say.
fn explain(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let error = match error.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Some("it has closed the connection");
        }
        Some(error) => error.get_ref()?.downcast_ref::<Error>()?,
        None => error.downcast_ref::<Error>()?,
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are told in the library's words")]
    match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer => {
                Some("its certificate is not from the authority that --tls-ca names")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Some("its certificate has expired")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Some("its certificate is not valid yet: is a clock wrong?")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Some("its certificate is not for the host in the URL")
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Some("its certificate is not a controller's")
            }
            _ => None,
        },
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => Some("it wants a certificate: --tls-cert and --tls-key"),
            AlertDescription::UnknownCA => {
                Some("it does not know the authority of the certificate in --tls-cert")
            }
            AlertDescription::CertificateExpired => Some("the certificate in --tls-cert has expired"),
            AlertDescription::BadCertificate | AlertDescription::UnsupportedCertificate => {
                Some("it does not accept the certificate in --tls-cert")
            }
            _ => None,
        },
        Error::InvalidMessage(_) => Some("what answers there does not speak TLS"),
        _ => None,
    }
}
