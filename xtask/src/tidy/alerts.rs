use std::collections::BTreeSet;

use super::{assert_none, files_below, read, read_in_root, shown};

/// The metrics that a text names. What Prometheus adds to the name of a histogram is taken off.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| ["harbr_", "proxy_", "process_"].iter().any(|start| word.starts_with(start)))
        .map(|word| {
            ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word)
        })
        .collect()
}

#[test]
fn dashboards_and_alerts_name_only_metrics_that_exist() {
    let docs = read_in_root("docs/metrics.md");
    let mut files = files_below("deploy/prometheus", ".yml");
    files.extend(files_below("deploy/grafana", ".json"));
    let mut problems = Vec::new();
    let mut found = 0;
    for file in &files {
        let text = read(file);
        for name in metrics_in(&text) {
            found += 1;
            if !docs.contains(&format!("`{name}`")) {
                problems.push(format!("{}: {name}", shown(file)));
            }
        }
    }
    assert!(found > 30, "only {found} metrics found in {files:?}");
    assert_none(&problems, "docs/metrics.md, which is held against the code, has none of these");
}

#[test]
fn a_dashboard_is_json_with_a_query_in_each_panel() {
    for file in files_below("deploy/grafana", ".json") {
        let dashboard: serde_json::Value = serde_json::from_str(&read(&file)).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        assert!(panels.len() > 10, "{}", shown(&file));
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            let queries = panel["targets"].as_array().unwrap();
            assert!(
                queries.iter().all(|query| !metrics_in(query["expr"].as_str().unwrap()).is_empty()),
                "{panel}"
            );
        }
    }
}

#[test]
fn every_alert_is_tested() {
    let tests = read_in_root("deploy/prometheus/rules.test.yml");
    let rules = read_in_root("deploy/prometheus/rules.yml");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 5);
    let untested: Vec<String> = alerts
        .into_iter()
        .filter(|alert| !tests.contains(&format!("alertname: {alert}\n")))
        .map(str::to_owned)
        .collect();
    assert_none(&untested, "deploy/prometheus/rules.test.yml shows each alert firing");
}

#[test]
fn metrics_are_found() {
    let found = metrics_in("sum(rate(proxy_request_duration_seconds_bucket{a=\"b\"}[5m])) / harbr_nodes");
    assert_eq!(found, BTreeSet::from(["harbr_nodes", "proxy_request_duration_seconds"]));
}
