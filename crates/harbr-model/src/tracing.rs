use crate::{EndpointUrl, SampleShare};

/// Where spans of requests go, and of which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracing {
    /// A collector that speaks OTLP over gRPC.
    pub endpoint: EndpointUrl,
    /// Of the requests for which no trusted proxy has decided.
    pub sample: SampleShare,
    pub service_name: String,
}

impl Tracing {
    /// As long as nothing else is said.
    pub const SERVICE_NAME: &str = "harbr-router";
}
