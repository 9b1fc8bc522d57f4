use super::{assert_none, files_below, read, read_in_root, shown};
use crate::workspace;

/// The tables of a manifest that hold dependencies, line by line: (line, text).
fn dependency_lines(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.trim_matches(['[', ']']).ends_with("dependencies");
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn versions_are_named_once_in_the_workspace() {
    let mut problems = Vec::new();
    let mut manifests = files_below("crates", "Cargo.toml");
    manifests.extend(["tests", "xtask"].map(|folder| workspace::root().join(folder).join("Cargo.toml")));
    assert!(manifests.len() > 10);
    for manifest in manifests {
        for line in dependency_lines(&read(&manifest)) {
            if !line.contains(".workspace = true") && !line.contains("workspace = true,") {
                problems.push(format!("{}: {line}", shown(&manifest)));
            }
        }
    }
    assert_none(&problems, "a member takes its dependencies from the workspace (`name.workspace = true`)");
}

#[test]
fn what_the_workspace_names_is_used() {
    let root = read_in_root("Cargo.toml");
    let mut members = String::new();
    for folder in super::CODE {
        files_below(folder, "Cargo.toml").iter().for_each(|manifest| members += &read(manifest));
    }
    let used = |name: &str| {
        members
            .lines()
            .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '.', '='])))
    };
    let unused: Vec<String> = dependency_lines(&root)
        .into_iter()
        .filter_map(|line| line.split([' ', '=']).next())
        .filter(|name| !used(name))
        .map(str::to_owned)
        .collect();
    assert_none(&unused, "no member uses these");
}

/// In what is built: the lock file also names what an optional feature of somebody's would want.
#[test]
fn there_is_one_crypto_provider() {
    let tree = ["tree", "--workspace", "--offline", "--locked", "--prefix", "none", "--format", "{p}"];
    let output = workspace::cargo(&tree).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8_lossy(&output.stdout);
    let is_built = |name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    assert!(is_built("aws-lc-rs"));
    assert!(!is_built("ring"), "two providers in one graph panic at the first handshake");
}
