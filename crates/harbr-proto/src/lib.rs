//! The wire: types generated from `proto/`, and the model to them and back.
//!
//! The only crate that knows protobuf. It reads no files and no YAML.
//!
//! Reading order: [`v1`] is what is sent; [`EncodedSnapshot`] is a snapshot as bytes with a hash, its pieces
//! and its changes; `decode` and `encode` are the two ways between `v1` and [`harbr_model`]; [`Fence`] orders
//! what a node obeys; [`LatencyHistogram`] is how long requests took, as nodes report it.

mod assembly;
mod batches;
mod bytes_form;
mod convert;
mod decode;
pub mod document;
mod encode;
mod features;
mod latency;
mod masked;
mod snapshot;
mod table;

pub use assembly::{Assembly, InvalidChunk, MAX_SNAPSHOT_BYTES};
pub use batches::batches;
pub use bytes_form::InvalidSnapshotBytes;
pub use convert::{Fence, health_from_wire, health_to_wire};
pub use decode::InvalidResource;
pub use features::{FEATURES, TRAFFIC_SAMPLE, features_of};
pub use latency::{InvalidHistogram, LatencyHistogram};
pub use snapshot::{EncodedSnapshot, SnapshotHash};
pub use table::{route_status, table};

/// The version of the schema that this build speaks, shown in a `Hello`.
pub const SCHEMA_VERSION: u32 = 1;

/// The generated types of package `harbr.v1`.
#[allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::wildcard_enum_match_arm,
    missing_debug_implementations,
    reason = "generated"
)]
pub mod v1 {
    tonic::include_proto!("harbr.v1");
}
