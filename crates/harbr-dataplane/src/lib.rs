//! The proxy: a node that serves what its controller says, and goes on serving when the controller is gone.
//!
//! It knows no YAML and nothing of the controller's insides. Reading order:
//!
//! - The life of a request: `listener` → `worker` (accept) → `connection` (first `reception`: PROXY header, TLS; then HTTP/1
//!   over `guarded_io`, `request_bounds`, or HTTP/2, each request a `stream`) → [`proxy`](self) (`proxy.rs`, one linear
//!   function) → `head`, `harbr_routing::headers` (pure) → `forward` (the attempt loop, which obeys `retry`, `balancer`,
//!   `deadline`) → `attempt` → `pool`, `multiplexed` → back through `response_body`; `exchange` counts and logs its end.
//! - The life of a change: `session` (the stream) → `node` (the one writer: check, build, swap) → `live` (the table,
//!   with what did not change taken over) → `disk` (two slots, and what a start must know).
//! - `proof`: how the session shows who this node is.
//! - Around both: `dataplane` puts it together; `stats`, `metrics`, `traffic` and `turns` count; `connections`
//!   holds limits in time, by `coarse_clock`.
//! - What people see of requests: `access_log`; `trace`, spans for a collector; `sample`, what is remembered
//!   for a plan; `tap`, what ends while somebody
//!   looks; `mask`, what of it they may see.

mod accept_socket;
mod access_log;
mod alarm;
mod args;
mod attempt;
mod balancer;
mod client_stream;
mod coarse_clock;
mod connect;
mod connection;
mod connection_limit;
mod connections;
mod dataplane;
mod deadline;
mod directives;
mod disk;
mod dns;
mod draining;
mod endpoint;
mod error;
mod exchange;
mod expectation;
#[cfg(feature = "fault-injection")]
mod fault;
mod forward;
#[cfg(test)]
mod fuzz;
mod grpc;
mod guarded_io;
mod head;
mod health_record;
mod link;
mod listener;
mod live;
mod live_listener;
mod local;
mod mask;
mod metrics;
mod multiplexed;
mod node;
mod outgoing;
mod outlier;
mod pool;
mod proof;
mod proxy;
mod proxy_protocol;
mod reception;
mod redirect;
mod request_body;
mod request_bounds;
mod response_body;
mod retry;
mod sample;
mod session;
mod shared;
mod stats;
mod stream;
mod tap;
#[cfg(test)]
mod testing;
mod tls;
mod totals;
mod trace;
mod tracked_io;
mod traffic;
mod tunnel;
mod turns;
mod worker;

pub use args::{ListenOverride, NodeArgs};
pub use dataplane::{DataPlane, Options};
pub use proof::{Proof, ProofArgs};
pub use session::{ControllerLink, FirstSnapshot};
