//! The JSON of fixed answers against `testdata/*.json`. `UPDATE=1` rewrites the files.

use std::path::Path;

use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::{
    AuditDocument, EventDocument, NodeDocument, RevisionDocument, RolloutDocument, RouteDocument,
    StatusDocument, UpstreamDocument,
};

fn check_golden<T: Serialize>(name: &str, document: &T) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    let actual = serde_json::to_string_pretty(document).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; UPDATE=1 rewrites it", path.display());
}

/// 2026-01-02T03:04:05Z
fn time() -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_767_323_045, nanos: 0 })
}

fn millis(millis: i32) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: i64::from(millis / 1_000), nanos: millis % 1_000 * 1_000_000 })
}

fn status() -> v1::Status {
    v1::Status {
        revision: 7,
        hash: "5d41402abc4b2a76".to_owned(),
        proven_revision: 6,
        config_error: None,
        nodes_total: 3,
        nodes_ready: 3,
        nodes_converged: 2,
        converged: false,
        health_frozen: false,
        concerns: vec![v1::Concern {
            node: "proxy-1".to_owned(),
            kind: v1::ConcernKind::Pinned.into(),
            reason: "revision 5 is pinned on the node: by hand".to_owned(),
        }],
        build: "0.1.0".to_owned(),
        config_file: "/etc/harbr/config.yml".to_owned(),
        config_warnings: Vec::new(),
        rollout: None,
        frozen: false,
    }
}

#[test]
fn a_status_is_the_object_that_the_contract_says() {
    check_golden("status.json", &StatusDocument::from(status()));
}

#[test]
fn the_audit_says_when_who_what_and_why() {
    let actor = Some(v1::Actor { name: "operator alice".to_owned(), reason: String::new() });
    let entry = v1::AuditEntry { at: time(), actor, what: "node proxy-1 is drained".to_owned() };
    check_golden("audit.json", &AuditDocument::from(entry));
}

#[test]
fn a_refused_file_is_in_the_status_with_its_place() {
    let config_error = Some(v1::ConfigError {
        message: "error: unknown field `retries`\n".to_owned(),
        file: "config.yml".to_owned(),
        line: 9,
        column: 5,
        since: time(),
        diagnostics: vec![v1::Diagnostic {
            severity: v1::Severity::Error.into(),
            code: "HR0016".to_owned(),
            message: "the key `retries` is there twice".to_owned(),
            hint: String::new(),
            span: Some(v1::Span { line: 9, column: 5, end_line: 9, end_column: 12 }),
            related: Some(v1::Span { line: 7, column: 5, end_line: 7, end_column: 12 }),
            related_message: "first defined here".to_owned(),
        }],
    });
    let config_warnings = vec![v1::Diagnostic {
        severity: v1::Severity::Warning.into(),
        code: "HR0420".to_owned(),
        message: "no route uses the upstream `old`".to_owned(),
        hint: "remove it".to_owned(),
        span: Some(v1::Span { line: 3, column: 3, end_line: 3, end_column: 6 }),
        ..v1::Diagnostic::default()
    }];
    let status = || v1::Status { config_warnings, ..status() };
    check_golden("status_config_error.json", &StatusDocument::from(v1::Status { config_error, ..status() }));
}

#[test]
fn nodes_are_objects_with_labels_as_a_map() {
    let ready = v1::Node {
        id: "edge-1".to_owned(),
        labels: vec![v1::Label { name: "zone".to_owned(), value: "a".to_owned() }],
        state: v1::NodeState::Ready.into(),
        serving_revision: 7,
        serving_hash: "5d41402abc4b2a76".to_owned(),
        last_error: String::new(),
        build: "0.1.0".to_owned(),
        address: "127.0.0.1:7402".to_owned(),
        instance_id: "b1946ac9".to_owned(),
        sent_revision: 7,
        since: time(),
        connections: 12,
        requests: 3_456,
        failures: 7,
        drained: None,
        target_revision: 7,
        serving_since: time(),
        r#override: String::new(),
        quarantined: vec![v1::Quarantined { hash: vec![1, 255], revision: 5, reason: "died".to_owned() }],
        load: Some(v1::Load {
            request_rate: 1.5,
            error_rate: 0.5,
            retry_rate: 0.2,
            p50: millis(3),
            p99: None,
            connections: 12,
        }),
    };
    let rejected = v1::Node {
        id: "edge-2".to_owned(),
        state: v1::NodeState::Rejected.into(),
        last_error: "listener `default`: address in use".to_owned(),
        sent_revision: 7,
        drained: Some(v1::Drained {
            since: time(),
            actor: Some(v1::Actor { name: "operator alice".to_owned(), reason: "new disk".to_owned() }),
            grace: millis(30_000),
        }),
        ..v1::Node::default()
    };
    check_golden("nodes.json", &[ready, rejected].map(NodeDocument::from));
}

#[test]
fn events_are_lines_with_their_kind_and_what_they_are_about() {
    let event = v1::Event {
        id: 41,
        at: time(),
        kind: v1::EventKind::Health.into(),
        severity: v1::EventSeverity::Bad.into(),
        subject: "http://10.0.0.7:80/".to_owned(),
        text: "http://10.0.0.7:80/ is unhealthy: connection refused".to_owned(),
        missed: 3,
    };
    check_golden("events.json", &[event].map(EventDocument::from));
}

