//! What a line says, and how it is written: by hand, field after field, as all of them are known and nearly all
//! are plain text.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use harbr_model::LogField;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode, Uri, Version};

use super::layout::JsonField;
use crate::connection::Client;
use crate::error::{ProxyError, Reason, RetryEnd};
use crate::trace::TraceId;

/// Bytes of most lines.
pub(super) const USUAL: usize = 1_024;
/// Bytes of a request's target that a line shows.
const MAX_TARGET: usize = 4 * 1024;

#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Who connected, its address without the port as text, and who it is by the word of the proxies that are
    /// trusted.
    pub peer: SocketAddr,
    pub peer_ip: &'a HeaderValue,
    pub client: Option<IpAddr>,
    pub listener: &'a Arc<str>,
    pub tls: Option<&'static str>,
    /// `None`: its head could not be read.
    pub heard: Option<Heard<'a>>,
    pub status: StatusCode,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub ended_at: SystemTime,
    pub phases: Phases,
    pub route: Option<&'a Arc<str>>,
    pub upstream: Option<&'a Arc<str>>,
    pub endpoint: Option<&'a Arc<str>>,
    pub attempts: u32,
    pub reason: Option<Reason>,
    pub retry_end: Option<RetryEnd>,
    pub request_id: Option<&'a HeaderValue>,
    pub trace_id: Option<TraceId>,
}

/// What a head said.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub version: Version,
    pub host: Option<&'a HeaderValue>,
}

/// What took how long.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Phases {
    /// Until the head was there; where that can be told.
    pub head: Option<Duration>,
    /// From then on.
    pub total: Duration,
    pub connect: Duration,
    /// From the request's head to an upstream's response's.
    pub response: Option<Duration>,
}

/// The text of a moment, of which all but the milliseconds stays the same for a second.
#[derive(Debug, Default)]
pub(super) struct TimeText {
    second: Option<u64>,
    /// `2026-11-24T15:06:27.`
    text: Vec<u8>,
}

impl<'a> Record<'a> {
    /// Of a request whose head was refused.
    pub(crate) fn of_unreadable(client: &'a Client, error: &ProxyError, head: Duration) -> Self {
        Self {
            peer: client.addr,
            peer_ip: &client.forwarded_for,
            client: None,
            listener: &client.listener.name,
            tls: client.tls.as_ref().map(|tls| tls.version),
            heard: None,
            status: error.status(),
            bytes_received: 0,
            bytes_sent: 0,
            ended_at: SystemTime::now(),
            phases: Phases { head: Some(head), ..Phases::default() },
            route: None,
            upstream: None,
            endpoint: None,
            attempts: 0,
            reason: Some(error.reason()),
            retry_end: None,
            request_id: None,
            trace_id: None,
        }
    }
}

