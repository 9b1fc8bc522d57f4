//! Who is who between controller, nodes and operators: mutual TLS, and a small authority for people who have none.
//!
//! It knows nothing of gRPC, routes or snapshots. Reading order: an [`Identity`] is what a certificate says of its
//! holder; [`Certificate`] reads one; [`Credentials`] are what a process shows and whom it believes; [`Reloaded`]
//! follows their files; [`connect()`] is the calling side; an [`Authority`] signs; with a
//! [`JoinToken`] a node that has nothing yet asks for a certificate.

mod authority;
mod certificate;
mod connect;
mod credentials;
mod files;
mod identity;
mod metrics;
mod pinned;
mod reloaded;
mod request;
mod token;

pub use authority::{Authority, AuthorityError, Pair};
pub use certificate::{Certificate, InvalidCertificate};
pub use connect::{Fate, InvalidControllerUrl, ProvenStream, cause, connect, controller_url};
pub use credentials::{Anonymous, Credentials, InvalidCredentials};
pub use files::{CannotRead, IncompleteTls, TlsArgs, TlsFiles, write_whole};
pub use identity::{Identity, InvalidIdentity, Role};
pub use pinned::pinned_config;
pub use reloaded::{Reloaded, TlsError};
pub use request::CertificateRequest;
pub use token::{InvalidToken, JoinToken, pin_of};

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The one provider of cryptography that this workspace has.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
