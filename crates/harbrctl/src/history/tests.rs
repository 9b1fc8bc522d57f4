use std::time::{Duration, SystemTime};

use harbr_proto::document::RevisionDocument;

use super::{table, unified};
use crate::paint::Paint;
use crate::when::Now;

#[test]
fn files_that_are_the_same_have_no_difference() {
    assert_eq!(unified("a\nb\n", "a\nb\n", ["1", "2"], Paint::Plain), "");
    let shown = unified("a\nb\n", "a\nc\n", ["revision 1", "revision 2"], Paint::Plain);
    assert_eq!(shown, "--- revision 1\n+++ revision 2\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
}

#[test]
fn of_a_revision_that_was_taken_back_the_reason_is_shown() {
    let revision = |fate: &str| RevisionDocument {
        number: 2,
        hash: "5d41402abc4b2a76".to_owned(),
        made: None,
        cause: "file".to_owned(),
        actor: None,
        reason: None,
        summary: "route `/a` changed".to_owned(),
        fate: fate.to_owned(),
        story: vec!["wave 1: 1 nodes".to_owned(), "route `/a`: 12 of 12 requests failed".to_owned()],
    };
    let now = Now::at(SystemTime::UNIX_EPOCH + Duration::from_secs(100));
    let shown = table(&[revision("rejected"), revision("proven")], now);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].ends_with("route `/a`: 12 of 12 requests failed"), "{shown}");
    assert!(lines[2].ends_with("route `/a` changed"), "{shown}");
}
