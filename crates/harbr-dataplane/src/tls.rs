//! TLS on both sides: one provider, TLS 1.2 and 1.3, no early data.

mod certificates;
mod client;
mod server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;

pub(crate) use client::{client_config, server_name};
pub(crate) use server::{InvalidTls, ServerTls};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
