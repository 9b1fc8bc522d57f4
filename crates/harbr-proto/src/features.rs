//! What a snapshot asks of a node's build beyond the first schema version.
//!
//! A node ignores a field that it does not know. For most that is harmless; where it would serve something else than
//! the file says, such as to anyone what is for clients with a certificate, the field has a feature here: the
//! controller gives the snapshot to no node that does not name it in its `Hello`.

use std::collections::BTreeSet;

use harbr_model::{Listener, Protocol, Snapshot, Upstream};

/// A node that names it tells what it remembers of its traffic when it is asked. No snapshot takes it.
pub const TRAFFIC_SAMPLE: &str = "traffic_sample";

/// What this build can do, by name.
pub const FEATURES: [&str; 9] = [
    "client_auth",
    "connect",
    "http2_upstreams",
    "listener_tls",
    "proxy_protocol",
    "redirect_https",
    TRAFFIC_SAMPLE,
    "upstream_proxy_protocol",
    "upstream_tls",
];

/// What a node has to be able to do to serve this.
#[must_use]
pub fn features_of(snapshot: &Snapshot) -> BTreeSet<&'static str> {
    let listeners = snapshot.listeners().iter().flat_map(of_listener);
    listeners.chain(snapshot.upstreams().values().flat_map(of_upstream)).collect()
}

fn of_listener(listener: &Listener) -> impl Iterator<Item = &'static str> {
    let client_auth = listener.tls.as_ref().and_then(|tls| tls.client_auth.as_ref());
    let used = [
        (listener.tls.is_some(), "listener_tls"),
        (client_auth.is_some(), "client_auth"),
        (!listener.connect.is_empty(), "connect"),
        (listener.proxy_peers.is_some(), "proxy_protocol"),
        (listener.redirect_https.is_some(), "redirect_https"),
    ];
    named(used)
}

fn of_upstream(upstream: &Upstream) -> impl Iterator<Item = &'static str> {
    let used = [
        (upstream.protocol != Protocol::Http1, "http2_upstreams"),
        (upstream.proxy_protocol.is_some(), "upstream_proxy_protocol"),
        (upstream.tls.is_some(), "upstream_tls"),
    ];
    named(used)
}

fn named<const N: usize>(used: [(bool, &'static str); N]) -> impl Iterator<Item = &'static str> {
    used.into_iter().filter(|(is_used, _)| *is_used).map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
