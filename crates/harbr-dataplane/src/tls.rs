//! TLS on both sides of a node: what is built from a snapshot off the workers, and looked at by them.

mod certificates;
mod facts;
mod server;
mod upstream;

pub(crate) use facts::{ClientTls, expires_at};
pub(crate) use server::ServerTls;
pub(crate) use upstream::{H2, UpstreamTls, default_client_config, offering};
