//! What holds for a node as a whole.

use harbr_model::{
    HTTP2_WINDOWS, Http2Settings, MAX_SAMPLE_SIZE, MAX_SAMPLE_STRIDE, OddPaths, Settings, TrafficSample,
};

use super::record::{access_log, tracing};
use super::value::{ANY_DURATION, duration, integer, networks, required, size};
use crate::diagnostic::Findings;
use crate::position::Span;
use crate::raw::{RawConfig, RawHttp2, RawTrafficSample};
use crate::read::Field;

/// More connections than any machine has descriptors for.
const MAX_CONNECTIONS: u32 = 10_000_000;

pub(super) fn settings(raw: &RawConfig, top: Span, findings: &mut Findings) -> Option<Settings> {
    let max_connections = required(
        &raw.max_connections,
        top,
        "`max_connections` is missing",
        "max_connections: 10000",
        findings,
    )
    .and_then(|_| integer("max_connections", &raw.max_connections, 1..=MAX_CONNECTIONS, findings));
    // What is not given stays as the model has it; all is looked at, even where this fails.
    let mut settings = Settings::with_max_connections(max_connections.unwrap_or(1));
    for (name, field, setting) in [
        ("header_timeout", &raw.header_timeout, &mut settings.header_timeout),
        ("keep_alive_timeout", &raw.keep_alive_timeout, &mut settings.keep_alive_timeout),
        ("upstream_idle_timeout", &raw.upstream_idle_timeout, &mut settings.upstream_idle_timeout),
        ("health_freeze", &raw.health_freeze, &mut settings.health_freeze),
    ] {
        if let Some(value) = duration(name, field, ANY_DURATION, findings) {
            *setting = value;
        }
    }
    if let Some(bytes) = size("max_header_bytes", &raw.max_header_bytes, 1_024..=1024 * 1024, findings) {
        settings.max_header_bytes = u32::try_from(bytes).ok()?;
    }
    if let Some(count) = integer("max_headers", &raw.max_headers, 1..=1_000, findings) {
        settings.max_headers = count;
    }
    settings.access_log = access_log(&raw.access_log, findings);
    settings.tracing = tracing(&raw.tracing, findings);
    if let Some(raw) = raw.http2.given() {
        set_http2(&mut settings.http2, &raw.value, findings);
    }
    if let Some(raw) = raw.traffic_sample.given() {
        set_traffic_sample(&mut settings.traffic_sample, &raw.value, findings);
    }
    if let Some(list) = raw.trusted_proxies.given() {
        settings.trusted_proxies = networks("trusted_proxies", list, findings);
    }
    settings.odd_paths = OddPaths {
        nul: is_on(&raw.allow_nul_in_path),
        backslash: is_on(&raw.allow_backslash_in_path),
        above_root: is_on(&raw.allow_path_above_root),
    };
    max_connections.map(|_| settings)
}

fn is_on(field: &Field<bool>) -> bool {
    field.given().is_some_and(|given| given.value)
}

fn set_http2(settings: &mut Http2Settings, raw: &RawHttp2, findings: &mut Findings) {
    let count = integer("max_concurrent_streams", &raw.max_concurrent_streams, 1..=1_000, findings);
    settings.max_concurrent_streams = count.unwrap_or(settings.max_concurrent_streams);
    let windows = u64::from(*HTTP2_WINDOWS.start())..=u64::from(*HTTP2_WINDOWS.end());
    for (name, field, setting) in [
        ("stream_window", &raw.stream_window, &mut settings.stream_window),
        ("connection_window", &raw.connection_window, &mut settings.connection_window),
    ] {
        let bytes = size(name, field, windows.clone(), findings);
        *setting = bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or(*setting);
    }
}

fn set_traffic_sample(settings: &mut TrafficSample, raw: &RawTrafficSample, findings: &mut Findings) {
    let one_in = integer("one_in", &raw.one_in, 0..=MAX_SAMPLE_STRIDE, findings);
    settings.one_in = one_in.unwrap_or(settings.one_in);
    let size = integer("size", &raw.size, 1..=MAX_SAMPLE_SIZE, findings);
    settings.size = size.unwrap_or(settings.size);
}
