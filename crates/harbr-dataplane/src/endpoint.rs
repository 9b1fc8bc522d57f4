use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use harbr_model::{EndpointUrl, Health};
use http::HeaderValue;

use crate::live::host_value;

/// Where requests go, and what all workers know of it.
#[derive(Debug)]
pub(crate) struct LiveEndpoint {
    /// Never used twice in a process: what pools know it by.
    pub id: u64,
    pub url: EndpointUrl,
    /// The URL as text, for logs and metrics.
    pub name: Arc<str>,
    pub authority: HeaderValue,
    /// The text form of the health check that its health comes from.
    pub check: Option<Arc<str>>,
    addrs: ArcSwap<Vec<SocketAddr>>,
    health: AtomicU8,
    in_flight: AtomicU32,
}

/// A request or tunnel that an endpoint is busy with, until dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<LiveEndpoint>);

impl LiveEndpoint {
    pub(crate) fn new(url: EndpointUrl, check: Option<Arc<str>>) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);

        let addrs = match url.host().parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, url.port())],
            Err(_) => Vec::new(),
        };
        Self {
            id: NEXT_ID.fetch_add(1, Relaxed),
            name: url.to_string().into(),
            authority: host_value(&url.authority()),
            url,
            check,
            addrs: ArcSwap::from_pointee(addrs),
            health: AtomicU8::new(encode(Health::Unknown)),
            in_flight: AtomicU32::new(0),
        }
    }

    /// Only a failed probe takes it out.
    pub(crate) fn serves(&self) -> bool {
        self.health() != Health::Unhealthy
    }

    pub(crate) fn health(&self) -> Health {
        decode(self.health.load(Relaxed))
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(encode(health), Relaxed);
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(self.clone())
    }

    /// The host is a name, which only a resolver can turn into addresses.
    pub(crate) fn is_named(&self) -> bool {
        self.url.host().parse::<IpAddr>().is_err()
    }

    /// Empty while a name has never resolved.
    pub(crate) fn addrs(&self) -> Arc<Vec<SocketAddr>> {
        self.addrs.load_full()
    }

    pub(crate) fn set_addrs(&self, addrs: Vec<SocketAddr>) {
        self.addrs.store(Arc::new(addrs));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

fn encode(health: Health) -> u8 {
    match health {
        Health::Unknown => 0,
        Health::Healthy => 1,
        Health::Unhealthy => 2,
    }
}

fn decode(health: u8) -> Health {
    match health {
        1 => Health::Healthy,
        2 => Health::Unhealthy,
        _ => Health::Unknown,
    }
}
