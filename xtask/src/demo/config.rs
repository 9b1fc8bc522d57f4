//! The demo's file, and the edits that the tour makes.

use std::net::SocketAddr;

/// What the demo starts with.
pub(super) fn first(blue: SocketAddr, green: SocketAddr) -> String {
    file(&Upstreams { blue, green }, blue)
}

/// `/blue` is answered by green.
pub(super) fn edited(blue: SocketAddr, green: SocketAddr) -> String {
    file(&Upstreams { blue, green }, green)
}

/// A mistake that a person makes: one letter is missing.
pub(super) fn broken(blue: SocketAddr, green: SocketAddr) -> String {
    edited(blue, green).replace("retry_count", "retry_cont")
}

struct Upstreams {
    blue: SocketAddr,
    green: SocketAddr,
}

fn file(upstreams: &Upstreams, answers_blue: SocketAddr) -> String {
    let Upstreams { blue, green } = upstreams;
    format!(
        r#"# The three proxies of the demo were told to listen elsewhere (--listen), so that they fit on one machine.
listen_addr: "127.0.0.1:8080"
global_timeout_ms: 5000
max_connections: 10000

upstreams:
  both:
    endpoints:
      - "http://{blue}"
      - "http://{green}"
    balance: round_robin
    health_check: {{ path: /health, interval: 1s, timeout: 500ms }}

routes:
  "/blue":
    upstream: "http://{answers_blue}"
  "/green":
    upstream: "http://{green}"
  "/":
    upstream: both
    timeout_ms: 2000
    retry_count: 1
"#
    )
}
