//! Pages that say what this crate knows. `UPDATE=1` rewrites them.

use std::fs;
use std::path::Path;

use harbr_config::{Code, Severity};

/// Holds a page of `docs/` equal to what it should be.
pub(crate) fn check_page(name: &str, expected: impl FnOnce(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let actual = fs::read_to_string(&path).unwrap_or_default();
    let expected = expected(&actual);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, expected).expect("the page can be written");
    } else {
        assert!(actual == expected, "docs/{name} is not what the code says: run this test with UPDATE=1");
    }
}

#[test]
fn the_page_of_errors_is_the_list_of_codes() {
    check_page("errors.md", |_| errors_page());
}

fn errors_page() -> String {
    let mut page = "\
# Errors and warnings of the configuration file

Each has a code that stays the same, and is shown with it by `harbrctl validate`, `--check`, the controller's log and
`harbrctl status`. `harbrctl explain-error HR0101` prints what stands here. An error refuses the file, and what was
served is served on. A warning refuses nothing. This page is made from the code, by
`UPDATE=1 cargo test -p harbr-config the_page_of_errors`.
"
    .to_owned();
    for code in Code::ALL {
        let severity = match code.severity() {
            Severity::Error => "Error",
            Severity::Warning => "Warning",
        };
        let (title, explanation) = (code.title(), code.explanation());
        page.push_str(&format!("\n## {code}: {title}\n\n{severity}. {explanation}\n"));
    }
    page
}
