//! The names of what a proxy counts, and how the cells of the request path become text for a scraper.

use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::watch;

use crate::error::Reason;
use crate::live::{LiveTable, LiveUpstream};
use crate::node::NodeStatus;
use crate::sample::SampleSize;
use crate::shared::Shared;
use crate::stats::{
    BOUNDS_MICROS, ConnectionEndCells, Counter, Histogram, OutcomeCells, PerWorker, ReceptionCells,
};
use crate::traffic::OTHER_ROUTES;

// The product's first page promises these four, by these names.
const REQUESTS: &str = "proxy_request_total";
const ATTEMPTS: &str = "proxy_attempt_total";
const TIMEOUTS: &str = "proxy_timeout_total";
const DURATION: &str = "proxy_request_duration_seconds";

const RETRIES: &str = "harbr_retries_total";
const FAILURES: &str = "harbr_request_failures_total";
const CONNECTIONS: &str = "harbr_downstream_connections";
const CONNECTIONS_PARKED: &str = "harbr_downstream_connections_parked";
const CONNECTIONS_ACCEPTED: &str = "harbr_downstream_connections_accepted_total";
const CONNECTIONS_ENDED: &str = "harbr_downstream_connections_ended_total";
const HANDSHAKES: &str = "harbr_tls_handshakes_total";
const PROXY_HEADERS_REFUSED: &str = "harbr_proxy_headers_refused_total";
const CERTIFICATE_EXPIRY: &str = "harbr_certificate_expiry_seconds";
const STREAMS_ENDED: &str = "harbr_downstream_streams_ended_total";
const TUNNELS_OPEN: &str = "harbr_tunnels_open";
const TUNNELS: &str = "harbr_tunnels_opened_total";
const STALLS: &str = "harbr_worker_stall_seconds";
const ACCESS_LOG_DROPPED: &str = "harbr_access_log_dropped_total";
const SAMPLE_REQUESTS: &str = "harbr_traffic_sample_requests";
const SAMPLE_BYTES: &str = "harbr_traffic_sample_bytes";
const SAMPLE_ONE_IN: &str = "harbr_traffic_sample_one_in";
const TAPS: &str = "harbr_taps_open";
const TAPPED: &str = "harbr_tapped_requests_total";
const SPANS_EXPORTED: &str = "harbr_spans_exported_total";
const SPANS_DROPPED: &str = "harbr_spans_dropped_total";
const REVISION: &str = "harbr_serving_revision";
const ROUTE_REQUESTS: &str = "harbr_route_requests_total";
const ROUTE_DURATION: &str = "harbr_route_request_duration_seconds";
const UPSTREAM_ATTEMPTS: &str = "harbr_upstream_attempts_total";
const UPSTREAM_EJECTIONS: &str = "harbr_upstream_ejections_total";
const ENDPOINT_HEALTHY: &str = "harbr_endpoint_available";
const ENDPOINT_EJECTED: &str = "harbr_endpoint_ejected";
const ENDPOINT_IN_FLIGHT: &str = "harbr_endpoint_requests_in_flight";

pub(crate) const CONTROLLER_CONNECTED: &str = "harbr_controller_connected";
pub(crate) const DISK_WRITE_FAILURES: &str = "harbr_last_good_write_failures_total";

/// Upstreams, and endpoints, that a scrape lists.
const MAX_LISTED: usize = 1_000;

/// Describes what goes through the recorder.
pub(crate) fn describe() {
    metrics::describe_gauge!(CONTROLLER_CONNECTED, "Whether a session with a controller is open.");
    metrics::describe_counter!(DISK_WRITE_FAILURES, "Writes to the state folder that failed.");
    metrics::gauge!(CONTROLLER_CONNECTED).set(0.0);
    metrics::counter!(DISK_WRITE_FAILURES).increment(0);
}

/// Writes all that workers count, as a scrape asks for it.
pub(crate) fn write(out: &mut String, shared: &Shared, status: &watch::Receiver<NodeStatus>) {
    let table = shared.table.load_full();
    write_proxy(out, shared);
    write_node(out, shared, status);
    write_certificates(out, &table);
    write_routes(out, shared, &table);
    write_upstreams(out, &table);
}

