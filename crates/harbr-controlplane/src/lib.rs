//! The controller: watches a file, keeps revisions, probes endpoints, tells nodes, answers operators.
//!
//! It never sees user traffic. In the order of a change, each stage hands a whole value to the next:
//!
//! - `watch`: what the file holds, once it rests → a reading.
//! - `intake`: reading → [`harbr_config`] → `revision`, or a reason why not.
//! - `ledger`: what the fleet should serve, numbered and fenced by the `store`.
//! - `health`: the one prober of the fleet, beside revisions.
//! - `session`: one stream per node; brings it to what the ledger says; notes in the `fleet` what it makes of it.
//! - `orders`: what operators want beside the file: `drains`, and the `tokens` by which nodes `join`.
//! - `server`: who may connect, as whom (`caller`), and what each may call.
//! - `admin`: what operators ask; `gauges` and `metrics`: what is scraped.
//!
//! [`Controller`] puts them together.

mod admin;
mod args;
mod caller;
mod check;
mod controller;
mod drains;
mod fleet;
mod gauges;
mod health;
mod intake;
mod join;
mod ledger;
mod metrics;
mod orders;
mod revision;
mod server;
mod session;
mod store;
#[cfg(test)]
mod testing;
mod tokens;
mod watch;

pub use args::{ControllerArgs, Options};
pub use check::check_file;
pub use controller::{Controller, Reload};
