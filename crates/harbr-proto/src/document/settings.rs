use crate::v1;
use serde::Serialize;

use super::millis;

/// What holds for a node as a whole.
#[derive(Debug, Clone, Serialize)]
pub struct SettingsDocument {
    pub max_connections: u32,
    pub header_timeout_ms: u64,
    pub keep_alive_timeout_ms: u64,
    pub upstream_idle_timeout_ms: u64,
    pub health_freeze_ms: u64,
    pub max_header_bytes: u32,
    pub max_headers: u32,
    pub http2: Http2Document,
    pub traffic_sample: TrafficSampleDocument,
    pub access_log: AccessLogDocument,
    /// `null`: no spans are made.
    pub tracing: Option<TracingDocument>,
    pub trusted_proxies: Vec<String>,
    pub allow_nul_in_path: bool,
    pub allow_backslash_in_path: bool,
    pub allow_path_above_root: bool,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Http2Document {
    pub max_concurrent_streams: u32,
    pub stream_window: u32,
    pub connection_window: u32,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct TrafficSampleDocument {
    /// 0: off
    pub one_in: u32,
    pub size: u32,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct AccessLogDocument {
    /// `json`, `text` or `off`
    pub format: &'static str,
    /// Of a line of JSON.
    pub fields: Vec<String>,
    pub sample_per_million: u32,
}

#[derive(Debug, Clone, Serialize)]
pub struct TracingDocument {
    pub endpoint: String,
    pub sample_per_million: u32,
    pub service_name: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ListenerDocument {
    pub name: String,
    pub addr: String,
    /// Of one that speaks TLS.
    pub certificates: Vec<CertificateDocument>,
}

#[derive(Debug, Clone, Serialize)]
pub struct CertificateDocument {
    pub name: String,
    /// Of the certificate's DER.
    pub sha256: String,
}

impl From<&v1::Settings> for SettingsDocument {
    fn from(settings: &v1::Settings) -> Self {
        // Each by its name: a field that is added is shown.
        let v1::Settings {
            max_connections,
            header_timeout,
            keep_alive_timeout,
            upstream_idle_timeout,
            health_freeze,
            max_header_bytes,
            max_headers,
            access_log,
            tracing,
            trusted_proxies,
            allow_nul_in_path,
            allow_backslash_in_path,
            allow_path_above_root,
            http2,
            traffic_sample,
        } = settings;
        Self {
            max_connections: *max_connections,
            header_timeout_ms: millis(*header_timeout),
            keep_alive_timeout_ms: millis(*keep_alive_timeout),
            upstream_idle_timeout_ms: millis(*upstream_idle_timeout),
            health_freeze_ms: millis(*health_freeze),
            max_header_bytes: *max_header_bytes,
            max_headers: *max_headers,
            http2: http2.as_ref().map(Http2Document::from).unwrap_or_default(),
            traffic_sample: traffic_sample.map(TrafficSampleDocument::from).unwrap_or_default(),
            access_log: access_log.as_ref().map(AccessLogDocument::from).unwrap_or_default(),
            tracing: tracing.as_ref().map(TracingDocument::from),
            trusted_proxies: trusted_proxies.clone(),
            allow_nul_in_path: *allow_nul_in_path,
            allow_backslash_in_path: *allow_backslash_in_path,
            allow_path_above_root: *allow_path_above_root,
        }
    }
}

impl From<&v1::AccessLog> for AccessLogDocument {
    fn from(access_log: &v1::AccessLog) -> Self {
        let format = match access_log.format() {
            v1::LogFormat::Off => "off",
            v1::LogFormat::Text => "text",
            v1::LogFormat::Json | v1::LogFormat::Unspecified => "json",
        };
        let v1::AccessLog { format: _, fields, sample_per_million } = access_log;
        Self { format, fields: fields.clone(), sample_per_million: *sample_per_million }
    }
}

impl From<&v1::Tracing> for TracingDocument {
    fn from(tracing: &v1::Tracing) -> Self {
        let v1::Tracing { endpoint, sample_per_million, service_name } = tracing.clone();
        Self { endpoint, sample_per_million, service_name }
    }
}

impl From<&v1::Http2Settings> for Http2Document {
    fn from(settings: &v1::Http2Settings) -> Self {
        let v1::Http2Settings { max_concurrent_streams, stream_window, connection_window } = *settings;
        Self { max_concurrent_streams, stream_window, connection_window }
    }
}

impl From<v1::TrafficSample> for TrafficSampleDocument {
    fn from(v1::TrafficSample { one_in, size }: v1::TrafficSample) -> Self {
        Self { one_in, size }
    }
}

impl From<v1::ListenerStatus> for ListenerDocument {
    fn from(v1::ListenerStatus { name, addr, certificates }: v1::ListenerStatus) -> Self {
        let certificates = certificates.into_iter().map(|certificate| {
            let v1::CertificateStatus { name, sha256 } = certificate;
            CertificateDocument { name, sha256 }
        });
        Self { name, addr, certificates: certificates.collect() }
    }
}
