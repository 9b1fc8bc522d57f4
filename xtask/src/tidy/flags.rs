//! Reading the flags of our programs: those that files use, and those that the programs know.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use crate::workspace;

/// Says where the freshly built programs are.
const BIN_DIR: &str = "HARBR_BIN_DIR";

/// Long flags and variables of ours (`HARBR_…`) that stand in a text.
pub(super) fn used_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .filter(|word| is_flag(word) || is_variable(word))
        .map(str::to_owned)
        .collect()
}

/// What a program's `--help` names; `None` where the program is not built. Under `cargo xtask check` it is.
pub(super) fn known_to(program: &str) -> Option<BTreeSet<String>> {
    let path = path(program);
    if !path.is_file() {
        assert!(std::env::var_os(BIN_DIR).is_none(), "{} is not built", path.display());
        return None;
    }
    let output = Command::new(&path).arg("--help").output().unwrap();
    assert!(output.status.success(), "{program} --help ended with {}", output.status);
    Some(used_in(&String::from_utf8_lossy(&output.stdout)))
}

/// Where the program is, once it is built.
pub(super) fn path(program: &str) -> PathBuf {
    let folder = std::env::var_os(BIN_DIR).map(PathBuf::from);
    folder.unwrap_or_else(|| workspace::target_dir().unwrap().join("debug")).join(program)
}

fn is_flag(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    })
}

fn is_variable(word: &str) -> bool {
    word.strip_prefix("HARBR_").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
}

#[test]
fn flags_and_variables_are_found() {
    let found = used_in("- --grpc-addr=0.0.0.0:7400\n[\"--health-check\"] HARBR_NODE_ID: x -- --- a--b -c");
    let expected = ["--grpc-addr", "--health-check", "HARBR_NODE_ID"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(expected));
}
