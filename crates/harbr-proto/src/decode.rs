//! Wire to model. Nothing from the wire is believed: each field is parsed into the type that holds its rules.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use harbr_model::{
    AccessLog, Authority, Balance, Certificate, ClientAuth, ClientAuthMode, Endpoint, HeaderEdits,
    HeaderMatch, HealthCheck, HostHeader, HostPattern, Http2Settings, InvalidSnapshot, Listener, ListenerTls,
    LogFormat, OddPaths, OtherPeers, OutlierPolicy, PathPrefix, PathRewrite, PrivateKey, Probe, Protocol,
    ProxyPeers, ProxyProtocol, Resources, Route, RouteMatch, SampleShare, Settings, Snapshot, TimeoutPolicy,
    TlsVersion, Tracing, TrafficSample, Upstream, UpstreamTls, Verification,
};
use http::{HeaderName, HeaderValue, Method};
use prost::Message as _;

use crate::{encode, v1};

/// Why bytes are not a snapshot. Names the resource by its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResource {
    #[error("{key}: not a resource that this build can read")]
    Unreadable { key: String },
    #[error("{key}: holds {found}")]
    WrongKey { key: String, found: String },
    #[error("there is no resource `settings`")]
    NoSettings,
    #[error("{key}: {field}: {reason}")]
    Field { key: String, field: &'static str, reason: String },
    #[error(transparent)]
    Snapshot(#[from] InvalidSnapshot),
}

/// A field of one resource that its type refuses; the caller knows the resource's key.
pub(crate) struct InvalidField {
    field: &'static str,
    reason: String,
}

pub(crate) type Field<T> = Result<T, InvalidField>;

impl InvalidField {
    pub(crate) fn of(self, key: &str) -> InvalidResource {
        let Self { field, reason } = self;
        InvalidResource::Field { key: key.to_owned(), field, reason }
    }
}

pub(crate) fn snapshot(resources: &BTreeMap<String, Bytes>) -> Result<Snapshot, InvalidResource> {
    use v1::resource::Kind;

    let mut settings = None;
    let (mut listeners, mut upstreams, mut routes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut certificates, mut authorities) = (Vec::new(), Vec::new());
    for (key, body) in resources {
        let kind = v1::Resource::decode(body.clone()).ok().and_then(|resource| resource.kind);
        let kind = kind.ok_or_else(|| InvalidResource::Unreadable { key: key.clone() })?;
        let found = encode::key(&kind);
        if *key != found {
            return Err(InvalidResource::WrongKey { key: key.clone(), found });
        }
        match kind {
            Kind::Settings(wire) => decode_settings(&wire).map(|decoded| settings = Some(decoded)),
            Kind::Listener(wire) => decode_listener(wire).map(|listener| listeners.push(listener)),
            Kind::Certificate(wire) => {
                certificates.push(decode_certificate(wire));
                Ok(())
            }
            Kind::Authority(wire) => {
                authorities.push(decode_authority(wire));
                Ok(())
            }
            Kind::Upstream(wire) => decode_upstream(wire).map(|upstream| upstreams.push(upstream)),
            Kind::Routes(wire) => decode_routes(wire).map(|group| routes.extend(group)),
        }
        .map_err(|invalid| invalid.of(key))?;
    }
    let settings = settings.ok_or(InvalidResource::NoSettings)?;
    Ok(Snapshot::new(Resources { settings, listeners, certificates, authorities, upstreams, routes })?)
}

pub(crate) fn decode_settings(wire: &v1::Settings) -> Field<Settings> {
    Ok(Settings {
        max_connections: wire.max_connections,
        header_timeout: duration("header_timeout", wire.header_timeout)?,
        keep_alive_timeout: duration("keep_alive_timeout", wire.keep_alive_timeout)?,
        upstream_idle_timeout: duration("upstream_idle_timeout", wire.upstream_idle_timeout)?,
        health_freeze: duration("health_freeze", wire.health_freeze)?,
        max_header_bytes: wire.max_header_bytes,
        max_headers: wire.max_headers,
        http2: decode_http2(wire.http2)?,
        traffic_sample: decode_traffic_sample(wire.traffic_sample)?,
        access_log: decode_access_log(wire.access_log.as_ref())?,
        tracing: wire.tracing.as_ref().map(decode_tracing).transpose()?,
        trusted_proxies: parse_all("trusted_proxies", &wire.trusted_proxies)?,
        odd_paths: OddPaths {
            nul: wire.allow_nul_in_path,
            backslash: wire.allow_backslash_in_path,
            above_root: wire.allow_path_above_root,
        },
    })
}

fn decode_access_log(wire: Option<&v1::AccessLog>) -> Field<AccessLog> {
    let wire = wire.ok_or_else(|| invalid("access_log", &"missing"))?;
    let format = match wire.format() {
        v1::LogFormat::Off => LogFormat::Off,
        v1::LogFormat::Json => LogFormat::Json(parse_all("access_log.fields", &wire.fields)?),
        v1::LogFormat::Text => LogFormat::Text,
        v1::LogFormat::Unspecified => return Err(unknown("access_log.format")),
    };
    Ok(AccessLog { format, sample: decode_sample("access_log.sample", wire.sample_per_million)? })
}

fn decode_tracing(wire: &v1::Tracing) -> Field<Tracing> {
    Ok(Tracing {
        endpoint: parse("tracing.endpoint", &wire.endpoint)?,
        sample: decode_sample("tracing.sample", wire.sample_per_million)?,
        service_name: wire.service_name.clone(),
    })
}

fn decode_sample(field: &'static str, per_million: u32) -> Field<SampleShare> {
    SampleShare::per_million(per_million).map_err(|error| invalid(field, &error))
}

fn decode_http2(wire: Option<v1::Http2Settings>) -> Field<Http2Settings> {
    let wire = wire.ok_or_else(|| invalid("http2", &"missing"))?;
    let v1::Http2Settings { max_concurrent_streams, stream_window, connection_window } = wire;
    Ok(Http2Settings { max_concurrent_streams, stream_window, connection_window })
}

fn decode_traffic_sample(wire: Option<v1::TrafficSample>) -> Field<TrafficSample> {
    let v1::TrafficSample { one_in, size } = wire.ok_or_else(|| invalid("traffic_sample", &"missing"))?;
    Ok(TrafficSample { one_in, size })
}

fn decode_listener(wire: v1::Listener) -> Field<Listener> {
    let redirect_https = u16::try_from(wire.redirect_https).map_err(|_| unknown("redirect_https"))?;
    Ok(Listener {
        addr: parse("addr", &wire.addr)?,
        tls: wire.tls.map(decode_listener_tls).transpose()?,
        proxy_peers: wire.proxy_peers.map(decode_proxy_peers).transpose()?,
        redirect_https: (redirect_https != 0).then_some(redirect_https),
        connect: parse_all("connect", &wire.connect)?,
        name: wire.name,
    })
}

fn decode_listener_tls(wire: v1::ListenerTls) -> Field<ListenerTls> {
    let min_version = match wire.min_version() {
        v1::TlsVersion::TlsVersion12 => TlsVersion::V1_2,
        v1::TlsVersion::TlsVersion13 => TlsVersion::V1_3,
        v1::TlsVersion::Unspecified => return Err(unknown("min_version")),
    };
    let client_auth = wire.client_auth.map(|wire| ClientAuth {
        authority: wire.authority,
        mode: if wire.optional { ClientAuthMode::Optional } else { ClientAuthMode::Required },
    });
    Ok(ListenerTls { certificates: wire.certificates, min_version, client_auth })
}

fn decode_proxy_peers(wire: v1::ProxyPeers) -> Field<ProxyPeers> {
    let others = if wire.others_served { OtherPeers::Served } else { OtherPeers::Refused };
    Ok(ProxyPeers { from: parse_all("proxy_peers", &wire.from)?, others })
}

fn decode_authority(wire: v1::Authority) -> Authority {
    Authority { name: wire.name, certificates: wire.certificates.into_iter().map(Into::into).collect() }
}

fn decode_upstream_tls(wire: v1::UpstreamTls) -> UpstreamTls {
    UpstreamTls {
        authority: wire.authority,
        server_name: wire.server_name,
        certificate: wire.certificate,
        verification: if wire.unverified { Verification::Off } else { Verification::Full },
    }
}

/// Whether the bytes are certificates and a key that belong together is seen where they are used.
fn decode_certificate(wire: v1::Certificate) -> Certificate {
    Certificate {
        name: wire.name,
        chain: wire.chain.into_iter().map(Into::into).collect(),
        key: PrivateKey::from_der(&wire.key),
    }
}

fn decode_upstream(wire: v1::Upstream) -> Field<Upstream> {
    let balance = match wire.balance() {
        v1::Balance::RoundRobin => Balance::RoundRobin,
        v1::Balance::LeastRequest => Balance::LeastRequest,
        v1::Balance::Unspecified => return Err(unknown("balance")),
    };
    let proxy_protocol = match v1::ProxyProtocol::try_from(wire.proxy_protocol) {
        Ok(v1::ProxyProtocol::Unspecified) => None,
        Ok(v1::ProxyProtocol::V1) => Some(ProxyProtocol::V1),
        Ok(v1::ProxyProtocol::V2) => Some(ProxyProtocol::V2),
        // Without the header that it waits for, an endpoint would answer nothing.
        Err(_) => return Err(unknown("proxy_protocol")),
    };
    let protocol = match wire.protocol() {
        v1::Protocol::Http1 => Protocol::Http1,
        v1::Protocol::Http2 => Protocol::Http2,
        v1::Protocol::Http2Cleartext => Protocol::Http2Cleartext,
        v1::Protocol::Auto => Protocol::Auto,
        v1::Protocol::Unspecified => return Err(unknown("protocol")),
    };
    let endpoint = |endpoint: &v1::Endpoint| {
        Ok(Endpoint { url: parse("endpoints", &endpoint.url)?, weight: endpoint.weight })
    };
    Ok(Upstream {
        endpoints: wire.endpoints.iter().map(endpoint).collect::<Field<_>>()?,
        protocol,
        balance,
        health_check: wire.health_check.map(decode_health_check).transpose()?,
        panic_threshold: wire.panic_threshold,
        outlier: wire.outlier.map_or_else(|| Ok(OutlierPolicy::default()), decode_outlier)?,
        tls: wire.tls.map(decode_upstream_tls),
        proxy_protocol,
        name: wire.name,
    })
}

fn decode_outlier(wire: v1::OutlierPolicy) -> Field<OutlierPolicy> {
    Ok(OutlierPolicy {
        failures: wire.failures,
        connect_failures: wire.connect_failures,
        base_time: duration("outlier", wire.base_time)?,
        max_time: duration("outlier", wire.max_time)?,
        max_ejected: wire.max_ejected,
    })
}

fn decode_health_check(wire: v1::HealthCheck) -> Field<HealthCheck> {
    use v1::health_check::Probe as WireProbe;

    let probe = match wire.probe {
        Some(WireProbe::HttpPath(path)) => {
            let valid = path.starts_with('/') && http::uri::PathAndQuery::from_str(&path).is_ok();
            if !valid {
                return Err(invalid("health_check", &"not a path"));
            }
            Probe::Http { path }
        }
        Some(WireProbe::Tcp(_)) => Probe::Tcp,
        None => return Err(unknown("health_check")),
    };
    Ok(HealthCheck {
        probe,
        interval: duration("health_check", wire.interval)?,
        timeout: duration("health_check", wire.timeout)?,
        rise: wire.rise,
        fall: wire.fall,
    })
}

pub(crate) fn decode_routes(wire: v1::RouteGroup) -> Field<Vec<Route>> {
    let host = match wire.host.as_str() {
        "" => HostPattern::Any,
        host => HostPattern::parse(host).map_err(|error| invalid("host", &error))?,
    };
    let path = PathPrefix::parse(&wire.path).map_err(|error| invalid("path", &error))?;
    wire.routes.into_iter().map(|route| decode_route(&host, &path, route)).collect()
}

fn decode_route(host: &HostPattern, path: &PathPrefix, wire: v1::Route) -> Field<Route> {
    let method = |text: &String| Method::from_str(text).map_err(|error| invalid("methods", &error));
    let condition =
        |wire: &v1::Header| header("match_headers", wire).map(|(name, value)| HeaderMatch { name, value });
    let rewrite = match &wire.replace_prefix {
        None => PathRewrite::Keep,
        Some(prefix) => {
            let prefix = PathPrefix::parse(prefix).map_err(|error| invalid("replace_prefix", &error))?;
            PathRewrite::ReplacePrefix(prefix)
        }
    };
    Ok(Route {
        matches: RouteMatch {
            host: host.clone(),
            path: path.clone(),
            methods: wire.methods.iter().map(method).collect::<Field<_>>()?,
            headers: wire.match_headers.iter().map(condition).collect::<Field<_>>()?,
        },
        rewrite,
        host_header: decode_host_header(wire.host_header)?,
        timeouts: TimeoutPolicy {
            attempt: duration("attempt_timeout", wire.attempt_timeout)?,
            request: duration("request_timeout", wire.request_timeout)?,
            idle: duration("idle_timeout", wire.idle_timeout)?,
        },
        max_retries: wire.max_retries,
        request_headers: decode_edits("request_headers", wire.request_headers)?,
        response_headers: decode_edits("response_headers", wire.response_headers)?,
        max_body: wire.max_body,
        upstream: wire.upstream,
        name: wire.name,
    })
}

fn decode_host_header(wire: Option<v1::HostHeader>) -> Field<HostHeader> {
    use v1::host_header::Kind;

    match wire.and_then(|wire| wire.kind) {
        Some(Kind::Preserve(_)) => Ok(HostHeader::Preserve),
        Some(Kind::Upstream(_)) => Ok(HostHeader::Upstream),
        Some(Kind::Literal(value)) => {
            let value = HeaderValue::from_bytes(&value).map_err(|error| invalid("host_header", &error))?;
            Ok(HostHeader::Literal(value))
        }
        None => Err(unknown("host_header")),
    }
}

fn decode_edits(field: &'static str, wire: Option<v1::HeaderEdits>) -> Field<HeaderEdits> {
    let wire = wire.unwrap_or_default();
    Ok(HeaderEdits {
        remove: parse_all(field, &wire.remove)?,
        set: wire.set.iter().map(|wire| header(field, wire)).collect::<Field<_>>()?,
    })
}

fn header(field: &'static str, wire: &v1::Header) -> Field<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_bytes(&wire.value).map_err(|error| invalid(field, &error))?;
    Ok((parse(field, &wire.name)?, value))
}

fn duration(field: &'static str, wire: Option<prost_types::Duration>) -> Field<Duration> {
    let wire = wire.ok_or_else(|| invalid(field, &"missing"))?;
    Duration::try_from(wire).map_err(|error| invalid(field, &error))
}

fn parse<T: FromStr<Err: Display>>(field: &'static str, text: &str) -> Field<T> {
    text.parse().map_err(|error| invalid(field, &error))
}

fn parse_all<T: FromStr<Err: Display>>(field: &'static str, texts: &[String]) -> Field<Vec<T>> {
    texts.iter().map(|text| parse(field, text)).collect()
}

fn unknown(field: &'static str) -> InvalidField {
    invalid(field, &"a value that this build does not know")
}

fn invalid(field: &'static str, reason: &dyn Display) -> InvalidField {
    InvalidField { field, reason: reason.to_string() }
}
