use std::time::Duration;

use crate::{AccessLog, Network, Tracing};

/// What holds for a node as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Connections from clients at once, over all listeners and workers.
    pub max_connections: u32,
    /// From the first wait for a request to the end of its head; on a fresh connection, from accept on.
    pub header_timeout: Duration,
    /// How long a client's connection may rest between two requests.
    pub keep_alive_timeout: Duration,
    /// How long an unused connection to an upstream is kept. Shorter than the upstream's own limit, or
    /// requests race with its close.
    pub upstream_idle_timeout: Duration,
    /// How long what the prober said is believed after the controller is gone.
    pub health_freeze: Duration,
    /// Bytes of a request's or response's head, start line included.
    pub max_header_bytes: u32,
    /// Header lines of a request or response.
    pub max_headers: u32,
    pub http2: Http2Settings,
    pub access_log: AccessLog,
    pub traffic_sample: TrafficSample,
    /// `None`: no spans are made.
    pub tracing: Option<Tracing>,
    /// Whose word on the client before them counts: `X-Forwarded-*` from anybody else is replaced.
    pub trusted_proxies: Vec<Network>,
    pub odd_paths: OddPaths,
}

/// Which paths go on although two readers could understand them differently. None, unless an upstream needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OddPaths {
    /// `%00` stays as it is.
    pub nul: bool,
    /// `\` and `%5C` stay as they are, and separate nothing.
    pub backslash: bool,
    /// Dot segments that climb above the root end at the root (RFC 3986, 5.2.4).
    pub above_root: bool,
}

/// What a client may ask of one HTTP/2 connection at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2Settings {
    /// Requests under way at once.
    pub max_concurrent_streams: u32,
    /// Bytes of one request's body that may come before they are taken.
    pub stream_window: u32,
    /// The same for all requests of a connection together.
    pub connection_window: u32,
}

/// What a node remembers of the requests of the last minutes, for `plan` to try a change on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficSample {
    /// Of so many requests one; 0: none, the sample is off.
    pub one_in: u32,
    /// Requests at once, over all workers.
    pub size: u32,
}

impl Settings {
    /// The values of a file that says only what it must.
    #[must_use]
    pub fn with_max_connections(max_connections: u32) -> Self {
        Self {
            max_connections,
            header_timeout: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(75),
            upstream_idle_timeout: Duration::from_secs(4),
            health_freeze: Duration::from_secs(300),
            max_header_bytes: 64 * 1024,
            max_headers: 100,
            http2: Http2Settings {
                max_concurrent_streams: 100,
                stream_window: 256 * 1024,
                connection_window: 1024 * 1024,
            },
            traffic_sample: TrafficSample { one_in: 10, size: 10_000 },
            access_log: AccessLog::default(),
            tracing: None,
            trusted_proxies: Vec::new(),
            odd_paths: OddPaths::default(),
        }
    }
}
