//! The files of the page. What they show is tested with a browser, and with real processes.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::assets::ASSETS;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboard")
}

/// Paths below the folder, `/` between.
fn files(folder: &Path, prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .flat_map(|entry| {
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() { files(&entry.path(), &format!("{name}/")) } else { vec![name] }
        })
        .collect()
}

#[test]
fn every_file_of_the_page_is_served_and_every_licence_is_beside_its_library() {
    let served: HashSet<_> = ASSETS.iter().map(|asset| asset.path.trim_start_matches('/')).collect();
    let is_shown = |name: &str| [".js", ".css", ".svg"].iter().any(|ending| name.ends_with(ending));
    let files = files(&folder(), "");
    for name in files.iter().filter(|name| is_shown(name)) {
        assert!(served.contains(name.as_str()), "{name} is not served");
    }
    for library in ["htm", "preact", "uplot"] {
        assert!(files.contains(&format!("vendor/LICENSE.{library}")), "{library} has no licence here");
    }
}

#[test]
fn vendored_files_are_those_of_their_packages() {
    let readme = fs::read_to_string(folder().join("vendor/README.md")).unwrap();
    let rows: Vec<_> = readme.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let words: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        let (name, hash) = (words[0], *words.last().unwrap());
        let bytes = fs::read(folder().join("vendor").join(name)).unwrap();
        let actual: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(actual, hash, "{name}");
    }
}

/// The policy forbids what is inline and what is elsewhere, so the files must do without.
#[test]
fn the_page_has_nothing_inline_and_nothing_from_elsewhere() {
    let page = fs::read_to_string(folder().join("index.html")).unwrap();
    assert!(!page.contains("style=") && !page.contains("onclick="), "{page}");
    assert_eq!(page.matches("<script").count(), page.matches("<script src=\"").count());
    for name in files(&folder(), "").iter().filter(|name| !name.starts_with("vendor/")) {
        let text = fs::read_to_string(folder().join(name)).unwrap();
        let foreign = text.replace("http://www.w3.org/2000/svg", "").replace("http://example.com/", "");
        assert!(!foreign.contains("http://") && !foreign.contains("https://"), "{name} names another host");
    }
}
