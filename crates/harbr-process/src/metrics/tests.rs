use std::io::Write;
use std::process::{Command, Stdio};

use super::Metrics;

/// One test: a process has one recorder.
#[test]
fn a_scrape_shows_what_was_recorded_the_build_the_process_and_each_source() {
    let metrics = Metrics::install("harbr-test").unwrap();
    assert!(Metrics::install("harbr-test").is_err());
    metrics::describe_counter!("harbr_things_total", "Things that happened.");
    metrics::counter!("harbr_things_total", "kind" => "good").increment(2);
    metrics::describe_histogram!("harbr_thing_duration_seconds", "How long a thing took.");
    metrics::histogram!("harbr_thing_duration_seconds").record(0.2);
    metrics.add_source(|text| {
        text.push_str("# HELP harbr_cells A source.\n# TYPE harbr_cells gauge\nharbr_cells 7\n");
    });
    assert!(std::panic::catch_unwind(|| panic!("as the test asks")).is_err());
    let text = metrics.clone().render();
    let version = crate::VERSION;
    for line in [
        "harbr_things_total{kind=\"good\"} 2",
        "harbr_thing_duration_seconds_bucket{le=\"0.1\"} 0",
        "harbr_thing_duration_seconds_bucket{le=\"0.25\"} 1",
        "harbr_thing_duration_seconds_count 1",
        "harbr_cells 7",
        "harbr_panics_total 1",
        &format!("harbr_build_info{{version=\"{version}\",component=\"harbr-test\"}} 1"),
    ] {
        assert!(text.lines().any(|shown| shown == line), "no line `{line}` in\n{text}");
    }
    assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
    assert!(text.contains("\nprocess_cpu_seconds_total "), "{text}");
    check_with_promtool(&text);
}

/// Holds a scrape against Prometheus' own linter where it is installed; `HARBR_REQUIRE_TOOLS` makes it required.
fn check_with_promtool(text: &str) {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("HARBR_REQUIRE_TOOLS").is_none(), "promtool: {error}");
            return;
        }
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let findings = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && findings.trim().is_empty(), "{findings}\n{text}");
}
