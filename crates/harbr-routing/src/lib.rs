//! Which route answers a request, and as what it is forwarded. Pure: no I/O, no async, no clock.
//!
//! Reading order: [`normal_form`] brings a request's path to the one form that is matched *and* forwarded;
//! [`RouteTable::find`] answers which route it is for, and [`RouteTable::explain`] why not another; [`forwarded_path`] says what the upstream is asked.
//! [`headers`] is what becomes of a head on the way, [`may_be_secret`] what of it nobody is shown. Proxies and operators' tools ask the same code.

pub mod headers;
mod path;
mod secret;
mod table;

pub use path::{InvalidPath, forwarded_path, normal_form};
pub use secret::may_be_secret;
pub use table::{Explanation, Found, Mismatch, Precedence, RequestHead, RouteTable, Verdict, mismatch};
