use harbr_proto::document::{RolloutDocument, WaveDocument};

use super::text;
use crate::paint::Paint;

fn document() -> RolloutDocument {
    let wave = |nodes: &str, members, serving| WaveDocument {
        nodes: nodes.to_owned(),
        bake_ms: 1_000,
        members,
        serving,
    };
    RolloutDocument {
        revision: 7,
        hash: String::new(),
        state: "rolling",
        reason: None,
        paused: false,
        waves: vec![wave("1", 1, 1), wave("25%", 4, 2), wave("all", 16, 2)],
        wave: 1,
        elapsed_ms: 0,
        needed_ms: 1_000,
        base_revision: 6,
        evidence: Some("no_evidence: no requests".to_owned()),
        waiting: vec!["b".to_owned(), "c".to_owned()],
        unavailable: Vec::new(),
        comparisons: Vec::new(),
    }
}

#[test]
fn each_wave_is_a_bar() {
    let shown = text(&document(), Paint::Plain);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "revision 7: rolling");
    assert_eq!(lines[1], format!("  wave 1 (1)               {} 1/1  passed", "█".repeat(24)));
    assert_eq!(lines[2], format!("  wave 2 (25%)             {}{} 2/4", "█".repeat(12), "░".repeat(12)));
    assert_eq!(lines[3], format!("  whole fleet              {}{} 2/16", "█".repeat(3), "░".repeat(21)));
    assert_eq!(lines[4..], ["  traffic: no_evidence: no requests", "  waits for: b, c"]);
}

#[test]
fn one_that_has_ended_says_why() {
    let document = RolloutDocument {
        state: "rejected",
        reason: Some("route `/a`: 12 of 12 requests failed".to_owned()),
        waves: Vec::new(),
        evidence: None,
        waiting: Vec::new(),
        ..document()
    };
    let shown = text(&document, Paint::Plain);
    assert_eq!(shown, "revision 7: rejected\n  route `/a`: 12 of 12 requests failed\n");
}
