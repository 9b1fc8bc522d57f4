//! Which endpoint of an upstream gets a request, by what the prober, the controller and earlier attempts say.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use harbr_model::Health;

use super::LiveUpstream;
use crate::endpoint::LiveEndpoint;
use crate::outlier::{Cause, Seen};

impl LiveUpstream {
    /// An endpoint that can serve: first of those that were not tried, else of all. One that was ejected by what was
    /// seen of it serves when no other is left: the prober does not call it unhealthy.
    pub(crate) fn pick(&self, tried: &[Arc<LiveEndpoint>]) -> Option<&Arc<LiveEndpoint>> {
        let is_panicking = self.is_panicking.load(Relaxed);
        let usable = |index: usize| is_usable(&self.endpoints[index], is_panicking);
        let serves = |index: usize| usable(index) && !self.is_ejected(&self.endpoints[index]);
        let load = |index: usize| self.endpoints[index].in_flight();
        let is_tried = |index: usize| tried.iter().any(|tried| Arc::ptr_eq(tried, &self.endpoints[index]));
        let index = self
            .balancer
            .pick(|index| serves(index) && !is_tried(index), load)
            .or_else(|| if tried.is_empty() { None } else { self.balancer.pick(serves, load) })
            .or_else(|| self.balancer.pick(usable, load))?;
        Some(&self.endpoints[index])
    }

    /// What an attempt has shown. Whether the endpoint is out for that from now on.
    pub(crate) fn note(&self, endpoint: &LiveEndpoint, seen: Seen) -> bool {
        // The last one is never out.
        if self.endpoints.len() < 2 {
            return false;
        }
        match endpoint.outlier.note(seen, &self.upstream.outlier) {
            Some(cause) => self.eject(endpoint, cause),
            None => false,
        }
    }

    pub(crate) fn is_ejected(&self, endpoint: &LiveEndpoint) -> bool {
        // A policy that ejects none lets those back that are out by the one before.
        self.upstream.outlier.max_ejected > 0 && endpoint.outlier.is_ejected()
    }

    /// Whether it is given requests, while another may be.
    pub(crate) fn is_available(&self, endpoint: &LiveEndpoint) -> bool {
        is_usable(endpoint, self.is_panicking.load(Relaxed)) && !self.is_ejected(endpoint)
    }

    /// The health of the endpoints has changed: is so little left that all are better than those?
    pub(crate) fn weigh_health(&self) {
        let usable = self.endpoints.iter().filter(|endpoint| endpoint.health() != Health::Unhealthy).count();
        let is_panicking = usable * 100 < self.endpoints.len() * self.upstream.panic_threshold as usize;
        if self.is_panicking.swap(is_panicking, Relaxed) != is_panicking {
            let (upstream, all) = (&*self.name, self.endpoints.len());
            if is_panicking {
                tracing::warn!(upstream, usable, all, "below the panic threshold: all endpoints are used");
            } else {
                tracing::info!(upstream, usable, all, "above the panic threshold again");
            }
        }
    }

    fn eject(&self, endpoint: &LiveEndpoint, cause: Cause) -> bool {
        let policy = &self.upstream.outlier;
        let _one_at_a_time = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let ejected = self.endpoints.iter().filter(|other| other.outlier.is_ejected()).count();
        let allowed = self.endpoints.len() * policy.max_ejected as usize / 100;
        let mut others = self.endpoints.iter().filter(|other| other.id != endpoint.id);
        if ejected >= allowed
            || endpoint.outlier.is_ejected()
            || !others.any(|other| self.is_available(other))
        {
            return false;
        }
        let time = endpoint.outlier.eject(cause, policy);
        let (upstream, endpoint) = (&*self.name, &*endpoint.name);
        tracing::warn!(upstream, endpoint, ?time, "ejected for {}", cause.as_str());
        true
    }
}

fn is_usable(endpoint: &LiveEndpoint, is_panicking: bool) -> bool {
    !endpoint.is_drained() && (is_panicking || endpoint.health() != Health::Unhealthy)
}
