//! What a file becomes, from outside: by example, by truncation, and by chance.

mod docs;
mod dump;
mod golden;
mod limits;
mod properties;
mod seed;
mod truncation;
