use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::folders;

/// A folder without a link above it, with these folders in it.
fn tree(names: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    for name in names {
        fs::create_dir(root.path().join(name)).unwrap();
    }
    let path = root.path().canonicalize().unwrap();
    (root, path)
}

#[test]
fn a_plain_file_is_watched_in_its_folder_also_before_it_exists() {
    let (_root, path) = tree(&["a"]);
    assert_eq!(folders(&path.join("a/config.yml")), [path.join("a")]);
    fs::write(path.join("a/config.yml"), "").unwrap();
    assert_eq!(folders(&path.join("a/config.yml")), [path.join("a")]);
    assert_eq!(folders(Path::new("config.yml")), [PathBuf::from(".")]);
}

#[test]
fn every_link_on_the_way_is_watched_where_it_is() {
    let (_root, path) = tree(&["a", "b", "c"]);
    symlink(path.join("b/link"), path.join("a/config.yml")).unwrap();
    symlink("../c/real.yml", path.join("b/link")).unwrap();
    fs::write(path.join("c/real.yml"), "").unwrap();
    let expected = [path.join("a"), path.join("b"), path.join("b/../c")];
    assert_eq!(folders(&path.join("a/config.yml")), expected);
}

#[test]
fn a_folder_that_is_a_link_is_watched_where_it_is_and_where_it_leads() {
    let (_root, path) = tree(&["releases", "releases/1"]);
    symlink("releases/1", path.join("current")).unwrap();
    let expected = [path.clone(), path.join("releases/1")];
    assert_eq!(folders(&path.join("current/config.yml")), expected);
}

#[test]
fn links_in_a_circle_end() {
    let (_root, path) = tree(&[]);
    symlink("config.yml", path.join("config.yml")).unwrap();
    assert_eq!(folders(&path.join("config.yml")), [path]);
}
