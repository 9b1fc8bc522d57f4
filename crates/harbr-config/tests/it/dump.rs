//! A snapshot as text that a person can check against the file that it came from.

use std::fmt::Write;

use harbr_config::Config;
use harbr_model::{
    AccessLog, Authority, Certificate, ClientAuth, Endpoint, HeaderEdits, Http2Settings, Listener,
    ListenerTls, LogField, LogFormat, OddPaths, OutlierPolicy, ProxyPeers, RolloutPolicy, Route, Settings,
    Strategy, Tracing, TrafficSample, Upstream, UpstreamTls,
};

pub(crate) fn dump(config: &Config) -> String {
    let snapshot = &config.snapshot;
    let mut text = String::new();
    dump_settings(&mut text, snapshot.settings());
    for listener in snapshot.listeners() {
        dump_listener(&mut text, listener);
    }
    for Certificate { name, chain, key } in snapshot.certificates().values() {
        line(&mut text, format_args!("certificate {name}, {} in its chain, {key:?}", chain.len()));
    }
    for Authority { name, certificates } in snapshot.authorities().values() {
        line(&mut text, format_args!("authority {name}, {} certificates", certificates.len()));
    }
    for upstream in snapshot.upstreams().values() {
        dump_upstream(&mut text, upstream);
    }
    for route in snapshot.routes() {
        let position = config.routes[&route.name];
        line(
            &mut text,
            format_args!("route {} (line {}, column {})", route.name, position.line, position.column),
        );
        dump_route(&mut text, route);
    }
    if config.rollout != RolloutPolicy::default() {
        dump_rollout(&mut text, &config.rollout);
    }
    if let Some(hash) = &config.allow_shrink {
        line(&mut text, format_args!("allow_shrink {hash}"));
    }
    text
}

fn dump_rollout(text: &mut String, policy: &RolloutPolicy) {
    let RolloutPolicy { strategy, proving_time, max_unavailable, gate, max_shrink } = policy;
    line(
        text,
        format_args!("rollout proving {proving_time:?} unavailable {max_unavailable} shrink {max_shrink}%"),
    );
    line(text, format_args!("  {gate:?}"));
    match strategy {
        Strategy::Immediate => line(text, format_args!("  immediate")),
        Strategy::Waves(waves) => {
            for wave in waves {
                line(text, format_args!("  wave {} bake {:?}", wave.nodes, wave.bake));
            }
        }
    }
}

fn dump_settings(text: &mut String, settings: &Settings) {
    let Settings {
        max_connections,
        header_timeout,
        keep_alive_timeout,
        upstream_idle_timeout,
        health_freeze,
        max_header_bytes,
        max_headers,
        http2,
        traffic_sample,
        access_log: AccessLog { format, sample },
        tracing,
        trusted_proxies,
        odd_paths,
    } = settings;
    line(text, format_args!("max_connections {max_connections}"));
    line(text, format_args!("header_timeout {header_timeout:?}"));
    line(text, format_args!("keep_alive_timeout {keep_alive_timeout:?}"));
    line(text, format_args!("upstream_idle_timeout {upstream_idle_timeout:?}"));
    line(text, format_args!("health_freeze {health_freeze:?}"));
    line(text, format_args!("max_header_bytes {max_header_bytes}"));
    line(text, format_args!("max_headers {max_headers}"));
    let Http2Settings { max_concurrent_streams, stream_window, connection_window } = http2;
    line(
        text,
        format_args!("http2 {max_concurrent_streams} streams, windows {stream_window} {connection_window}"),
    );
    let TrafficSample { one_in, size } = traffic_sample;
    line(text, format_args!("traffic_sample one in {one_in}, at most {size}"));
    let format = match format {
        LogFormat::Json(fields) if *fields == LogField::ALL => "Json".to_owned(),
        LogFormat::Off | LogFormat::Json(_) | LogFormat::Text => format!("{format:?}"),
    };
    line(text, format_args!("access_log {format} sample {sample}"));
    if let Some(Tracing { endpoint, sample, service_name }) = tracing {
        line(text, format_args!("tracing to {endpoint} sample {sample} as {service_name}"));
    }
    for network in trusted_proxies {
        line(text, format_args!("trusted proxy {network}"));
    }
    if *odd_paths != OddPaths::default() {
        line(text, format_args!("{odd_paths:?}"));
    }
}

fn dump_listener(text: &mut String, listener: &Listener) {
    let Listener { name, addr, tls, proxy_peers, redirect_https, connect } = listener;
    line(text, format_args!("listener {name} {addr}"));
    if let Some(ListenerTls { certificates, min_version, client_auth }) = tls {
        line(text, format_args!("  TLS {min_version:?} with {}", certificates.join(", ")));
        if let Some(ClientAuth { authority, mode }) = client_auth {
            line(text, format_args!("  clients {mode:?} of {authority}"));
        }
    }
    if let Some(ProxyPeers { from, others }) = proxy_peers {
        let from: Vec<_> = from.iter().map(ToString::to_string).collect();
        line(text, format_args!("  PROXY headers from {}, others {others:?}", from.join(", ")));
    }
    if let Some(port) = redirect_https {
        line(text, format_args!("  redirects to https at {port}"));
    }
    for target in connect {
        line(text, format_args!("  tunnels to {target}"));
    }
}

fn dump_upstream(text: &mut String, upstream: &Upstream) {
    let Upstream {
        name,
        endpoints,
        protocol,
        balance,
        health_check,
        panic_threshold,
        outlier,
        tls,
        proxy_protocol,
    } = upstream;
    let check = health_check.as_ref().map_or("none".to_owned(), ToString::to_string);
    line(text, format_args!("upstream {name} {} {balance:?}, health check: {check}", protocol.as_str()));
    if *panic_threshold != 0 {
        line(text, format_args!("  panic threshold {panic_threshold} %"));
    }
    if *outlier != OutlierPolicy::default() {
        line(text, format_args!("  {outlier:?}"));
    }
    if let Some(UpstreamTls { authority, server_name, certificate, verification }) = tls {
        line(text, format_args!("  trusts {authority:?} as {server_name:?}, verification {verification:?}"));
        line(text, format_args!("  shows {certificate:?}"));
    }
    if let Some(version) = proxy_protocol {
        line(text, format_args!("  PROXY header {version:?}"));
    }
    for Endpoint { url, weight } in endpoints {
        line(text, format_args!("  {url} weight {weight}"));
    }
}

fn dump_route(text: &mut String, route: &Route) {
    let matches = &route.matches;
    line(text, format_args!("  host {:?} path {}", matches.host, matches.path));
    if !matches.methods.is_empty() {
        line(text, format_args!("  methods {:?}", matches.methods));
    }
    for header in &matches.headers {
        line(text, format_args!("  if {}: {:?}", header.name, header.value));
    }
    line(
        text,
        format_args!("  to {} rewrite {:?} host {:?}", route.upstream, route.rewrite, route.host_header),
    );
    let timeouts = route.timeouts;
    line(
        text,
        format_args!(
            "  attempt {:?} request {:?} idle {:?} retries {} body {}",
            timeouts.attempt, timeouts.request, timeouts.idle, route.max_retries, route.max_body
        ),
    );
    dump_edits(text, "request", &route.request_headers);
    dump_edits(text, "response", &route.response_headers);
}

fn dump_edits(text: &mut String, direction: &str, edits: &HeaderEdits) {
    for name in &edits.remove {
        line(text, format_args!("  {direction} remove {name}"));
    }
    for (name, value) in &edits.set {
        line(text, format_args!("  {direction} set {name}: {value:?}"));
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a String takes all text");
}
