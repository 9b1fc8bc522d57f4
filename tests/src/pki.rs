use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use tempfile::TempDir;

use crate::process::Process;
use crate::program::Program;

/// An authority that `harbrctl pki` has made, and what it signs.
#[derive(Debug)]
pub struct Pki {
    folder: TempDir,
}

/// What a process is given to prove who it is.
#[derive(Debug, Clone)]
pub struct Paths {
    pub ca: String,
    pub cert: String,
    pub key: String,
}

impl Pki {
    /// # Panics
    /// If `harbrctl` fails.
    pub async fn new() -> Self {
        let pki = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        pki.harbrctl(&["init"]).await;
        pki
    }

    /// What `harbrctl pki issue ROLE NAME` makes.
    ///
    /// # Panics
    /// If it fails.
    pub async fn issue(&self, role: &str, name: &str) -> Paths {
        self.harbrctl(&["issue", role, name, "--force"]).await;
        self.paths(name.trim_end_matches(['*', '-']))
    }

    /// As [`issue`](Self::issue), but of yesterday.
    ///
    /// # Panics
    /// If the folder cannot be written.
    #[must_use]
    pub fn expired(&self, role: &str, name: &str) -> Paths {
        let read =
            |file: &str| std::fs::read_to_string(self.folder.path().join(file)).expect("it was written");
        let ca_key = KeyPair::from_pem(&read("ca.key")).expect("the key is one");
        let issuer = Issuer::from_ca_cert_pem(&read("ca.crt"), ca_key).expect("the authority is one");
        let mut params = CertificateParams::default();
        let uri = format!("harbr://{role}/{name}");
        params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("a URI is ASCII"))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = (SystemTime::now() - Duration::from_secs(24 * 60 * 60)).into();
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &issuer).expect("the authority signs");
        let paths = self.paths(&format!("expired-{name}"));
        std::fs::write(&paths.cert, certificate.pem()).expect("the folder is writable");
        std::fs::write(&paths.key, key.serialize_pem()).expect("the folder is writable");
        paths
    }

    /// The folder with all of it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `harbrctl pki` on this folder.
    ///
    /// # Panics
    /// If it fails.
    pub async fn harbrctl(&self, args: &[&str]) -> String {
        let folder = self.text("");
        let mut all = vec!["pki"];
        all.extend(args);
        all.extend(["--dir", &folder]);
        let ended = Process::run(Program::Harbrctl, &all).await;
        assert_eq!(ended.code, Some(0), "harbrctl {all:?}: {}", ended.stderr);
        ended.stdout
    }

    fn paths(&self, name: &str) -> Paths {
        Paths {
            ca: self.text("ca.crt"),
            cert: self.text(&format!("{name}.crt")),
            key: self.text(&format!("{name}.key")),
        }
    }

    fn text(&self, file: &str) -> String {
        self.folder.path().join(file).to_str().expect("temporary folders have plain names").to_owned()
    }
}

impl Paths {
    /// The flags that every program has for them.
    #[must_use]
    pub fn args(&self) -> [String; 6] {
        let Self { ca, cert, key } = self.clone();
        ["--tls-ca".to_owned(), ca, "--tls-cert".to_owned(), cert, "--tls-key".to_owned(), key]
    }
}
