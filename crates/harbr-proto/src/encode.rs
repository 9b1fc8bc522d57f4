//! Model to wire. It cannot fail.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use harbr_model::{
    AccessLog, Authority, Balance, Certificate, ClientAuthMode, HeaderEdits, HealthCheck, HostHeader,
    HostPattern, Http2Settings, Listener, ListenerTls, LogFormat, OtherPeers, OutlierPolicy, PathPrefix,
    PathRewrite, Probe, Protocol, ProxyPeers, ProxyProtocol, Route, Settings, Snapshot, TlsVersion, Tracing,
    TrafficSample, Upstream, UpstreamTls, Verification,
};
use http::{HeaderName, HeaderValue};
use prost::Message as _;

use crate::v1;

/// The resources of a snapshot as they are sent, by key.
pub(crate) fn resources(snapshot: &Snapshot) -> BTreeMap<String, Bytes> {
    use v1::resource::Kind;

    let settings = Kind::Settings(snapshot.settings().into());
    let listeners = snapshot.listeners().iter().map(|listener| Kind::Listener(listener.into()));
    let certificates =
        snapshot.certificates().values().map(|certificate| Kind::Certificate(certificate.into()));
    let authorities = snapshot.authorities().values().map(|authority| Kind::Authority(authority.into()));
    let upstreams = snapshot.upstreams().values().map(|upstream| Kind::Upstream(upstream.into()));
    let groups =
        snapshot.routes().chunk_by(|a, b| place(a) == place(b)).map(|group| Kind::Routes(route_group(group)));
    std::iter::once(settings)
        .chain(listeners)
        .chain(certificates)
        .chain(authorities)
        .chain(upstreams)
        .chain(groups)
        .map(|kind| (key(&kind), v1::Resource { kind: Some(kind) }.encode_to_vec().into()))
        .collect()
}

/// What a resource is stored and sent under.
pub(crate) fn key(kind: &v1::resource::Kind) -> String {
    use v1::resource::Kind;

    match kind {
        Kind::Settings(_) => "settings".to_owned(),
        Kind::Listener(listener) => format!("listener/{}", listener.name),
        Kind::Certificate(certificate) => format!("certificate/{}", certificate.name),
        Kind::Authority(authority) => format!("authority/{}", authority.name),
        Kind::Upstream(upstream) => format!("upstream/{}", upstream.name),
        Kind::Routes(group) => format!("routes/{}{}", group.host, group.path),
    }
}

fn place(route: &Route) -> (&HostPattern, &PathPrefix) {
    (&route.matches.host, &route.matches.path)
}

fn route_group(routes: &[Route]) -> v1::RouteGroup {
    let (host, path) = routes.first().map(place).expect("a chunk of a slice is not empty");
    v1::RouteGroup {
        host: host.to_string(),
        path: path.to_string(),
        routes: routes.iter().map(Into::into).collect(),
    }
}

impl From<&Settings> for v1::Settings {
    fn from(settings: &Settings) -> Self {
        Self {
            max_connections: settings.max_connections,
            header_timeout: Some(duration(settings.header_timeout)),
            keep_alive_timeout: Some(duration(settings.keep_alive_timeout)),
            upstream_idle_timeout: Some(duration(settings.upstream_idle_timeout)),
            health_freeze: Some(duration(settings.health_freeze)),
            max_header_bytes: settings.max_header_bytes,
            max_headers: settings.max_headers,
            traffic_sample: Some((&settings.traffic_sample).into()),
            access_log: Some((&settings.access_log).into()),
            tracing: settings.tracing.as_ref().map(Into::into),
            trusted_proxies: settings.trusted_proxies.iter().map(ToString::to_string).collect(),
            allow_nul_in_path: settings.odd_paths.nul,
            allow_backslash_in_path: settings.odd_paths.backslash,
            allow_path_above_root: settings.odd_paths.above_root,
            http2: Some((&settings.http2).into()),
        }
    }
}

