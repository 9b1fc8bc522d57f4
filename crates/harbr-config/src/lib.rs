//! YAML text → [`Snapshot`](harbr_model::Snapshot), with diagnostics that point.
//!
//! Pure: the bytes of files go in, values come out. This crate opens no file, knows no network and no clock: which
//! files a text names (`files`), it says, and whoever reads them gives it their bytes.
//!
//! In the order in which a text passes through:
//!
//! - `tree`: YAML events → a tree that knows where each key and value stands.
//! - `raw`: the format, as serde types; `read`: text → raw types, in step with the tree.
//! - `schema`: the raw types as a JSON Schema, for editors and for `docs/configuration.md`.
//! - `build`: raw types → model, and all rules about values; `units`: durations and sizes; `suggest`: "did
//!   you mean".
//! - `lint`: what a good file says and probably does not mean.
//! - `code`, `diagnostic`, `position`, `render`, `mask`: what is wrong, where, and how a person sees it.
//!
//! Nothing stops at the first error: each stage skips what is wrong and goes on. Of a text that is no YAML,
//! `salvage` checks the parts that are. Only a file without any error becomes a [`Config`]; warnings refuse none.

mod build;
mod code;
mod diagnostic;
mod files;
mod lint;
mod mask;
mod parse;
mod position;
mod raw;
mod read;
mod render;
mod salvage;
mod schema;
mod suggest;
mod tree;
mod units;

pub use code::{Code, Severity, UnknownCode};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use files::{Files, MAX_NAMED_FILE_BYTES, named_files};
pub use parse::{Config, MAX_FILE_BYTES, Source, parse};
pub use position::{Position, Span};
pub use render::RenderStyle;
pub use schema::schema;
