//! What a file becomes, from outside: by example, by truncation, and by chance.

mod docs;
mod dump;
mod golden;
mod limits;
mod mutation;
mod properties;
mod schema;
mod seed;
mod truncation;
