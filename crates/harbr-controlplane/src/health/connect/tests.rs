use std::sync::{Arc, OnceLock};

use harbr_model::{HealthCheck, Probe};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Trust;
use crate::health::probe::{Asker, ProbeError};
use crate::health::{Link, Target};

/// An endpoint that speaks TLS as `localhost`, and what a client has to trust for that.
async fn tls_endpoint(tasks: &mut JoinSet<()>) -> (Target, RootCertStore) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let url = format!("https://localhost:{port}").parse().unwrap();
    let check = HealthCheck::new(Probe::Http { path: "/health".to_owned() });
    (Target { url, check, link: Link::default() }, roots)
}

#[tokio::test]
async fn an_https_endpoint_is_asked_over_tls() {
    let mut tasks = JoinSet::new();
    let (target, roots) = tls_endpoint(&mut tasks).await;
    let trust = Trust(OnceLock::from(Trust::in_roots(Arc::new(roots)).unwrap()));
    // `localhost` may have an IPv6 address too, where nobody listens: all addresses are tried.
    Asker::new(Arc::new(trust)).ask(&target).await.unwrap();
}

#[tokio::test]
async fn an_https_endpoint_that_nobody_vouches_for_is_unhealthy() {
    let mut tasks = JoinSet::new();
    let (target, _) = tls_endpoint(&mut tasks).await;
    let error = Asker::new(Arc::default()).ask(&target).await.unwrap_err();
    assert!(matches!(error, ProbeError::Tls(_)), "{error}");
}
