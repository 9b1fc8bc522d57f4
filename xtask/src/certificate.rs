//! A certificate for loopback, by openssl: what is measured and trained over TLS needs one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Made once for a run, for `localhost`; ECDSA over P-256, as is common.
pub(crate) struct Certificate {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
    /// One file with both, as HAProxy wants it.
    pub(crate) both: PathBuf,
}

impl Certificate {
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let certificate = Self {
            chain: folder.join("cert.pem"),
            key: folder.join("key.pem"),
            both: folder.join("both.pem"),
        };
        if !certificate.both.exists() {
            certificate.make().context("openssl makes the certificate (apt-get install openssl)")?;
        }
        Ok(certificate)
    }

    fn make(&self) -> Result<()> {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args([
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ]);
        command.arg("-keyout").arg(&self.key).arg("-out").arg(&self.chain);
        let output = command.stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(&self.both, [std::fs::read(&self.chain)?, std::fs::read(&self.key)?].concat())?;
        Ok(())
    }
}