impl From<&AccessLog> for v1::AccessLog {
    fn from(AccessLog { format, sample }: &AccessLog) -> Self {
        let (format, fields) = match format {
            LogFormat::Off => (v1::LogFormat::Off, &[][..]),
            LogFormat::Json(fields) => (v1::LogFormat::Json, fields.as_slice()),
            LogFormat::Text => (v1::LogFormat::Text, &[][..]),
        };
        Self {
            format: format.into(),
            fields: fields.iter().map(|field| field.as_str().to_owned()).collect(),
            sample_per_million: sample.to_per_million(),
        }
    }
}

impl From<&Tracing> for v1::Tracing {
    fn from(Tracing { endpoint, sample, service_name }: &Tracing) -> Self {
        Self {
            endpoint: endpoint.to_string(),
            sample_per_million: sample.to_per_million(),
            service_name: service_name.clone(),
        }
    }
}

impl From<&Http2Settings> for v1::Http2Settings {
    fn from(settings: &Http2Settings) -> Self {
        let Http2Settings { max_concurrent_streams, stream_window, connection_window } = *settings;
        Self { max_concurrent_streams, stream_window, connection_window }
    }
}

impl From<&TrafficSample> for v1::TrafficSample {
    fn from(sample: &TrafficSample) -> Self {
        let TrafficSample { one_in, size } = *sample;
        Self { one_in, size }
    }
}

