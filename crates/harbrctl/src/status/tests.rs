use std::time::{Duration, SystemTime};

use harbr_proto::document::StatusDocument;
use harbr_proto::v1;
use prost_types::Timestamp;

use super::text;
use crate::paint::Paint;
use crate::when::Now;

fn show(status: v1::Status) -> String {
    let now = Now::at(SystemTime::UNIX_EPOCH + Duration::from_secs(100));
    text(&StatusDocument::from(status), now, Paint::Plain)
}

#[test]
fn a_fleet_that_serves_what_it_should_is_seven_lines() {
    let shown = show(v1::Status {
        revision: 7,
        hash: "5d41402abc4b2a76".to_owned(),
        proven_revision: 7,
        config_error: None,
        nodes_total: 3,
        nodes_ready: 3,
        nodes_converged: 3,
        converged: true,
        health_frozen: false,
        concerns: Vec::new(),
        build: "0.1.0".to_owned(),
        config_file: "config.yml".to_owned(),
        config_warnings: Vec::new(),
        rollout: None,
        frozen: false,
    });
    assert_eq!(
        shown,
        "file:        config.yml\n\
         revision:    7 (5d41402abc4b2a76)\n\
         proven:      7\n\
         nodes:       converged: 3 of 3 serve the revision, 3 ready\n\
         rollout:     none\n\
         config:      valid\n\
         controller:  0.1.0\n"
    );
}

#[test]
fn a_refused_file_is_shown_with_its_age_its_place_and_its_diagnostics() {
    let shown = show(v1::Status {
        config_error: Some(v1::ConfigError {
            message: "error: unknown field\n --> config.yml:9:5\n".to_owned(),
            file: "config.yml".to_owned(),
            line: 9,
            column: 5,
            diagnostics: Vec::new(),
            since: Some(Timestamp { seconds: 58, nanos: 0 }),
        }),
        ..v1::Status::default()
    });
    assert!(shown.contains("refused for 42s: config.yml, line 9, column 5;"), "{shown}");
    assert!(shown.ends_with("\n\nerror: unknown field\n --> config.yml:9:5\n"), "{shown}");
}

#[test]
fn an_error_that_is_about_no_place_in_the_file_is_shown_without_one() {
    let shown = show(v1::Status {
        config_error: Some(v1::ConfigError {
            message: "config.yml: cannot be read: No such file or directory".to_owned(),
            file: "config.yml".to_owned(),
            line: 0,
            column: 0,
            diagnostics: Vec::new(),
            since: Some(Timestamp { seconds: 58, nanos: 0 }),
        }),
        ..v1::Status::default()
    });
    assert!(shown.contains("refused for 42s: config.yml; what"), "{shown}");
    assert!(shown.ends_with("\n\nconfig.yml: cannot be read: No such file or directory\n"), "{shown}");
}

#[test]
fn warnings_are_listed_below() {
    let warning = |line| v1::Diagnostic {
        severity: v1::Severity::Warning.into(),
        code: "HR0420".to_owned(),
        message: "no route uses the upstream `old`".to_owned(),
        span: Some(v1::Span { line, column: 3, end_line: line, end_column: 6 }),
        ..v1::Diagnostic::default()
    };
    let config_file = "config.yml".to_owned();
    let shown = show(v1::Status {
        config_file,
        config_warnings: vec![warning(4), warning(9)],
        ..v1::Status::default()
    });
    assert!(shown.contains("valid, with 2 warnings"), "{shown}");
    assert!(
        shown.ends_with(
            "\n\nconfig.yml:4:3: warning[HR0420]: no route uses the upstream `old`\n\
             config.yml:9:3: warning[HR0420]: no route uses the upstream `old`\n"
        ),
        "{shown}"
    );
}

#[test]
fn nodes_that_are_not_as_they_should_be_are_named_with_the_reason() {
    let kind = v1::ConcernKind::Quarantined.into();
    let concern = v1::Concern { node: "proxy-2".to_owned(), kind, reason: "revision 9: it died".to_owned() };
    let shown = show(v1::Status { concerns: vec![concern], health_frozen: true, ..v1::Status::default() });
    assert!(shown.contains("the prober suspects itself"), "{shown}");
    assert!(shown.contains("node proxy-2 is quarantined: revision 9: it died\n"), "{shown}");
}