fn write_proxy(out: &mut String, shared: &Shared) {
    let cells = &shared.cells;
    let mut requests = Family::new(out, REQUESTS, "counter", "Requests, by outcome.");
    requests.sample(&[("status", "success")], cells.sum(|cells| &cells.requests.success));
    requests.sample(&[("status", "error")], cells.sum(|cells| &cells.requests.error));

    let mut attempts = Family::new(out, ATTEMPTS, "counter", "Attempts at upstreams, by result.");
    attempts.sample(&[("result", "success")], cells.sum(|cells| &cells.attempts.success));
    attempts.sample(&[("result", "failure")], cells.sum(|cells| &cells.attempts.failure));
    attempts.sample(&[("result", "timeout")], cells.sum(|cells| &cells.attempts.timeout));

    let timeouts = cells.sum(|cells| &cells.timeouts);
    Family::new(out, TIMEOUTS, "counter", "Requests and attempts that a deadline ended.")
        .sample(&[], timeouts);

    let mut duration =
        Family::new(out, DURATION, "histogram", "From a request's head to the end of its answer.");
    duration.histogram(&[], |count| cells.sum(|cells| count(&cells.requests.duration)));

    let mut retries = Family::new(out, RETRIES, "counter", "What followed a failed attempt, by kind.");
    retries.sample(&[("kind", "retry")], cells.sum(|cells| &cells.retries));
    retries.sample(&[("kind", "resend")], cells.sum(|cells| &cells.resends));
    retries.sample(&[("kind", "refused_by_budget")], cells.sum(|cells| &cells.retries_refused));

    let mut failures =
        Family::new(out, FAILURES, "counter", "Requests without an upstream's whole answer, by reason.");
    for reason in Reason::ALL {
        failures.sample(&[("reason", reason.as_str())], cells.sum(|cells| &cells.reasons[reason as usize]));
    }

    let tunnels = cells.sum(|cells| &cells.tunnels);
    Family::new(out, TUNNELS, "counter", "Connections that changed protocol.").sample(&[], tunnels);
    let open = cells.sum(|cells| &cells.tunnels_open);
    Family::new(out, TUNNELS_OPEN, "gauge", "Those of them that are open.").sample(&[], open);
}

fn write_node(out: &mut String, shared: &Shared, status: &watch::Receiver<NodeStatus>) {
    Family::new(out, CONNECTIONS, "gauge", "Client connections that are open.")
        .sample(&[], shared.limit.open());
    let parked = shared.cells.sum(|cells| &cells.connections_parked);
    Family::new(out, CONNECTIONS_PARKED, "gauge", "Those of them that rest and hold next to no memory.")
        .sample(&[], parked);
    let accepted = shared.cells.sum(|cells| &cells.connections);
    Family::new(out, CONNECTIONS_ACCEPTED, "counter", "Client connections accepted.").sample(&[], accepted);
    let help = "Client connections that a limit ended, by limit.";
    let mut ended = Family::new(out, CONNECTIONS_ENDED, "counter", help);
    let sum = |count: fn(&ConnectionEndCells) -> &Counter| {
        shared.cells.sum(|cells| count(&cells.connections_ended))
    };
    ended.sample(&[("limit", "header_timeout")], sum(|ended| &ended.header_timeout));
    ended.sample(&[("limit", "keep_alive_timeout")], sum(|ended| &ended.keep_alive_timeout));
    ended.sample(&[("limit", "idle_timeout")], sum(|ended| &ended.stalled));
    ended.sample(&[("limit", "max_connections")], sum(|ended| &ended.made_room));
    ended.sample(&[("limit", "http2_flood")], sum(|ended| &ended.flood));
    let mut handshakes =
        Family::new(out, HANDSHAKES, "counter", "TLS handshakes with clients, by how they ended.");
    let sum = |count: fn(&ReceptionCells) -> &Counter| shared.cells.sum(|cells| count(&cells.reception));
    handshakes.sample(&[("result", "full")], sum(|cells| &cells.full_handshakes));
    handshakes.sample(&[("result", "resumed")], sum(|cells| &cells.resumed_handshakes));
    handshakes.sample(&[("result", "failed")], sum(|cells| &cells.failed_handshakes));
    let help = "Connections refused for want of a PROXY header, by reason.";
    let mut refused = Family::new(out, PROXY_HEADERS_REFUSED, "counter", help);
    refused.sample(&[("reason", "untrusted")], sum(|cells| &cells.strangers));
    refused.sample(&[("reason", "invalid")], sum(|cells| &cells.bad_headers));
    let streams = shared.cells.sum(|cells| &cells.streams_ended);
    Family::new(out, STREAMS_ENDED, "counter", "HTTP/2 requests ended while their connection went on.")
        .sample(&[("limit", "idle_timeout")], streams);
    let spans = &shared.spans;
    Family::new(out, SPANS_EXPORTED, "counter", "Spans that the collector took.")
        .sample(&[], spans.exported.load(Relaxed));
    let mut dropped = Family::new(out, SPANS_DROPPED, "counter", "Spans that no collector has, by reason.");
    dropped.sample(&[("reason", "queue_full")], spans.dropped.load(Relaxed));
    dropped.sample(&[("reason", "collector")], spans.failed.load(Relaxed));
    let dropped = shared.access_log.dropped();
    Family::new(out, ACCESS_LOG_DROPPED, "counter", "Access log lines dropped for want of room.")
        .sample(&[], dropped);
    let help = "How long a worker was busy between two looks at its sockets.";
    let mut stalls = Family::new(out, STALLS, "histogram", help);
    stalls.histogram(&[], |count| shared.cells.sum(|cells| count(&cells.turns)));
    write_glimpses(out, shared);
    let revision = status.borrow().serving.map_or(0, |serving| serving.revision);
    Family::new(out, REVISION, "gauge", "The revision that serves; 0 before the first.")
        .sample(&[], revision);
}

