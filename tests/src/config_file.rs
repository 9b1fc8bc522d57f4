use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A configuration file in a folder of its own, and the ways in which people save one.
#[derive(Debug)]
pub struct ConfigFile {
    folder: TempDir,
}

impl ConfigFile {
    /// # Panics
    /// If the temporary folder cannot be written.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let file = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        file.write_in_place(text);
        file
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("config.yml")
    }

    /// As `cp` and a plain editor do: truncates, then writes.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write_in_place(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).expect("the file is writable");
    }

    /// As most editors do: a new file takes the old one's name.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn save_by_rename(&self, text: impl AsRef<[u8]>) {
        let draft = self.folder.path().join(".config.yml.swp");
        fs::write(&draft, text).expect("the folder is writable");
        fs::rename(draft, self.path()).expect("the file can be replaced");
    }

    /// # Panics
    /// If it is not there.
    pub fn delete(&self) {
        fs::remove_file(self.path()).expect("the file is there");
    }
}

/// A folder as Kubernetes mounts a ConfigMap: `config.yml` → `..data/config.yml`, `..data` → a folder per
/// version.
#[derive(Debug)]
pub struct KubernetesMount {
    folder: TempDir,
    version: u32,
}

impl KubernetesMount {
    /// # Panics
    /// If the temporary folder cannot be written.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut mount = Self { folder: tempfile::tempdir().expect("a temporary folder"), version: 0 };
        mount.swap(text);
        symlink("..data/config.yml", mount.path()).expect("the folder is writable");
        mount
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("config.yml")
    }

    /// As the kubelet does: a new folder, a new link, the link renamed over `..data`, the old folder removed.
    ///
    /// # Panics
    /// If the folder cannot be written.
    pub fn swap(&mut self, text: &str) {
        let old = self.version_folder();
        self.version += 1;
        let new = self.version_folder();
        fs::create_dir(&new).expect("the folder is writable");
        fs::write(new.join("config.yml"), text).expect("the folder is writable");
        let link = self.folder.path().join("..data_tmp");
        symlink(new.file_name().expect("a version has a name"), &link).expect("the folder is writable");
        fs::rename(link, self.folder.path().join("..data")).expect("the link can be replaced");
        if self.version > 1 {
            fs::remove_dir_all(old).expect("the old version is there");
        }
    }

    fn version_folder(&self) -> PathBuf {
        Path::new(self.folder.path()).join(format!("..2026_01_01_00_00_{:02}", self.version))
    }
}
