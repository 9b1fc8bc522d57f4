use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use harbr_model::{EndpointUrl, Health, Protocol};
use http::HeaderValue;
use tokio::sync::watch;

use crate::link::Link;
use crate::live::host_value;
use crate::outlier::Outlier;

/// Where requests go, and what all workers know of it.
#[derive(Debug)]
pub(crate) struct LiveEndpoint {
    /// Never used twice in a process: what pools know it by.
    pub id: u64,
    pub url: EndpointUrl,
    pub protocol: Protocol,
    /// The URL as text, for logs and metrics.
    pub name: Arc<str>,
    pub authority: HeaderValue,
    pub link: Link,
    pub outlier: Outlier,
    addrs: watch::Sender<Addrs>,
    health: AtomicU8,
    in_flight: AtomicU32,
    drained: AtomicBool,
}

/// What is known of where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Addrs {
    /// Its name is being looked up for the first time.
    Pending,
    /// At least one; the one that answered last comes first.
    Known(Arc<[SocketAddr]>),
    /// Its name has never resolved.
    Unknown,
}

/// A request or tunnel that an endpoint is busy with, until dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<LiveEndpoint>);

impl LiveEndpoint {
    pub(crate) fn new(url: EndpointUrl, protocol: Protocol, link: Link) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);

        let addrs = match url.host().parse::<IpAddr>() {
            Ok(ip) => Addrs::Known([SocketAddr::new(ip, url.port())].into()),
            Err(_) => Addrs::Pending,
        };
        Self {
            id: NEXT_ID.fetch_add(1, Relaxed),
            name: url.to_string().into(),
            authority: host_value(&url.authority()),
            url,
            protocol,
            link,
            addrs: watch::Sender::new(addrs),
            health: AtomicU8::new(encode(Health::Unknown)),
            in_flight: AtomicU32::new(0),
            outlier: Outlier::default(),
            drained: AtomicBool::new(false),
        }
    }

    /// It gets no new request, by the controller's word.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained.load(Relaxed)
    }

    pub(crate) fn set_drained(&self, drained: bool) {
        self.drained.store(drained, Relaxed);
    }

    pub(crate) fn health(&self) -> Health {
        decode(self.health.load(Relaxed))
    }

    pub(crate) fn set_health(&self, health: Health) {
        let before = decode(self.health.swap(encode(health), Relaxed));
        // A recovery that the prober has seen counts for more than failures before it.
        if before == Health::Unhealthy && health == Health::Healthy {
            self.outlier.pardon();
        }
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

    pub(crate) fn addrs(&self) -> Addrs {
        self.addrs.borrow().clone()
    }

    /// Waits for the first look-up if it is under way. `None` if the name has never resolved.
    pub(crate) async fn resolved(&self) -> Option<Arc<[SocketAddr]>> {
        match &*self.addrs.subscribe().wait_for(|addrs| *addrs != Addrs::Pending).await.ok()? {
            Addrs::Known(addrs) => Some(addrs.clone()),
            Addrs::Pending | Addrs::Unknown => None,
        }
    }

    /// What a look-up found, at least one. An address that is known and found again keeps its place in front.
    pub(crate) fn set_addrs(&self, mut found: Vec<SocketAddr>) {
        self.addrs.send_if_modified(|addrs| {
            if let Addrs::Known(known) = addrs
                && let Some(at) = found.iter().position(|addr| Some(addr) == known.first())
            {
                found[..=at].rotate_right(1);
            }
            let found = Addrs::Known(found.into());
            let changed = *addrs != found;
            *addrs = found;
            changed
        });
    }

    /// The name does not resolve: what was known stays. Whether that is news.
    pub(crate) fn note_unresolved(&self) -> bool {
        self.addrs.send_if_modified(|addrs| {
            let is_first = *addrs == Addrs::Pending;
            if is_first {
                *addrs = Addrs::Unknown;
            }
            is_first
        })
    }

    /// This address answered: it is tried first from now on.
    pub(crate) fn prefer(&self, addr: SocketAddr) {
        self.addrs.send_if_modified(|addrs| {
            if let Addrs::Known(known) = addrs
                && known.first() != Some(&addr)
            {
                let mut others: Vec<_> = known.to_vec();
                others.sort_by_key(|other| *other != addr);
                *known = others.into();
            }
            false
        });
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

#[cfg(test)]
mod tests;
