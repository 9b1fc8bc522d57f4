use harbr_proto::v1;

use super::*;

fn event(missed: u64) -> EventDocument {
    EventDocument::from(v1::Event {
        at: Some(SystemTime::UNIX_EPOCH.into()),
        kind: v1::EventKind::Node.into(),
        severity: v1::EventSeverity::Bad.into(),
        text: "edge-1 is rejected: no".to_owned(),
        missed,
        ..v1::Event::default()
    })
}

#[test]
fn an_event_is_one_line_and_what_was_missed_is_said_before_it() {
    let text = "1970-01-01T00:00:00Z  node      edge-1 is rejected: no\n";
    assert_eq!(line(&event(0), Paint::Plain), text);
    let missed = "(3 events came too fast and are not shown)\n";
    assert_eq!(line(&event(3), Paint::Plain), format!("{missed}{text}"));
    assert!(line(&event(0), Paint::Color).contains("\u{1b}[31m"));
}
