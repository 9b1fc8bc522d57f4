use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::{Reloaded, TlsError};
use crate::{Authority, Identity, Pair, Role, TlsFiles};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Folder {
    authority: Authority,
    folder: TempDir,
}

impl Folder {
    fn new() -> Self {
        let ca = Authority::create("test", DAY).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca"), &ca.certificate).unwrap();
        Self { authority: Authority::from_pem(&ca.certificate, &ca.key).unwrap(), folder }
    }

    fn pair(&self, name: &str) -> Pair {
        self.authority.issue(&Identity::new(Role::Node, name).unwrap(), &[], DAY).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn files(&self) -> TlsFiles {
        let path = |name: &str| Path::new(self.folder.path()).join(name);
        TlsFiles { ca: path("ca"), cert: path("cert"), key: path("key") }
    }
}

/// The name in the certificate, as the value that is made of it.
fn open(folder: &Folder) -> Result<Reloaded<String>, TlsError> {
    Reloaded::open(folder.files(), |credentials| {
        Ok(credentials.certificate().identity.as_ref().unwrap().name().to_owned())
    })
}

#[test]
fn a_renewed_pair_is_used_once_both_halves_are_there() {
    let folder = Folder::new();
    let (a, b) = (folder.pair("a"), folder.pair("b"));
    folder.write("cert", &a.certificate);
    folder.write("key", &a.key);
    let reloaded = open(&folder).unwrap();
    reloaded.refresh();
    assert_eq!((reloaded.current().as_str(), reloaded.problem()), ("a", None));

    folder.write("cert", &b.certificate);
    reloaded.refresh();
    assert_eq!(reloaded.current().as_str(), "a");
    assert!(reloaded.problem().unwrap().contains("the key is not that of the certificate"));

    folder.write("key", &b.key);
    reloaded.refresh();
    assert_eq!((reloaded.current().as_str(), reloaded.problem()), ("b", None));
}

#[test]
fn what_cannot_be_read_or_understood_leaves_what_was_there() {
    let folder = Folder::new();
    let (a, b) = (folder.pair("a"), folder.pair("b"));
    folder.write("cert", &a.certificate);
    folder.write("key", &a.key);
    let reloaded = open(&folder).unwrap();
    let broken: [&dyn Fn(); 3] =
        [&|| fs::remove_file(folder.files().cert).unwrap(), &|| folder.write("cert", "garbage"), &|| {
            folder.write("cert", &b.certificate[..200])
        }];
    for breaks in broken {
        breaks();
        reloaded.refresh();
        assert_eq!(reloaded.current().as_str(), "a");
        assert!(reloaded.problem().is_some());
        folder.write("cert", &a.certificate);
        reloaded.refresh();
        assert_eq!(reloaded.problem(), None);
    }
}

#[test]
fn files_that_cannot_be_used_at_first_are_named() {
    let folder = Folder::new();
    folder.write("cert", &folder.pair("a").certificate);
    let missing = open(&folder).unwrap_err().to_string();
    assert!(missing.contains("key") && missing.contains("cannot read"), "{missing}");
    folder.write("key", &folder.pair("a").key);
    let mismatch = open(&folder).unwrap_err().to_string();
    assert!(mismatch.contains("the key is not that of the certificate"), "{mismatch}");
}
