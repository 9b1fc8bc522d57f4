//! The test harness: real binaries, scriptable upstreams, and clients that say exactly what they send.
//!
//! Reading order: a [`Fleet`] is a controller and its nodes on a [`ConfigFile`], as separate processes or as one; an
//! [`Origin`] is an upstream that echoes or does what it is told, a [`ClosedPort`] one that is not there; a [`Client`]
//! and a [`RawClient`] are downstreams, [`http2`] has one that sends frames; a [`Load`] is many of them; a [`Browser`]
//! is a person, as is who sits at a [`Terminal`]; a [`ScriptedController`] tells a node what a test says,
//! [`SimulatedNodes`] are what a controller sees of a thousand; a [`Collector`] takes spans; [`conformance`] has HTTP/1.1
//! in bytes. [`eventually()`] waits for what happens in the background.
//!
//! All of it is for tests: it panics with what it saw, so that a failure explains itself.

mod body;
mod browser;
mod client;
mod closed_port;
mod collector;
mod config_file;
pub mod conformance;
mod eventually;
mod exposition;
mod fleet;
pub mod grpc;
pub mod http2;
mod load;
mod origin;
mod pki;
mod process;
mod program;
mod raw;
mod scripted_controller;
mod simulated_nodes;
mod terminal;
mod tls;

pub use body::{TestBody, chunks, empty, fnv1a, full, stream};
pub use browser::{Browser, Look};
pub use client::{Client, NotAnswered, Reply, get, request, send};
pub use closed_port::ClosedPort;
pub use collector::{Collector, Span, SpanText};
pub use config_file::{ConfigFile, KubernetesMount};
pub use eventually::{GENEROUS, eventually, never};
pub use exposition::Exposition;
pub use fleet::{Controller, Fleet, Node, NodeInfo, Plan, Shape};
pub use load::{Load, LoadReport};
pub use origin::{Answer, Echo, Origin, RawOrigin, Seen};
pub use pki::{Paths, Pki};
pub use process::{Ended, Process, Signal};
pub use program::Program;
pub use raw::{RawClient, read_head};
pub use scripted_controller::{ScriptedController, ScriptedSession, snapshot};
pub use simulated_nodes::SimulatedNodes;
pub use terminal::Terminal;
pub use tls::{Pair, TestAuthority, TlsClient};
