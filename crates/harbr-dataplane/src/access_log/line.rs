//! What a line says, and how it is written: by hand, field after field, as all of them are known and nearly all
//! are plain text.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode, Uri, Version};

use crate::error::Reason;

/// Bytes of most lines.
pub(super) const USUAL: usize = 512;
/// Bytes of a request's target that a line shows.
const MAX_TARGET: usize = 4 * 1024;

#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Who connected, its address without the port as text, and who it is by the word of the proxies that are
    /// trusted.
    pub peer: SocketAddr,
    pub peer_ip: &'a HeaderValue,
    pub client: Option<IpAddr>,
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub version: Version,
    pub host: Option<&'a HeaderValue>,
    pub request_id: Option<&'a HeaderValue>,
    pub status: StatusCode,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub ended_at: SystemTime,
    pub duration: Duration,
    pub route: Option<&'a Arc<str>>,
    pub upstream: Option<&'a Arc<str>>,
    pub endpoint: Option<&'a Arc<str>>,
    pub attempts: u32,
    pub reason: Option<Reason>,
}

/// The text of a moment, of which all but the milliseconds stays the same for a second.
#[derive(Debug, Default)]
pub(super) struct TimeText {
    second: Option<u64>,
    /// `2026-11-24T15:06:27.`
    text: Vec<u8>,
}

impl Record<'_> {
    pub(super) fn write_json(&self, out: &mut Vec<u8>, time: &mut TimeText) {
        let (path, query) = self.path_and_query();
        out.extend_from_slice(b"{\"time\":\"");
        time.write(out, self.ended_at);
        out.extend_from_slice(b"\",\"client\":\"");
        self.write_client(out);
        out.extend_from_slice(b"\",\"method\":");
        json_plain(out, self.method.as_str());
        out.extend_from_slice(b",\"host\":");
        json_plain(out, text_of(self.host).unwrap_or_default());
        out.extend_from_slice(b",\"path\":");
        json_text(out, path);
        out.extend_from_slice(b",\"query\":");
        json_option(out, query);
        out.extend_from_slice(b",\"protocol\":\"");
        out.extend_from_slice(self.protocol().as_bytes());
        out.extend_from_slice(b"\",\"status\":");
        out.extend_from_slice(self.status.as_str().as_bytes());
        out.extend_from_slice(b",\"bytes_received\":");
        number(out, self.bytes_received, 1);
        out.extend_from_slice(b",\"bytes_sent\":");
        number(out, self.bytes_sent, 1);
        out.extend_from_slice(b",\"duration_ms\":");
        self.write_duration(out);
        out.extend_from_slice(b",\"route\":");
        json_option(out, self.route.map(|name| &**name));
        out.extend_from_slice(b",\"upstream\":");
        json_option(out, self.upstream.map(|name| &**name));
        out.extend_from_slice(b",\"endpoint\":");
        json_option(out, self.endpoint.map(|name| &**name));
        out.extend_from_slice(b",\"attempts\":");
        number(out, self.attempts.into(), 1);
        out.extend_from_slice(b",\"reason\":");
        json_option(out, self.reason.map(Reason::as_str));
        out.extend_from_slice(b",\"request_id\":");
        match text_of(self.request_id) {
            Some(id) => json_plain(out, id),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b"}\n");
    }

    /// The common log format with what routes and attempts add.
    pub(super) fn write_text(&self, out: &mut Vec<u8>, time: &mut TimeText) {
        self.write_client(out);
        out.extend_from_slice(b" - [");
        time.write(out, self.ended_at);
        let written = write!(
            out,
            "] \"{} {} {}\" {} {} ",
            self.method,
            self.target(),
            self.protocol(),
            self.status.as_u16(),
            self.bytes_sent
        );
        written.expect("a buffer takes all that is written");
        self.write_duration(out);
        let written = writeln!(
            out,
            "ms host={} route={} endpoint={} attempts={} reason={}",
            text_of(self.host).unwrap_or_default(),
            self.route.map_or("-", |name| name),
            self.endpoint.map_or("-", |name| name),
            self.attempts,
            self.reason.map_or("-", Reason::as_str),
        );
        written.expect("a buffer takes all that is written");
    }

    fn target(&self) -> &str {
        let target = self.uri.path_and_query().map_or("", PathAndQuery::as_str);
        target.get(..MAX_TARGET).unwrap_or(target)
    }

    fn path_and_query(&self) -> (&str, Option<&str>) {
        match self.target().split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target(), None),
        }
    }

    fn protocol(&self) -> &'static str {
        match self.version {
            Version::HTTP_2 => "HTTP/2",
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        }
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

    /// Milliseconds, exact to the microsecond.
    fn write_duration(&self, out: &mut Vec<u8>) {
        let micros = u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX);
        number(out, micros / 1_000, 1);
        out.push(b'.');
        number(out, micros % 1_000, 3);
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

fn text_of(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

fn json_option(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => json_text(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

fn json_text(out: &mut Vec<u8>, text: &str) {
    // Looked at as a whole, so that the compiler takes many bytes at once.
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().fold(false, |found, byte| found | needs_escape(byte)) {
        serde_json::to_writer(out, text).expect("a buffer takes all that is written");
        return;
    }
    json_plain(out, text);
}

/// Text that was looked at before it came here: a method, a valid host, a token.
fn json_plain(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
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