/// What is kept of traffic, and told, for people.
fn write_glimpses(out: &mut String, shared: &Shared) {
    let SampleSize { requests, bytes, one_in } = shared.samples.size();
    Family::new(out, SAMPLE_REQUESTS, "gauge", "Requests in the traffic sample.").sample(&[], requests);
    Family::new(out, SAMPLE_BYTES, "gauge", "Bytes of the traffic sample.").sample(&[], bytes);
    let help = "Of so many requests one is taken, where that is rarest; 0: none.";
    Family::new(out, SAMPLE_ONE_IN, "gauge", help).sample(&[], one_in);
    Family::new(out, TAPS, "gauge", "Taps that are open.").sample(&[], shared.taps.open());
    let (told, left_out) = shared.taps.counts();
    let mut tapped = Family::new(out, TAPPED, "counter", "Requests that taps were for, by what came of it.");
    tapped.sample(&[("result", "told")], told);
    tapped.sample(&[("result", "left_out")], left_out);
}

fn write_certificates(out: &mut String, table: &LiveTable) {
    let help = "When a certificate of the configuration ends, in seconds since 1970.";
    let mut expiry = Family::new(out, CERTIFICATE_EXPIRY, "gauge", help);
    for (name, expires_at) in &table.certificates {
        expiry.sample(&[("certificate", name)], expires_at);
    }
}

fn write_routes(out: &mut String, shared: &Shared, table: &LiveTable) {
    let names = shared.series.names();
    let routes = names.iter().filter_map(|name| table.by_name.get(name));
    let own = routes.filter_map(|route| Some((route.name.as_ref(), route.stats.own()?)));
    let routes: Vec<(&str, &PerWorker<OutcomeCells>)> =
        own.chain([(OTHER_ROUTES, &shared.series.others)]).collect();

    let mut requests = Family::new(out, ROUTE_REQUESTS, "counter", "Requests of a route, by outcome.");
    for (route, cells) in &routes {
        requests.sample(&[("route", route), ("status", "success")], cells.sum(|cells| &cells.success));
        requests.sample(&[("route", route), ("status", "error")], cells.sum(|cells| &cells.error));
    }
    let mut duration =
        Family::new(out, ROUTE_DURATION, "histogram", "As proxy_request_duration_seconds, by route.");
    for (route, cells) in &routes {
        duration.histogram(&[("route", route)], |count| cells.sum(|cells| count(&cells.duration)));
    }
}

