use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;

use crate::workspace;

/// Which of our crates a crate may depend on; exactly these crates exist. `harbr-tests` may use any.
const ARROWS: [(&str, &[&str]); 13] = [
    ("harbr-model", &[]),
    ("harbr-routing", &["harbr-model"]),
    ("harbr-config", &["harbr-model"]),
    ("harbr-proto", &["harbr-model"]),
    ("harbr-explain", &["harbr-model", "harbr-proto", "harbr-routing"]),
    ("harbr-process", &[]),
    ("harbr-tls", &["harbr-model"]),
    ("harbr-trust", &[]),
    (
        "harbr-controlplane",
        &[
            "harbr-config",
            "harbr-explain",
            "harbr-model",
            "harbr-process",
            "harbr-proto",
            "harbr-routing",
            "harbr-tls",
            "harbr-trust",
        ],
    ),
    (
        "harbr-dataplane",
        &["harbr-model", "harbr-process", "harbr-proto", "harbr-routing", "harbr-tls", "harbr-trust"],
    ),
    ("harbr-router", &["harbr-controlplane", "harbr-dataplane", "harbr-process"]),
    (
        "harbrctl",
        &["harbr-config", "harbr-explain", "harbr-model", "harbr-proto", "harbr-routing", "harbr-trust"],
    ),
    ("xtask", &[]),
];

/// What a crate must not know.
const NEVER: [(&str, &[&str]); 8] = [
    ("harbr-model", &["tokio", "serde", "serde_yaml", "prost"]),
    ("harbr-routing", &["tokio", "prost", "serde_yaml"]),
    ("harbr-config", &["tokio", "notify", "prost", "tonic"]),
    ("harbr-proto", &["serde_yaml", "saphyr-parser", "notify"]),
    ("harbr-explain", &["tokio", "serde_yaml", "harbr-config"]),
    ("harbr-tls", &["tokio", "prost", "hyper", "serde_yaml"]),
    ("harbr-trust", &["tonic", "prost", "hyper", "serde_yaml"]),
    ("harbr-dataplane", &["serde_yaml", "saphyr-parser", "notify", "harbr-config", "harbr-controlplane"]),
];

#[test]
fn the_crates_depend_on_each_other_only_as_the_design_says() {
    let metadata = workspace::metadata().unwrap();
    let mut expected: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, targets)| (*name, targets.iter().copied().collect())).collect();
    expected.insert("harbr-tests", expected.keys().copied().collect());
    let mut seen = BTreeSet::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let allowed =
            expected.get(name).unwrap_or_else(|| panic!("{name} is a crate that the design does not know"));
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            // The harness is what tests are written with.
            let for_tests =
                dependency.kind == DependencyKind::Development && dependency.name == "harbr-tests";
            assert!(
                for_tests || allowed.contains(dependency.name.as_str()),
                "{name} must not depend on {}",
                dependency.name
            );
        }
        seen.insert(name.to_owned());
    }
    for name in expected.keys() {
        assert!(seen.contains(*name), "the design knows a crate {name}, the workspace does not");
    }
}

#[test]
fn no_crate_names_what_it_must_not_know() {
    let metadata = workspace::metadata().unwrap();
    for (name, never) in NEVER {
        let package = metadata.workspace_packages().into_iter().find(|package| package.name == name).unwrap();
        for dependency in package.dependencies.iter().filter(|found| found.kind == DependencyKind::Normal) {
            assert!(!never.contains(&dependency.name.as_str()), "{name} must not know {}", dependency.name);
        }
    }
}
