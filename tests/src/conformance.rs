//! HTTP/1.1 in bytes: each case says what a client sends, what an upstream says, and what must come of it on both
//! sides. The cases know no proxy, so that any can be held against them.
//!
//! Reading order: a [`Case`] and its builder; [`cases_of`] each of the [`SUBJECTS`]; [`Bench`] runs one; a
//! `Wire` reads messages without mercy.

mod case;
mod cases;
mod origin;
mod run;
mod wire;

pub use case::{Case, Exactness};
pub use cases::{SUBJECTS, cases_of};
pub use origin::ScriptedOrigin;
pub use run::Bench;
