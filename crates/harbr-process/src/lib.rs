//! What a process has one of: logs, a metrics recorder, an admin HTTP server, signals, supervised tasks.
//!
//! Every binary of ours is put together from these. Nothing here knows a route or a snapshot.
//!
//! Reading order: [`Tasks`] is the life of a process; [`Signals`] end it; [`LogArgs`], [`Metrics`] and
//! [`panics`](fn@panics) say how it fares; [`AdminServer`] shows that to probes and scrapers; [`StateDir`] is what it keeps;
//! [`raise_descriptor_limit`] and [`worker_threads`] are what it takes from the machine.

mod admin;
mod duration;
mod exit;
mod logs;
mod metrics;
mod panics;
mod readiness;
mod resources;
mod signals;
mod state_dir;
mod tasks;

pub use admin::{AdminPages, AdminServer, BindError};
pub use duration::parse_duration;
pub use exit::{UsageError, exit_code};
pub use logs::{InvalidLogs, LogArgs, LogFormat, init_logs};
pub use metrics::{Metrics, RecorderInstalled};
pub use panics::panics;
pub use readiness::probe_readiness;
pub use resources::{InvalidThreads, raise_descriptor_limit, refuse_huge_pages, worker_threads};
pub use signals::{Hangup, Signals, Termination};
pub use state_dir::{StateDir, StateDirError};
pub use tasks::{FailureRule, TaskError, Tasks};

/// The version of every program of this workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
