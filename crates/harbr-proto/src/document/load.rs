use std::time::Duration;

use serde::Serialize;

use crate::v1;

/// Per second, and in milliseconds. Null: nothing was answered.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct LoadDocument {
    pub request_rate: f64,
    pub error_rate: f64,
    pub retry_rate: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

impl From<v1::Load> for LoadDocument {
    fn from(load: v1::Load) -> Self {
        let millis = |latency: prost_types::Duration| {
            Duration::try_from(latency).ok().map(|latency| latency.as_secs_f64() * 1_000.0)
        };
        Self {
            request_rate: load.request_rate,
            error_rate: load.error_rate,
            retry_rate: load.retry_rate,
            p50_ms: load.p50.and_then(millis),
            p99_ms: load.p99.and_then(millis),
        }
    }
}
