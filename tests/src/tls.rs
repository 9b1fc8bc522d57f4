use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{
    ALL_VERSIONS, ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// An authority of the test's own; processes trust it by `SSL_CERT_FILE`.
pub struct TestAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl TestAuthority {
    /// # Panics
    /// If the temporary folder cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority signs itself");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("the folder is writable");
        Self { issuer, folder }
    }

    /// The file with its certificate.
    #[must_use]
    pub fn file(&self) -> String {
        path_text(&self.folder.path().join("ca.pem"))
    }

    /// A certificate for these names, with its key, in files called `file.pem` and `file.key`. Again for the same
    /// file: a renewed one.
    ///
    /// # Panics
    /// If the temporary folder cannot be written.
    pub fn issue(&self, file: &str, names: &[&str]) -> Pair {
        let (certificate, key) = self.sign(names);
        let path = |extension| self.folder.path().join(file).with_extension(extension);
        let pair = Pair { cert: path("pem"), key: path("key") };
        std::fs::write(&pair.cert, certificate.pem()).expect("the folder is writable");
        std::fs::write(&pair.key, key.serialize_pem()).expect("the folder is writable");
        pair
    }

    /// A client that trusts it.
    ///
    /// # Panics
    /// If the provider has none of the versions.
    #[must_use]
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsClient {
        TlsClient { config: Arc::new(self.trusting(versions).with_no_client_auth()) }
    }

    /// As [`client`](Self::client) with all versions, and it shows this certificate.
    ///
    /// # Panics
    /// If the pair is not one.
    #[must_use]
    pub fn client_with(&self, pair: &Pair) -> TlsClient {
        let (chain, key) = pair.load();
        let config = self.trusting(ALL_VERSIONS).with_client_auth_cert(chain, key).expect("the pair fits");
        TlsClient { config: Arc::new(config) }
    }

    fn trusting(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("the provider has the versions")
            .with_root_certificates(self.roots())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority's certificate is one");
        roots
    }

    fn sign(&self, names: &[&str]) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key can be made");
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("the test's names are valid");
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        (certificate, key)
    }

    /// Terminates TLS with a certificate for `name`. Clients show one of `clients`, if that is given.
    pub(crate) fn acceptor(&self, name: &str, clients: Option<&Self>) -> TlsAcceptor {
        self.acceptor_of(name, clients, &[])
    }

    /// One that chooses among these protocols by ALPN.
    pub(crate) fn acceptor_of(&self, name: &str, clients: Option<&Self>, protocols: &[&[u8]]) -> TlsAcceptor {
        let (certificate, key) = self.sign(&[name]);
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a made key is valid");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn ClientCertVerifier> = match clients {
            None => Arc::new(NoClientAuth),
            Some(clients) => {
                WebPkiClientVerifier::builder_with_provider(Arc::new(clients.roots()), provider.clone())
                    .build()
                    .expect("an authority can be trusted")
            }
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the certificate and its key match");
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// The files of a certificate and its key.
#[derive(Debug, Clone)]
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Pair {
    /// As an item of `certificates`.
    #[must_use]
    pub fn yaml(&self) -> String {
        format!("{{{}}}", self.settings())
    }

    /// As keys and values in a YAML flow mapping.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("cert: \"{}\", key: \"{}\"", self.cert.display(), self.key.display())
    }

    fn load(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_file(&self.cert).expect("a made certificate is valid");
        let key = PrivateKeyDer::from_pem_file(&self.key).expect("a made key is valid");
        (vec![certificate], key)
    }
}

/// Opens connections that it resumes where it can.
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
}

impl TlsClient {
    /// With these protocols offered by ALPN.
    #[must_use]
    pub fn offering(&self, protocols: &[&[u8]]) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self { config: Arc::new(config) }
    }

    /// # Errors
    /// If the handshake fails.
    ///
    /// # Panics
    /// If `name` cannot be one of a host.
    pub async fn connect(&self, addr: SocketAddr, name: &str) -> io::Result<TlsStream<TcpStream>> {
        self.over(TcpStream::connect(addr).await?, name).await
    }

    /// As [`connect`](Self::connect), over a connection that there is already.
    ///
    /// # Errors
    /// If the handshake fails.
    ///
    /// # Panics
    /// If `name` cannot be one of a host.
    pub async fn over(&self, stream: TcpStream, name: &str) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).expect("the test's name is valid");
        TlsConnector::from(self.config.clone()).connect(name, stream).await
    }
}

impl Default for TestAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TestAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestAuthority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn path_text(path: &Path) -> String {
    path.to_str().expect("temporary folders have plain names").to_owned()
}
