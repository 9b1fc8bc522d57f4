//! The names of the controller's metrics, and what each means.

use metrics::{Unit, describe_counter, describe_histogram};

use crate::server::Refusal;

/// By `result`: `accepted`, `unchanged`, `rejected`.
pub(crate) const CONFIG_RELOADS: &str = "harbr_config_reloads_total";
/// By `result`: `success`, `failure`, `timeout`.
pub(crate) const PROBES: &str = "harbr_probes_total";
pub(crate) const PROBE_DURATION: &str = "harbr_probe_duration_seconds";
/// Failed probes that did not take their endpoint out.
pub(crate) const HEALTH_HELD: &str = "harbr_health_removals_held_total";
pub(crate) const NODE_SESSIONS: &str = "harbr_node_sessions_total";
/// By `kind`: `full`, `delta`.
pub(crate) const SNAPSHOT_BYTES: &str = "harbr_snapshot_bytes_sent_total";
/// By `class`: `invalid`, `local`.
pub(crate) const NACKS: &str = "harbr_nacks_total";
/// By `reason`, see [`Refusal`].
pub(crate) const GRPC_REFUSED: &str = "harbr_grpc_refused_total";

/// By `outcome`: `proven`, `rejected`, `rolled_back`, `superseded`.
pub(crate) const ROLLOUTS: &str = "harbr_rollouts_total";

/// Read from the controller's state at each scrape, see [`Gauges`](crate::gauges).
pub(crate) const NODES: &str = "harbr_nodes";
pub(crate) const CONFIG_LAG: &str = "harbr_config_lag_seconds";
pub(crate) const PROVEN_REVISION: &str = "harbr_proven_revision";
pub(crate) const ROLLOUT_ACTIVE: &str = "harbr_rollout_active";
pub(crate) const CONFIG_REVISION: &str = "harbr_config_revision";
pub(crate) const CONFIG_LAST_RELOAD_SUCCESSFUL: &str = "harbr_config_last_reload_successful";
pub(crate) const ENDPOINTS: &str = "harbr_endpoints";
pub(crate) const HEALTH_FROZEN: &str = "harbr_health_frozen";

/// Describes what is recorded, and makes each counter exist at 0.
pub(crate) fn describe() {
    describe_counter!(CONFIG_RELOADS, "Contents of the configuration file that were read.");
    for result in ["accepted", "unchanged", "rejected"] {
        metrics::counter!(CONFIG_RELOADS, "result" => result).increment(0);
    }
    describe_counter!(PROBES, "Health checks of endpoints.");
    for result in ["success", "failure", "timeout"] {
        metrics::counter!(PROBES, "result" => result).increment(0);
    }
    describe_histogram!(PROBE_DURATION, Unit::Seconds, "How long health checks took.");
    describe_counter!(HEALTH_HELD, "Failed probes that did not take their endpoint out.");
    metrics::counter!(HEALTH_HELD).increment(0);
    describe_counter!(NODE_SESSIONS, "Sessions that nodes have opened.");
    metrics::counter!(NODE_SESSIONS).increment(0);
    describe_counter!(SNAPSHOT_BYTES, Unit::Bytes, "Bytes of resources sent to nodes.");
    for kind in ["full", "delta"] {
        metrics::counter!(SNAPSHOT_BYTES, "kind" => kind).increment(0);
    }
    describe_counter!(NACKS, "Snapshots that nodes have refused.");
    for class in ["invalid", "local"] {
        metrics::counter!(NACKS, "class" => class).increment(0);
    }
    describe_counter!(GRPC_REFUSED, "Connections and calls that were refused.");
    for refusal in Refusal::ALL {
        metrics::counter!(GRPC_REFUSED, "reason" => refusal.as_str()).increment(0);
    }
    describe_counter!(ROLLOUTS, "Rollouts that have ended.");
    for outcome in ["proven", "rejected", "rolled_back", "superseded"] {
        metrics::counter!(ROLLOUTS, "outcome" => outcome).increment(0);
    }
}
