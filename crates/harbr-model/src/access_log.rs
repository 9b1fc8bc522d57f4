use std::str::FromStr;

use crate::SampleShare;

/// What is written of the requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    pub format: LogFormat,
    /// Of the requests that went well. All others are written.
    pub sample: SampleShare,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    Off,
    /// Lines of JSON with these fields, in this order.
    Json(Vec<LogField>),
    Text,
}

/// What a line can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogField {
    /// When the request ended, in UTC.
    Time,
    /// Who asked: the peer, or whom a trusted proxy names.
    Client,
    /// Where it came in.
    Listener,
    Method,
    Host,
    Path,
    Query,
    /// That of the client: `HTTP/1.1`.
    Protocol,
    /// Its version, `TLSv1.3`.
    Tls,
    Status,
    /// Of the request's body.
    BytesReceived,
    /// Of the response's body.
    BytesSent,
    /// From the end of the request's head to the end of the response.
    DurationMs,
    /// What the head took to come, from its first byte on, or from accept on.
    HeadMs,
    /// What new connections to endpoints took.
    ConnectMs,
    /// From the request's head to the head of the response.
    ResponseMs,
    /// From the response's head to its end.
    BodyMs,
    Route,
    Upstream,
    /// The one that was asked last.
    Endpoint,
    Attempts,
    /// Why the response is not an upstream's own, whole one.
    Reason,
    /// The same in the words of Envoy's response flags.
    Flags,
    RequestId,
    /// Of the W3C trace that it belongs to.
    TraceId,
}

/// There is no such field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no field of the access log")]
pub struct UnknownLogField;

impl Default for AccessLog {
    /// All of all, in JSON.
    fn default() -> Self {
        Self { format: LogFormat::Json(LogField::ALL.to_vec()), sample: SampleShare::ALL }
    }
}

impl LogField {
    /// In the order of a line that is not told its fields.
    pub const ALL: [Self; 25] = [
        Self::Time,
        Self::Client,
        Self::Listener,
        Self::Method,
        Self::Host,
        Self::Path,
        Self::Query,
        Self::Protocol,
        Self::Tls,
        Self::Status,
        Self::BytesReceived,
        Self::BytesSent,
        Self::DurationMs,
        Self::HeadMs,
        Self::ConnectMs,
        Self::ResponseMs,
        Self::BodyMs,
        Self::Route,
        Self::Upstream,
        Self::Endpoint,
        Self::Attempts,
        Self::Reason,
        Self::Flags,
        Self::RequestId,
        Self::TraceId,
    ];

    /// The name, in a line and in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Client => "client",
            Self::Listener => "listener",
            Self::Method => "method",
            Self::Host => "host",
            Self::Path => "path",
            Self::Query => "query",
            Self::Protocol => "protocol",
            Self::Tls => "tls",
            Self::Status => "status",
            Self::BytesReceived => "bytes_received",
            Self::BytesSent => "bytes_sent",
            Self::DurationMs => "duration_ms",
            Self::HeadMs => "head_ms",
            Self::ConnectMs => "connect_ms",
            Self::ResponseMs => "response_ms",
            Self::BodyMs => "body_ms",
            Self::Route => "route",
            Self::Upstream => "upstream",
            Self::Endpoint => "endpoint",
            Self::Attempts => "attempts",
            Self::Reason => "reason",
            Self::Flags => "flags",
            Self::RequestId => "request_id",
            Self::TraceId => "trace_id",
        }
    }
}

impl FromStr for LogField {
    type Err = UnknownLogField;

    fn from_str(text: &str) -> Result<Self, UnknownLogField> {
        Self::ALL.into_iter().find(|field| field.as_str() == text).ok_or(UnknownLogField)
    }
}
