//! Health of endpoints, found out by one prober for the whole fleet.
//!
//! Probes are per (URL, check), whatever the number of upstreams and nodes. Reading order: [`Target`] is what is
//! probed; `standing` decides what results mean; `probe` asks once; `prober` keeps asking; [`HealthTable`] is
//! what all others see.

mod connect;
mod probe;
mod prober;
mod standing;
mod table;

use harbr_model::{EndpointUrl, HealthCheck};

pub(crate) use self::prober::Prober;
pub(crate) use self::table::HealthTable;

/// One thing to probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) url: EndpointUrl,
    pub(crate) check: HealthCheck,
}