fn write_upstreams<'a>(out: &mut String, table: &'a LiveTable) {
    let mut attempts = Family::new(out, UPSTREAM_ATTEMPTS, "counter", "Attempts at an upstream, by result.");
    for upstream in table.upstreams.values().take(MAX_LISTED) {
        let name = upstream.name.as_ref();
        let stats = &upstream.stats;
        let labels = |result| [("upstream", name), ("result", result)];
        attempts.sample(&labels("success"), stats.sum(|cells| &cells.attempts.success));
        attempts.sample(&labels("failure"), stats.sum(|cells| &cells.attempts.failure));
        attempts.sample(&labels("timeout"), stats.sum(|cells| &cells.attempts.timeout));
    }
    let help = "Endpoints that were taken out for what attempts have shown.";
    let mut ejections = Family::new(out, UPSTREAM_EJECTIONS, "counter", help);
    for upstream in table.upstreams.values().take(MAX_LISTED) {
        let count = upstream.stats.sum(|cells| &cells.ejections);
        ejections.sample(&[("upstream", &*upstream.name)], count);
    }
    let endpoints = || {
        let each = |upstream: &'a Arc<LiveUpstream>| {
            upstream.endpoints.iter().map(move |endpoint| (upstream, endpoint))
        };
        table.upstreams.values().flat_map(each).take(MAX_LISTED)
    };
    let mut available = Family::new(out, ENDPOINT_HEALTHY, "gauge", "Whether an endpoint is given requests.");
    for (upstream, endpoint) in endpoints() {
        let labels = [("upstream", &*upstream.name), ("endpoint", &*endpoint.name)];
        available.sample(&labels, u8::from(upstream.is_available(endpoint)));
    }
    let mut ejected =
        Family::new(out, ENDPOINT_EJECTED, "gauge", "Whether it is out for what attempts have shown.");
    for (upstream, endpoint) in endpoints() {
        let labels = [("upstream", &*upstream.name), ("endpoint", &*endpoint.name)];
        ejected.sample(&labels, u8::from(upstream.is_ejected(endpoint)));
    }
    let mut in_flight =
        Family::new(out, ENDPOINT_IN_FLIGHT, "gauge", "Requests that an endpoint is busy with.");
    for (upstream, endpoint) in endpoints() {
        let labels = [("upstream", &*upstream.name), ("endpoint", &*endpoint.name)];
        in_flight.sample(&labels, endpoint.in_flight());
    }
}

/// One metric in the text format of Prometheus.
struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

type Labels<'a> = [(&'static str, &'a str)];

impl<'a> Family<'a> {
    fn new(out: &'a mut String, name: &'static str, kind: &str, help: &str) -> Self {
        line(out, &format_args!("# HELP {name} {help}"));
        line(out, &format_args!("# TYPE {name} {kind}"));
        Self { out, name }
    }

    fn sample(&mut self, labels: &Labels<'_>, value: impl Display) {
        self.series("", labels, None, &value);
    }

    fn histogram(&mut self, labels: &Labels<'_>, sum: impl Fn(&dyn Fn(&Histogram) -> &Counter) -> u64) {
        let mut count = 0;
        for (bucket, bound) in BOUNDS_MICROS.iter().enumerate() {
            count += sum(&|found| &found.buckets[bucket]);
            self.series("_bucket", labels, Some(&seconds(*bound)), &count);
        }
        count += sum(&|found| &found.buckets[BOUNDS_MICROS.len()]);
        self.series("_bucket", labels, Some(&"+Inf"), &count);
        self.series("_sum", labels, None, &seconds(sum(&|found| &found.sum_micros)));
        self.series("_count", labels, None, &count);
    }

    fn series(
        &mut self,
        suffix: &str,
        labels: &Labels<'_>,
        bound: Option<&dyn Display>,
        value: &dyn Display,
    ) {
        let mut text = String::new();
        for (name, value) in labels {
            push(&mut text, &format_args!("{name}=\"{}\",", Escaped(value)));
        }
        if let Some(bound) = bound {
            push(&mut text, &format_args!("le=\"{bound}\","));
        }
        let name = self.name;
        match text.strip_suffix(',') {
            Some(labels) => line(self.out, &format_args!("{name}{suffix}{{{labels}}} {value}")),
            None => line(self.out, &format_args!("{name}{suffix} {value}")),
        }
    }
}

struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a sum of durations is not exact to the microsecond after 285 years"
)]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1_000_000.0
}

fn line(out: &mut String, text: &dyn Display) {
    push(out, &format_args!("{text}\n"));
}

fn push(out: &mut String, text: &dyn Display) {
    write!(out, "{text}").expect("a string takes all that is written");
}