impl Record<'_> {
    pub(super) fn write_json(
        &self,
        out: &mut Vec<u8>,
        time: &mut TimeText,
        (fields, end): (&[JsonField], &[u8]),
    ) {
        for JsonField { field, before } in fields {
            out.extend_from_slice(before);
            self.write_value(*field, out, time);
        }
        out.extend_from_slice(end);
    }

    fn write_value(&self, field: LogField, out: &mut Vec<u8>, time: &mut TimeText) {
        let Phases { head, total, connect, response } = self.phases;
        match field {
            LogField::Time => time.write(out, self.ended_at),
            LogField::Client => self.write_client(out),
            LogField::Listener => out.extend_from_slice(self.listener.as_bytes()),
            LogField::Method => json_plain(out, self.heard.as_ref().map(|heard| heard.method.as_str())),
            LogField::Host => json_plain(out, self.host()),
            LogField::Path => json_option(out, self.target().map(|(path, _)| path)),
            LogField::Query => json_option(out, self.target().and_then(|(_, query)| query)),
            LogField::Protocol => json_plain(out, self.protocol()),
            LogField::Tls => json_plain(out, self.tls),
            LogField::Status => out.extend_from_slice(self.status.as_str().as_bytes()),
            LogField::BytesReceived => number(out, self.bytes_received, 1),
            LogField::BytesSent => number(out, self.bytes_sent, 1),
            LogField::DurationMs => millis(out, Some(total)),
            LogField::HeadMs => match head {
                Some(head) => number(out, u64::try_from(head.as_millis()).unwrap_or(u64::MAX), 1),
                None => out.extend_from_slice(NULL),
            },
            LogField::ConnectMs => millis(out, Some(connect)),
            LogField::ResponseMs => millis(out, response),
            LogField::BodyMs => millis(out, response.map(|response| total.saturating_sub(response))),
            LogField::Route => json_option(out, self.route.map(|name| &**name)),
            LogField::Upstream => json_option(out, self.upstream.map(|name| &**name)),
            LogField::Endpoint => json_option(out, self.endpoint.map(|name| &**name)),
            LogField::Attempts => number(out, self.attempts.into(), 1),
            LogField::Reason => json_plain(out, self.reason.map(Reason::as_str)),
            LogField::Flags => self.write_flags(out),
            LogField::RequestId => json_plain(out, text_of(self.request_id)),
            LogField::TraceId => match self.trace_id {
                Some(id) => write!(out, "\"{id}\"").expect("a buffer takes all that is written"),
                None => out.extend_from_slice(NULL),
            },
        }
    }

    /// The common log format with what routes and attempts add.
    pub(super) fn write_text(&self, out: &mut Vec<u8>, time: &mut TimeText) {
        self.write_client(out);
        out.extend_from_slice(b" - [");
        time.write(out, self.ended_at);
        let (path, query) = self.target().unwrap_or(("-", None));
        let written = write!(
            out,
            "] \"{} {path}{}{} {}\" {} {} ",
            self.heard.as_ref().map_or("-", |heard| heard.method.as_str()),
            if query.is_some() { "?" } else { "" },
            query.unwrap_or_default(),
            self.protocol().unwrap_or("-"),
            self.status.as_u16(),
            self.bytes_sent
        );
        written.expect("a buffer takes all that is written");
        millis(out, Some(self.phases.total));
        let written = writeln!(
            out,
            "ms host={} route={} endpoint={} attempts={} reason={}",
            self.host().unwrap_or("-"),
            self.route.map_or("-", |name| name),
            self.endpoint.map_or("-", |name| name),
            self.attempts,
            self.reason.map_or("-", Reason::as_str),
        );
        written.expect("a buffer takes all that is written");
    }

    /// Path and query, as much as is shown of them.
    fn target(&self) -> Option<(&str, Option<&str>)> {
        let target = self.heard.as_ref()?.uri.path_and_query().map_or("", PathAndQuery::as_str);
        let target = target.get(..MAX_TARGET).unwrap_or(target);
        Some(match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        })
    }

    fn host(&self) -> Option<&str> {
        text_of(self.heard.as_ref()?.host)
    }

    fn protocol(&self) -> Option<&'static str> {
        Some(match self.heard.as_ref()?.version {
            Version::HTTP_2 => "HTTP/2",
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        })
    }

    fn write_client(&self, out: &mut Vec<u8>) {
        if let Some(client) = self.client {
            write!(out, "{client}").expect("a buffer takes all that is written");
            return;
        }
        match self.peer {
            SocketAddr::V4(_) => out.extend_from_slice(self.peer_ip.as_bytes()),
            SocketAddr::V6(_) => {
                out.push(b'[');
                out.extend_from_slice(self.peer_ip.as_bytes());
                out.push(b']');
            }
        }
        out.push(b':');
        number(out, self.peer.port().into(), 1);
    }

    /// `"UF,URX"`
    fn write_flags(&self, out: &mut Vec<u8>) {
        match (self.reason.and_then(Reason::flag), self.retry_end.map(RetryEnd::flag)) {
            (Some(reason), Some(retries)) => {
                write!(out, "\"{reason},{retries}\"").expect("a buffer takes all that is written");
            }
            (one, other) => json_plain(out, one.or(other)),
        }
    }
}

impl TimeText {
    /// RFC 3339 with milliseconds.
    fn write(&mut self, out: &mut Vec<u8>, at: SystemTime) {
        let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if self.second != Some(since_epoch.as_secs()) {
            let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs());
            self.text = humantime::format_rfc3339_seconds(whole).to_string().into_bytes();
            // The `Z` comes after the milliseconds.
            self.text.pop();
            self.text.push(b'.');
            self.second = Some(since_epoch.as_secs());
        }
        out.extend_from_slice(&self.text);
        number(out, since_epoch.subsec_millis().into(), 3);
        out.push(b'Z');
    }
}

const NULL: &[u8] = b"null";

fn text_of(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

/// Text that may hold anything.
fn json_option(out: &mut Vec<u8>, text: Option<&str>) {
    // Looked at as a whole, so that the compiler takes many bytes at once.
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    match text {
        Some(text) if text.bytes().fold(false, |found, byte| found | needs_escape(byte)) => {
            serde_json::to_writer(out, text).expect("a buffer takes all that is written");
        }
        plain => json_plain(out, plain),
    }
}

/// Text that was looked at before it came here: a method, a valid host, a token, a word of ours.
fn json_plain(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => {
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        None => out.extend_from_slice(NULL),
    }
}

/// Milliseconds, exact to the microsecond.
fn millis(out: &mut Vec<u8>, duration: Option<Duration>) {
    let Some(duration) = duration else { return out.extend_from_slice(NULL) };
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    number(out, micros / 1_000, 1);
    out.push(b'.');
    number(out, micros % 1_000, 3);
}

/// Decimal, with zeros before it up to `width` digits.
fn number(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while value > 0 || digits.len() - start < width {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}