#[test]
fn each_state_of_a_node_has_the_contracts_word() {
    use v1::NodeState::{Disconnected, Draining, Ready, Rejected, Syncing, Unspecified};
    let word = |state: v1::NodeState| {
        NodeDocument::from(v1::Node { state: state.into(), ..v1::Node::default() }).state
    };
    let words = [Ready, Syncing, Rejected, Draining, Disconnected, Unspecified].map(word);
    assert_eq!(words, ["ready", "syncing", "rejected", "draining", "disconnected", "disconnected"]);
}

#[test]
fn routes_say_their_key_their_match_and_where_they_stand_in_the_file() {
    let plain = v1::RouteStatus {
        host: String::new(),
        path: "/api".to_owned(),
        route: Some(v1::Route {
            name: "/api".to_owned(),
            upstream: "/api".to_owned(),
            attempt_timeout: millis(3_000),
            request_timeout: millis(5_000),
            idle_timeout: millis(60_000),
            max_retries: 2,
            max_body: 1_048_576,
            ..v1::Route::default()
        }),
        source: "config.yml:6".to_owned(),
    };
    let header =
        |name: &str, value: &str| v1::Header { name: name.to_owned(), value: value.as_bytes().to_vec() };
    let full = v1::RouteStatus {
        host: "*.example.com".to_owned(),
        path: "/".to_owned(),
        route: Some(v1::Route {
            name: "*.example.com/#2".to_owned(),
            methods: vec!["GET".to_owned()],
            match_headers: vec![header("x-canary", "1")],
            upstream: "canary".to_owned(),
            replace_prefix: Some("/v2".to_owned()),
            host_header: Some(v1::HostHeader { kind: Some(v1::host_header::Kind::Upstream(true)) }),
            attempt_timeout: millis(250),
            request_timeout: millis(5_000),
            idle_timeout: millis(1_500),
            max_retries: 0,
            request_headers: Some(v1::HeaderEdits {
                remove: vec!["cookie".to_owned()],
                set: vec![header("x-a", "1")],
            }),
            response_headers: None,
            max_body: 10,
        }),
        source: "config.yml:12".to_owned(),
    };
    check_golden("routes.json", &[plain, full].map(RouteDocument::from));
}

#[test]
fn upstreams_say_the_health_of_each_endpoint() {
    let endpoint = |url: &str, health: v1::Health, last_error: &str| v1::EndpointStatus {
        url: url.to_owned(),
        weight: 1,
        health: health.into(),
        last_error: last_error.to_owned(),
        since: (health != v1::Health::Unknown).then(time).flatten(),
        drained: None,
        ejected_by: Vec::new(),
    };
    let upstream = v1::UpstreamStatus {
        upstream: Some(v1::Upstream {
            name: "backend".to_owned(),
            protocol: v1::Protocol::Http2.into(),
            balance: v1::Balance::RoundRobin.into(),
            health_check: Some(v1::HealthCheck {
                probe: Some(v1::health_check::Probe::HttpPath("/health".to_owned())),
                interval: millis(10_000),
                timeout: millis(5_000),
                rise: 1,
                fall: 1,
            }),
            ..v1::Upstream::default()
        }),
        endpoints: vec![
            endpoint("http://10.0.0.1:8080", v1::Health::Healthy, ""),
            endpoint("http://10.0.0.2:8080", v1::Health::Unhealthy, "status 503"),
            endpoint("http://10.0.0.3:8080", v1::Health::Unknown, ""),
        ],
    };
    check_golden("upstreams.json", &[upstream].map(UpstreamDocument::from));
}

#[test]
fn a_rollout_says_where_it_is_and_why_it_does_not_go_on() {
    let wave = |nodes: &str, members, serving| v1::Wave {
        nodes: nodes.to_owned(),
        bake: millis(1_000),
        members,
        serving,
    };
    let rollout = v1::Rollout {
        revision: 8,
        hash: "5d41402abc4b2a76".to_owned(),
        state: v1::RolloutState::Baking.into(),
        reason: "waits for edge-2".to_owned(),
        paused: true,
        waves: vec![wave("1", 1, 1), wave("all", 3, 1)],
        wave: 0,
        elapsed: millis(250),
        needed: millis(1_000),
        base_revision: 7,
        evidence: "120 requests, as good as before".to_owned(),
        waiting: vec!["edge-2".to_owned()],
        unavailable: Vec::new(),
        comparisons: vec![v1::Comparison {
            route: "/api".to_owned(),
            bad: "failed".to_owned(),
            wave: Some(v1::Trials { requests: 40, bad: 3 }),
            rest: Some(v1::Trials { requests: 900, bad: 2 }),
            past: None,
            evidence_percent: 41,
        }],
    };
    check_golden("rollout.json", &RolloutDocument::from(rollout));
}

#[test]
fn a_revision_says_who_made_it_and_what_became_of_it() {
    let revision = v1::Revision {
        number: 8,
        hash: "5d41402abc4b2a76".to_owned(),
        made: time(),
        cause: "rollback to 6".to_owned(),
        actor: Some(v1::Actor { name: "me@here".to_owned(), reason: "7 is bad".to_owned() }),
        summary: "route `/a` changed".to_owned(),
        fate: "rejected".to_owned(),
        story: vec!["wave 1: 1 nodes, no_evidence: no requests".to_owned(), "node a died of it".to_owned()],
    };
    check_golden("revisions.json", &[revision].map(RevisionDocument::from));
}
