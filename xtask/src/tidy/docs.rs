use std::path::PathBuf;

use clap::Parser as _;

use super::{CODE, assert_none, files_below, read, read_in_root, shown};
use crate::{Cli, workspace};

fn pages() -> Vec<PathBuf> {
    let mut pages = files_below("docs", ".md");
    let names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    pages.extend(names.map(|name| workspace::root().join(name)).into_iter().filter(|page| page.exists()));
    pages
}

/// The targets of a page's links within the repository.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#', ' ']).next())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut problems = Vec::new();
    for page in pages() {
        let text = read(&page);
        for target in links(&text) {
            if !page.parent().unwrap().join(target).exists() {
                problems.push(format!("{}: {target}", shown(&page)));
            }
        }
    }
    assert_none(&problems, "links to files that do not exist");
}

/// Commands of the programs are run by `tests/it/documents.rs`.
#[test]
fn every_task_in_a_page_is_one() {
    let mut problems = Vec::new();
    for page in pages() {
        let text = read(&page);
        let fenced = text.split("```bash").skip(1).filter_map(|rest| rest.split("```").next());
        for line in fenced.flat_map(str::lines).filter_map(|line| line.strip_prefix("cargo xtask ")) {
            let words = line.split(" # ").next().unwrap_or_default().split_whitespace();
            if let Err(error) = Cli::try_parse_from(std::iter::once("xtask").chain(words)) {
                problems.push(format!("{}: {line}: {error}", shown(&page)));
            }
        }
    }
    assert_none(&problems, "tasks that do not exist");
}

#[test]
fn every_promise_is_held_by_a_test_that_exists() {
    let page = read_in_root("docs/configuration.md");
    let (_, promises) = page.split_once("## The seed page's promises").expect("the table of promises");
    let rows: Vec<&str> = promises
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() >= 25, "only {} promises", rows.len());
    let sources: String =
        CODE.iter().flat_map(|folder| files_below(folder, ".rs")).map(|file| read(&file)).collect();
    let mut problems = Vec::new();
    for row in rows {
        let tests = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            problems.push(format!("no test: {row}"));
        }
        for name in names {
            if !sources.contains(&format!("fn {name}(")) {
                problems.push(format!("no test is named {name}: {row}"));
            }
        }
    }
    assert_none(&problems, "the promises' tests");
}

/// A row's last column names tests, or cases of the raw suite as `subject: name`.
#[test]
fn every_line_of_the_http_page_is_held_by_a_test() {
    let page = read_in_root("docs/http.md");
    let is_row = |line: &&str| line.starts_with('|') && !line.starts_with("|---");
    let rows: Vec<&str> = page.lines().filter(is_row).filter(|line| !line.ends_with("| held by |")).collect();
    assert!(rows.len() >= 40, "only {} rows", rows.len());
    let sources: String =
        CODE.iter().flat_map(|folder| files_below(folder, ".rs")).map(|file| read(&file)).collect();
    let is_case = |name: &str| {
        let (subject, case) = name.split_once(": ").unwrap_or_default();
        let file = if subject == "reuse" { "responses" } else { subject };
        let file = workspace::root().join(format!("tests/src/conformance/cases/{file}.rs"));
        file.exists() && read(&file).contains(&format!("\"{case}\""))
    };
    let mut problems = Vec::new();
    for row in rows {
        let tests = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            problems.push(format!("no test: {row}"));
        }
        for name in names {
            if !is_case(name) && !sources.contains(&format!("fn {name}(")) {
                problems.push(format!("nothing is named {name}"));
            }
        }
    }
    assert_none(&problems, "the tests of docs/http.md");
}

#[test]
fn every_key_of_the_file_is_documented() {
    let page = read_in_root("docs/configuration.md");
    let raw = read_in_root("crates/harbr-config/src/raw.rs");
    let keys: Vec<&str> = raw
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split_once(": "))
        .map(|(name, _)| if name == "matches" { "match" } else { name })
        .collect();
    assert!(keys.len() > 30, "only {} keys found", keys.len());
    let is_word = |text: &str, key: &str| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == key)
    };
    let code: String = page.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(" ");
    let missing: Vec<String> =
        keys.into_iter().filter(|key| !is_word(&code, key)).map(str::to_owned).collect();
    assert_none(&missing, "docs/configuration.md says what these keys are");
}

#[test]
fn links_are_found() {
    assert_eq!(links("[a](b.md) [c](https://d) [e](f.md#g) [h](#i)"), ["b.md", "f.md"]);
}