impl From<&Listener> for v1::Listener {
    fn from(listener: &Listener) -> Self {
        Self {
            name: listener.name.clone(),
            addr: listener.addr.to_string(),
            tls: listener.tls.as_ref().map(Into::into),
            proxy_peers: listener.proxy_peers.as_ref().map(Into::into),
            redirect_https: listener.redirect_https.unwrap_or(0).into(),
            connect: listener.connect.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&ListenerTls> for v1::ListenerTls {
    fn from(tls: &ListenerTls) -> Self {
        let min_version = match tls.min_version {
            TlsVersion::V1_2 => v1::TlsVersion::TlsVersion12,
            TlsVersion::V1_3 => v1::TlsVersion::TlsVersion13,
        };
        let client_auth = tls.client_auth.as_ref().map(|client_auth| v1::ClientAuth {
            authority: client_auth.authority.clone(),
            optional: client_auth.mode == ClientAuthMode::Optional,
        });
        Self { certificates: tls.certificates.clone(), min_version: min_version.into(), client_auth }
    }
}

impl From<&ProxyPeers> for v1::ProxyPeers {
    fn from(peers: &ProxyPeers) -> Self {
        Self {
            from: peers.from.iter().map(ToString::to_string).collect(),
            others_served: peers.others == OtherPeers::Served,
        }
    }
}

impl From<&Authority> for v1::Authority {
    fn from(authority: &Authority) -> Self {
        Self {
            name: authority.name.clone(),
            certificates: authority.certificates.iter().map(|der| der.to_vec()).collect(),
        }
    }
}

impl From<&UpstreamTls> for v1::UpstreamTls {
    fn from(tls: &UpstreamTls) -> Self {
        Self {
            authority: tls.authority.clone(),
            server_name: tls.server_name.clone(),
            certificate: tls.certificate.clone(),
            unverified: tls.verification == Verification::Off,
        }
    }
}

impl From<&Certificate> for v1::Certificate {
    fn from(certificate: &Certificate) -> Self {
        Self {
            name: certificate.name.clone(),
            chain: certificate.chain.iter().map(|der| der.to_vec()).collect(),
            key: certificate.key.expose().to_vec(),
        }
    }
}

impl From<&Upstream> for v1::Upstream {
    fn from(upstream: &Upstream) -> Self {
        let endpoint = |endpoint: &harbr_model::Endpoint| v1::Endpoint {
            url: endpoint.url.to_string(),
            weight: endpoint.weight,
        };
        let balance = match upstream.balance {
            Balance::RoundRobin => v1::Balance::RoundRobin,
            Balance::LeastRequest => v1::Balance::LeastRequest,
        };
        let proxy_protocol = match upstream.proxy_protocol {
            None => v1::ProxyProtocol::Unspecified,
            Some(ProxyProtocol::V1) => v1::ProxyProtocol::V1,
            Some(ProxyProtocol::V2) => v1::ProxyProtocol::V2,
        };
        let protocol = match upstream.protocol {
            Protocol::Http1 => v1::Protocol::Http1,
            Protocol::Http2 => v1::Protocol::Http2,
            Protocol::Http2Cleartext => v1::Protocol::Http2Cleartext,
            Protocol::Auto => v1::Protocol::Auto,
        };
        Self {
            protocol: protocol.into(),
            name: upstream.name.clone(),
            endpoints: upstream.endpoints.iter().map(endpoint).collect(),
            balance: balance.into(),
            health_check: upstream.health_check.as_ref().map(Into::into),
            panic_threshold: upstream.panic_threshold,
            outlier: Some((&upstream.outlier).into()),
            tls: upstream.tls.as_ref().map(Into::into),
            proxy_protocol: proxy_protocol.into(),
        }
    }
}

impl From<&OutlierPolicy> for v1::OutlierPolicy {
    fn from(policy: &OutlierPolicy) -> Self {
        Self {
            failures: policy.failures,
            connect_failures: policy.connect_failures,
            base_time: Some(duration(policy.base_time)),
            max_time: Some(duration(policy.max_time)),
            max_ejected: policy.max_ejected,
        }
    }
}

impl From<&HealthCheck> for v1::HealthCheck {
    fn from(check: &HealthCheck) -> Self {
        use v1::health_check::Probe as WireProbe;

        let probe = match &check.probe {
            Probe::Http { path } => WireProbe::HttpPath(path.clone()),
            Probe::Tcp => WireProbe::Tcp(true),
        };
        Self {
            probe: Some(probe),
            interval: Some(duration(check.interval)),
            timeout: Some(duration(check.timeout)),
            rise: check.rise,
            fall: check.fall,
        }
    }
}

impl From<&Route> for v1::Route {
    fn from(route: &Route) -> Self {
        let replace_prefix = match &route.rewrite {
            PathRewrite::Keep => None,
            PathRewrite::ReplacePrefix(prefix) => Some(prefix.to_string()),
        };
        Self {
            name: route.name.clone(),
            methods: route.matches.methods.iter().map(ToString::to_string).collect(),
            match_headers: route.matches.headers.iter().map(|m| header(&m.name, &m.value)).collect(),
            upstream: route.upstream.clone(),
            replace_prefix,
            host_header: Some((&route.host_header).into()),
            attempt_timeout: Some(duration(route.timeouts.attempt)),
            request_timeout: Some(duration(route.timeouts.request)),
            idle_timeout: Some(duration(route.timeouts.idle)),
            max_retries: route.max_retries,
            request_headers: Some((&route.request_headers).into()),
            response_headers: Some((&route.response_headers).into()),
            max_body: route.max_body,
        }
    }
}

impl From<&HostHeader> for v1::HostHeader {
    fn from(host_header: &HostHeader) -> Self {
        use v1::host_header::Kind;

        let kind = match host_header {
            HostHeader::Preserve => Kind::Preserve(true),
            HostHeader::Upstream => Kind::Upstream(true),
            HostHeader::Literal(value) => Kind::Literal(value.as_bytes().to_vec()),
        };
        Self { kind: Some(kind) }
    }
}

impl From<&HeaderEdits> for v1::HeaderEdits {
    fn from(edits: &HeaderEdits) -> Self {
        Self {
            remove: edits.remove.iter().map(ToString::to_string).collect(),
            set: edits.set.iter().map(|(name, value)| header(name, value)).collect(),
        }
    }
}

fn header(name: &HeaderName, value: &HeaderValue) -> v1::Header {
    v1::Header { name: name.to_string(), value: value.as_bytes().to_vec() }
}

fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().cast_signed(),
    }
}
