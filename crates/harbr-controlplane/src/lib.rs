//! The controller: watches a file, keeps revisions, probes endpoints, tells nodes, answers operators.
//!
//! It never sees user traffic. In the order of a change, each stage hands a whole value to the next:
//!
//! - `watch`: what the file holds, once it rests → a reading.
//! - `intake`: reading → [`harbr_config`] → `revision`, or a reason why not.
//! - `rollout`: to which nodes next, or back, as the fleet and its traffic (`gate`) look; pure. The `conductor` has it
//!   look.
//! - `ledger`: what each node should serve, kept in the `store` before any is told.
//! - `health`: the one prober of the fleet, beside revisions.
//! - `session`: one stream per node; brings it to what the ledger says; notes in the `fleet` what it makes of it.
//! - `orders`: what operators want beside the file: `drains`, and the `tokens` by which nodes `join`.
//! - `inquiry`: what operators ask nodes about their traffic.
//! - `server`: who may connect, as whom (`caller`), and what each may call.
//! - `observe`: what the last minutes were like, for people.
//! - `admin`: what operators ask; `dashboard`: the same as a page; `gauges` and `metrics`: what is scraped.
//!
//! [`Controller`] puts them together.

mod admin;
mod args;
mod caller;
mod check;
mod conductor;
mod controller;
mod dashboard;
mod drains;
mod fleet;
mod gate;
mod gauges;
mod health;
mod inquiry;
mod intake;
mod join;
mod ledger;
mod metrics;
mod observe;
mod orders;
mod revision;
mod rollout;
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
