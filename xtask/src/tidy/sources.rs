use std::path::Path;

use super::{CODE, assert_none, files_below, read, shown};

/// Past this a file has a second subject.
const MAX_LINES: usize = 500;

fn sources() -> Vec<std::path::PathBuf> {
    let sources: Vec<_> = CODE.iter().flat_map(|folder| files_below(folder, ".rs")).collect();
    assert!(sources.len() > 30, "only {} sources found", sources.len());
    sources
}

/// `src/x/tests.rs`, `src/x/tests/…`, what several of them share (`testing.rs`), the integration tests and
/// their harness.
fn is_test(path: &Path) -> bool {
    let path = shown(path);
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("/testing.rs")
        || path.contains("/tidy")
}

#[test]
fn no_file_has_two_subjects() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|path| !is_test(path))
        .map(|path| (read(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", shown(&path)))
        .collect();
    assert_none(&long, "a file has at most 500 lines");
}

#[test]
fn modules_are_named_after_themselves() {
    let named: Vec<String> =
        sources().iter().filter(|path| path.ends_with("mod.rs")).map(|path| shown(path)).collect();
    assert_none(&named, "`foo.rs` with `foo/` beside it, no `mod.rs`");
}

#[test]
fn nothing_is_left_for_later() {
    let mut problems = Vec::new();
    for path in sources().into_iter().filter(|path| !is_test(path)) {
        for (index, line) in read(&path).lines().enumerate() {
            let marks = ["TODO", "FIXME", "XXX", ".unwrap()", "dbg!(", "todo!(", "unimplemented!("];
            // An example in the documentation may unwrap.
            let in_example = line.trim_start().starts_with("///") || line.trim_start().starts_with("//!");
            for mark in marks.into_iter().filter(|mark| line.contains(mark)) {
                if !(in_example && mark == ".unwrap()") {
                    problems.push(format!("{}:{}: {mark}", shown(&path), index + 1));
                }
            }
        }
    }
    assert_none(&problems, "outside tests");
}

#[test]
fn an_ignored_test_says_why() {
    let bare: Vec<String> = sources()
        .into_iter()
        .filter(|path| !shown(path).contains("/tidy"))
        .filter(|path| read(path).contains("#[ignore]"))
        .map(|path| shown(&path))
        .collect();
    assert_none(&bare, "`#[ignore = \"reason\"]`");
}

#[test]
fn unit_tests_stand_beside_what_they_test() {
    let inline: Vec<String> = sources()
        .into_iter()
        .filter(|path| !is_test(path) && read(path).contains("mod tests {"))
        .map(|path| shown(&path))
        .collect();
    assert_none(&inline, "tests of `foo.rs` are in `foo/tests.rs`");
}
