//! Chunks, trailers, and bodies that break off.

use super::super::case::{Case, asked, bad_body, case, passed};
use super::post_with;

const CHUNK: &str = "RFC 9112, 7.1";
const EXTENSION: &str = "RFC 9112, 7.1.1";
const TRAILER: &str = "RFC 9110, 6.5.1";
const FUNKY: &str = "RFC 9112, 7.1; CVE-2025-22871, CVE-2025-43859";

pub(super) fn cases() -> Vec<Case> {
    [good(), bad(), broken_off()].concat()
}

fn chunked(body: &str) -> String {
    post_with("Transfer-Encoding: chunked", body)
}

#[rustfmt::skip]
fn good() -> Vec<Case> {
    let x = || asked("POST /x").body("hello");
    let late = "X-Forwarded-For: 6.6.6.6\r\nHost: evil.test\r\nAuthorization: x\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\n\r\n";
    let named = "Transfer-Encoding: chunked\r\nTrailer: X-Sum, Host, Authorization, X-Forwarded-For, Content-Length";
    vec![
        passed("one chunk", CHUNK, chunked("5\r\nhello\r\n0\r\n\r\n"), x()),
        passed("several chunks", CHUNK, chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), x()),
        passed("no chunk", CHUNK, chunked("0\r\n\r\n"), asked("POST /x")),
        passed("a size with zeros before it", CHUNK, chunked("0005\r\nhello\r\n000\r\n\r\n"), x()),
        passed("a size in upper case", CHUNK, chunked("A\r\nhellohello\r\n0\r\n\r\n"), asked("POST /x").body("hellohello")),
        passed("line ends within a chunk", CHUNK, chunked("5\r\n\r\n\n\r#\r\n0\r\n\r\n"), asked("POST /x").body("\r\n\n\r#")),
        passed("an extension goes no further", EXTENSION, chunked("5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n"), x()),
        passed("a trailer that was not named", TRAILER, chunked("5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n"), x().lacks("x-sum")),
        passed("a trailer", TRAILER, post_with("Transfer-Encoding: chunked\r\nTrailer: X-Sum", "5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n"), x().field("trailer: X-Sum").trailer("x-sum: 9")),
        passed("trailers that belong into the head", TRAILER, post_with(named, &format!("5\r\nhello\r\n0\r\nX-Sum: 9\r\n{late}")), x().field("trailer: X-Sum, Host, Authorization, X-Forwarded-For, Content-Length").trailer("x-sum: 9").lacks("authorization")),
        case("a request in a chunk is none", "RFC 9112, 11.2", chunked("2b\r\nGET /smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n\r\n0\r\n\r\n"))
            .answer(200)
            .arrives(asked("POST /x").body("GET /smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n")),
    ]
}

#[rustfmt::skip]
fn bad() -> Vec<Case> {
    vec![
        bad_body("a size beyond 64 bits", "RFC 9112, 7.1; CVE-2021-32714", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        bad_body("a size of many digits", "RFC 9112, 7.1; CVE-2021-32714", format!("{}\r\nhello\r\n0\r\n\r\n", "F".repeat(17))),
        bad_body("a size with a plus", CHUNK, "+5\r\nhello\r\n0\r\n\r\n"),
        bad_body("a size with a minus", CHUNK, "-5\r\nhello\r\n0\r\n\r\n"),
        bad_body("a size with 0x", CHUNK, "0x5\r\nhello\r\n0\r\n\r\n"),
        bad_body("a size with another letter", CHUNK, "5g\r\nhello\r\n0\r\n\r\n"),
        bad_body("a size with a NUL", CHUNK, "5\0\r\nhello\r\n0\r\n\r\n"),
        bad_body("no size", CHUNK, "\r\nhello\r\n0\r\n\r\n"),
        bad_body("a space before a size", CHUNK, " 5\r\nhello\r\n0\r\n\r\n"),
        bad_body("a size that ends in a bare LF", FUNKY, "5\nhello\r\n0\r\n\r\n"),
        bad_body("a size that ends in a bare CR", FUNKY, "5\rhello\r\n0\r\n\r\n"),
        bad_body("a chunk longer than its size", FUNKY, "5\r\nhelloXX0\r\n\r\n"),
        bad_body("a chunk that ends in a bare LF", FUNKY, "5\r\nhello\n0\r\n\r\n"),
        bad_body("a chunk that ends in a bare CR", FUNKY, "5\r\nhello\r0\r\n\r\n"),
        bad_body("a chunk that ends in two other bytes", FUNKY, "5\r\nhelloab0\r\n\r\n"),
        bad_body("an extension with a bare LF", "RFC 9112, 7.1.1; CVE-2025-55315", "5;a\nhello\r\n0\r\n\r\n"),
        bad_body("an extension with a bare CR", "RFC 9112, 7.1.1", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        bad_body("an extension without end", "RFC 9112, 7.1.1; CVE-2023-39326", format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(40_000))),
        bad_body("extensions without end", "RFC 9112, 7.1.1; CVE-2024-22019", format!("1;{}\r\nx\r\n", "a".repeat(1_000)).repeat(40) + "0\r\n\r\n"),
        bad_body("a last chunk that ends in a bare LF", FUNKY, "5\r\nhello\r\n0\n\r\n"),
        bad_body("trailers that end in a bare LF", FUNKY, "5\r\nhello\r\n0\r\nX-A: 1\n\r\n"),
        bad_body("a trailer without a colon", TRAILER, "5\r\nhello\r\n0\r\nX-A\r\n\r\n"),
        bad_body("a trailer with a NUL", TRAILER, "5\r\nhello\r\n0\r\nX-A: \0\r\n\r\n"),
        bad_body("a trailer without end", "RFC 9112, 7.1.2", format!("5\r\nhello\r\n0\r\nX-A: {}\r\n\r\n", "a".repeat(80_000))),
        bad_body("trailers without end", "RFC 9112, 7.1.2", format!("5\r\nhello\r\n0\r\n{}\r\n", "X-A: 1\r\n".repeat(300))),
    ]
}

#[rustfmt::skip]
fn broken_off() -> Vec<Case> {
    let cut = || asked("POST /x").cut_off().perhaps();
    vec![
        case("a body shorter than its length", "RFC 9112, 8", post_with("Content-Length: 50", "half of it")).finishes().answer(400).closed().arrives(cut()),
        case("a body without its last chunk", "RFC 9112, 8", chunked("5\r\nhello\r\n")).finishes().answer(400).closed().arrives(cut()),
        case("a body that ends within a chunk", "RFC 9112, 8", chunked("5\r\nhel")).finishes().answer(400).closed().arrives(cut()),
        case("a body that ends within a size", "RFC 9112, 8", chunked("5\r\nhello\r\n1")).finishes().answer(400).closed().arrives(cut()),
        case("a body that ends within its trailers", "RFC 9112, 8", chunked("5\r\nhello\r\n0\r\nX-A: 1\r\n")).finishes().answer(400).closed().arrives(cut()),
    ]
}
