//! The cases by subject. A row: what is special, the rule, the bytes, and what must come of them.

mod bodies;
mod fields;
mod framing;
mod hops;
mod responses;
mod starts;
mod targets;

use super::case::Case;

/// What the cases are about; each subject is a list of its own.
pub const SUBJECTS: [&str; 8] =
    ["starts", "targets", "fields", "framing", "bodies", "hops", "responses", "reuse"];

/// # Panics
/// If there is no such subject.
#[must_use]
pub fn cases_of(subject: &str) -> Vec<Case> {
    match subject {
        "starts" => starts::cases(),
        "targets" => targets::cases(),
        "fields" => fields::cases(),
        "framing" => framing::cases(),
        "bodies" => bodies::cases(),
        "hops" => hops::cases(),
        "responses" => responses::cases(),
        "reuse" => responses::reuse(),
        other => panic!("no cases are about {other}"),
    }
}

/// A GET with this target, of a well-behaved client.
fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n")
}

/// `GET /x` with these lines.
fn get_with(lines: &str) -> String {
    format!("GET /x HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n\r\n")
}

/// `POST /x` with these lines and this body.
fn post_with(lines: &str, body: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n\r\n{body}")
}
