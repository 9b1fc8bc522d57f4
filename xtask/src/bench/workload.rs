//! What is asked of every proxy.

use super::peers::Setup;

/// How clients talk to the proxy; the proxy always talks HTTP/1.1 to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Http,
    /// HTTP/1.1 over TLS 1.3.
    Https,
    /// HTTP/2 over TLS 1.3, by ALPN.
    H2,
    /// HTTP/2 in the clear, by prior knowledge.
    H2c,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// Kept connections that ask for this path again and again.
    Get(&'static str),
    /// A connection for each request.
    NewConnections,
    /// 64 KiB with each request.
    Upload,
    /// Any of the routes, at random.
    AnyRoute,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    /// What the command line and the baseline call it.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) transport: Transport,
    pub(super) traffic: Traffic,
    pub(super) setup: Setup,
}

/// At once, over kept connections or as streams.
pub(super) const CONCURRENCY: u32 = 64;

const fn full(id: &'static str, title: &'static str, transport: Transport, traffic: Traffic) -> Workload {
    Workload { id, title, transport, traffic, setup: Setup::FULL }
}

const fn routes(id: &'static str, title: &'static str, routes: u32) -> Workload {
    let setup = Setup { routes, ..Setup::FULL };
    Workload { id, title, transport: Transport::Http, traffic: Traffic::AnyRoute, setup }
}

pub(super) const KEEP_ALIVE: Workload =
    full("keep-alive", "keep-alive, 1 KiB", Transport::Http, Traffic::Get("/1k"));

/// The one whose cost the others of its kind are compared with.
pub(super) const FEW_ROUTES: Workload = routes("routes-3", "3 routes", 3);

pub(super) const ALL: [Workload; 12] = [
    KEEP_ALIVE,
    full("new-connection", "a connection for each request", Transport::Http, Traffic::NewConnections),
    full("down-64k", "64 KiB down", Transport::Http, Traffic::Get("/64k")),
    full("down-1m", "1 MiB down", Transport::Http, Traffic::Get("/1m")),
    full("up-64k", "64 KiB up", Transport::Http, Traffic::Upload),
    full("tls", "TLS 1.3, keep-alive, 1 KiB", Transport::Https, Traffic::Get("/1k")),
    full("h2-tls", "HTTP/2 over TLS, 1 KiB", Transport::H2, Traffic::Get("/1k")),
    full("h2c", "HTTP/2 in the clear, 1 KiB", Transport::H2c, Traffic::Get("/1k")),
    FEW_ROUTES,
    routes("routes-10k", "10,000 routes", 10_000),
    routes("routes-100k", "100,000 routes", 100_000),
    Workload { id: "bare", title: "keep-alive, 1 KiB, no access log", setup: Setup::BARE, ..KEEP_ALIVE },
];

/// The workloads of these names; all of them for no name.
pub(super) fn named(ids: &[String]) -> Vec<Workload> {
    ALL.into_iter().filter(|workload| ids.is_empty() || ids.iter().any(|id| id == workload.id)).collect()
}

pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|workload| workload.id)
}
