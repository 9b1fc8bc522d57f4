//! Rules about the repository itself, each a test.

mod alerts;
mod arrows;
mod changelog;
mod dependencies;
mod deploy;
mod docs;
mod flags;
mod metric_names;
mod seed_manifests;
mod sources;

use std::path::{Path, PathBuf};

use crate::workspace;

/// Our source folders.
const CODE: [&str; 3] = ["crates", "tests", "xtask"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_in_root(path: &str) -> String {
    read(&workspace::root().join(path))
}

/// All files below a folder of the repository whose names end so.
fn files_below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![workspace::root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// As people write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

/// Fails with all of them at once.
fn assert_none(problems: &[String], rule: &str) {
    assert!(problems.is_empty(), "{rule}:\n  {}", problems.join("\n  "));
}
