//! Upstreams, for people.

use std::time::Duration;

use harbr_proto::document::{EndpointDocument, HealthCheckDocument, UpstreamDocument};

use crate::nodes::by_whom;
use crate::paint::Paint;
use crate::table::{fields, render};
use crate::when::Now;

/// A line per endpoint.
pub(crate) fn table(upstreams: &[UpstreamDocument]) -> String {
    render(
        ["UPSTREAM", "ENDPOINT", "WEIGHT", "HEALTH"],
        endpoints(upstreams).map(|(upstream, endpoint)| {
            [upstream.name.clone(), endpoint.url.clone(), endpoint.weight.to_string(), health(endpoint)]
        }),
    )
}

pub(crate) fn wide_table(upstreams: &[UpstreamDocument], now: Now) -> String {
    render(
        ["UPSTREAM", "BALANCE", "ENDPOINT", "WEIGHT", "HEALTH", "SINCE", "HEALTH CHECK", "LAST ERROR"],
        endpoints(upstreams).map(|(upstream, endpoint)| {
            [
                upstream.name.clone(),
                upstream.balance.to_owned(),
                endpoint.url.clone(),
                endpoint.weight.to_string(),
                health(endpoint),
                now.age(endpoint.since.as_ref()),
                health_check(upstream.health_check.as_ref()),
                endpoint.last_error.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        }),
    )
}

pub(crate) fn describe(upstream: &UpstreamDocument, now: Now, paint: Paint) -> String {
    let mut text = fields(&[
        ("upstream", upstream.name.clone()),
        ("balance", upstream.balance.to_owned()),
        ("health check", health_check(upstream.health_check.as_ref())),
    ]);
    text.push_str("endpoints:\n");
    for endpoint in &upstream.endpoints {
        let EndpointDocument { url, weight, health, last_error, since, drained, ejected_by } = endpoint;
        let age = since.as_ref().map(|since| format!(" for {}", now.age(Some(since)))).unwrap_or_default();
        text.push_str(&format!("  {url}  weight {weight}  {}{age}\n", paint.state(health)));
        if let Some(error) = last_error {
            text.push_str(&format!("    {error}\n"));
        }
        for by in ejected_by {
            text.push_str(&format!("    left out by {by}\n"));
        }
        if let Some(drained) = drained {
            text.push_str(&format!("    drained {}\n", by_whom(drained, now)));
        }
    }
    text
}

fn health(endpoint: &EndpointDocument) -> String {
    let drained = if endpoint.drained.is_some() { ", drained" } else { "" };
    let ejected = match endpoint.ejected_by.len() {
        0 => String::new(),
        1 => ", left out by 1 node".to_owned(),
        count => format!(", left out by {count} nodes"),
    };
    format!("{}{drained}{ejected}", endpoint.health)
}

fn endpoints(upstreams: &[UpstreamDocument]) -> impl Iterator<Item = (&UpstreamDocument, &EndpointDocument)> {
    upstreams.iter().flat_map(|upstream| upstream.endpoints.iter().map(move |endpoint| (upstream, endpoint)))
}

fn health_check(check: Option<&HealthCheckDocument>) -> String {
    let Some(HealthCheckDocument { path, interval_ms, timeout_ms, rise, fall }) = check else {
        return "none".to_owned();
    };
    let probe = path.as_ref().map_or_else(|| "TCP".to_owned(), |path| format!("GET {path}"));
    let (interval, timeout) = (Duration::from_millis(*interval_ms), Duration::from_millis(*timeout_ms));
    format!("{probe} every {interval:?} timeout {timeout:?} rise {rise} fall {fall}")
}
