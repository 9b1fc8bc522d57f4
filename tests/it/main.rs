//! The product from outside: real binaries on loopback. Each file has one subject.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this is test code")]

/// Runs a test over both shapes: separate processes, and one.
macro_rules! over_both_shapes {
    ($($(#[$attribute:meta])* async fn $name:ident($shape:ident: Shape) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn test($shape: Shape) $body

            #[tokio::test]
            async fn split() {
                test(Shape::Split).await;
            }

            #[tokio::test]
            async fn all_in_one() {
                test(Shape::AllInOne).await;
            }
        }
    )+};
}

mod file;

mod access_log;
mod audit;
mod capability;
mod connect;
mod connections;
mod controller_loss;
mod dashboard;
mod dashboard_scale;
mod dashboard_views;
mod directives;
mod documents;
mod drain;
mod endpoint_names;
mod endurance;
mod events;
mod explain;
mod forwarding;
mod grpc;
mod harness;
mod headers;
mod health;
mod hostile_requests;
mod http1;
mod http2_floods;
mod http2_frames;
mod http2_requests;
mod http2_upstreams;
mod join;
mod large_files;
mod leaving;
mod limits;
mod listeners;
mod metrics;
mod mortal;
mod node_socket;
mod operator;
mod outliers;
mod parked;
mod plan;
mod proxy_protocol;
mod reload;
mod retries;
mod rollout;
mod routing;
mod seed_page;
mod shutdown;
mod slow_clients;
mod soak;
mod startup;
mod streaming;
mod timeouts;
mod tls;
mod top;
mod tracing;
mod trailers;
mod truncation;
mod trust;
mod truth;
mod tunnels;
mod uploads;
mod upstream_tls;
