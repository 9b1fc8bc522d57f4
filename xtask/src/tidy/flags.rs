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
    help(program).map(|help| used_in(&help))
}

fn help(program: &str) -> Option<String> {
    let path = path(program);
    if !path.is_file() {
        assert!(std::env::var_os(BIN_DIR).is_none(), "{} is not built", path.display());
        return None;
    }
    let output = Command::new(&path).arg("--help").output().unwrap();
    assert!(output.status.success(), "{program} --help ended with {}", output.status);
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
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

/// Long flags of a `--help` that no environment variable stands for.
fn without_variable(help: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut flag = None;
    for line in help.lines() {
        if line.trim_start().starts_with('-') {
            found.extend(flag.take());
            flag = line.split_whitespace().find(|word| is_flag(word)).map(str::to_owned);
        }
        flag = flag.filter(|_| !line.contains("[env: "));
    }
    found.extend(flag);
    found
}

#[test]
fn flags_without_a_variable_are_found() {
    let help = "  -c, --config <FILE>  It [env: A=]\n  -t, --check  Check\n      --url <URL>\n          Where\n\n          [env: B=]\n\n  -h, --help\n";
    assert_eq!(without_variable(help), BTreeSet::from(["--check", "--help"].map(str::to_owned)));
}

#[test]
fn the_operating_page_names_the_flags_that_have_no_variable() {
    let page = super::read_in_root("docs/operating.md");
    let sentence = page.split("the flag wins.").nth(1).and_then(|rest| rest.split(" have none").next());
    let mut expected = used_in(sentence.unwrap());
    expected.extend(["--help", "--version"].map(str::to_owned));
    let mut found = BTreeSet::new();
    for program in ["harbr-router", "harbr-controlplane", "harbr-dataplane", "harbrctl"] {
        let Some(help) = help(program) else { return };
        found.extend(without_variable(&help));
    }
    assert_eq!(found, expected);
}
