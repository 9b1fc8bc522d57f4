//! HTTP/2 as bytes: frames that say exactly what a test wants, also what no client would send.

mod client;
mod frame;
mod hpack;

pub use client::{Answer, Http2Client, Outcome};
pub use frame::{Frame, Kind, flag};
pub use hpack::Fields;
