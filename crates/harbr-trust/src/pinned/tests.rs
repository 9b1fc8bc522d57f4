use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::pinned_config;
use crate::token::pin_of;
use crate::{Anonymous, Authority, Credentials, Identity, Pair, Role};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Server {
    credentials: Credentials,
    ca: CertificateDer<'static>,
}

fn server() -> Server {
    let ca = Authority::create("test", DAY).unwrap();
    let authority = Authority::from_pem(&ca.certificate, &ca.key).unwrap();
    let identity = Identity::new(Role::Controller, "c").unwrap();
    let Pair { certificate, key } = authority.issue(&identity, &["controller.test".to_owned()], DAY).unwrap();
    let credentials =
        Credentials::from_pem(ca.certificate.as_bytes(), certificate.as_bytes(), key.as_bytes()).unwrap();
    Server { credentials, ca: CertificateDer::from_pem_slice(ca.certificate.as_bytes()).unwrap() }
}

async fn connects(server: &Server, pin: [u8; 32], name: &str, anonymous: Anonymous) -> Result<(), String> {
    let acceptor = TlsAcceptor::from(Arc::new(server.credentials.server_config(anonymous).unwrap()));
    let connector = TlsConnector::from(Arc::new(pinned_config(pin).unwrap()));
    let (near, far) = tokio::io::duplex(64 * 1024);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let (_, connected) = tokio::join!(acceptor.accept(far), connector.connect(name, near));
    connected.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_server_must_be_from_the_pinned_authority_and_have_the_name() {
    let (ours, theirs) = (server(), server());
    let pin = pin_of(&ours.ca);
    assert_eq!(connects(&ours, pin, "controller.test", Anonymous::Allowed).await, Ok(()));
    assert!(connects(&ours, pin, "other.test", Anonymous::Allowed).await.is_err());
    assert!(connects(&theirs, pin, "controller.test", Anonymous::Allowed).await.is_err());
    // One that lets nobody in without a certificate does not show its authority either.
    assert!(connects(&ours, pin, "controller.test", Anonymous::Refused).await.is_err());
}
