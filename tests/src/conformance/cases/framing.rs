//! Where a body ends: one length, or chunked, or refused.

use super::super::case::{Case, asked, passed, refused};
use super::{get_with, post_with};

const BOTH: &str = "RFC 9112, 6.1 and 6.3";
const LENGTH: &str = "RFC 9110, 8.6";
const CODING: &str = "RFC 9112, 6.1 and 7";
const SMUGGLED: &str = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";

#[rustfmt::skip]
pub(super) fn cases() -> Vec<Case> {
    let x = || asked("POST /x").body("hello");
    let mut cases = vec![
        refused(400, "a length, then a coding", BOTH, post_with("Content-Length: 5\r\nTransfer-Encoding: chunked", SMUGGLED)),
        refused(400, "a coding, then a length", BOTH, post_with("Transfer-Encoding: chunked\r\nContent-Length: 5", SMUGGLED)),
        refused(400, "no length and a coding", BOTH, post_with("Content-Length: 0\r\nTransfer-Encoding: chunked", SMUGGLED)),
        refused(400, "a bad length beside a coding", BOTH, post_with("Transfer-Encoding: chunked\r\nContent-Length: x", SMUGGLED)),
        refused(400, "two equal lengths", LENGTH, post_with("Content-Length: 5\r\nContent-Length: 5", "hello")),
        refused(400, "two different lengths", "RFC 9112, 6.3", post_with("Content-Length: 5\r\nContent-Length: 6", "hello!")),
        refused(400, "a length of a GET and a coding", BOTH, get_with("Content-Length: 5\r\nTransfer-Encoding: chunked")),
        refused(400, "HTTP/1.0 with a coding", "RFC 9112, 6.1; CVE-2026-2835", format!("POST /x HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{SMUGGLED}")),
        passed("a length", LENGTH, post_with("Content-Length: 5", "hello"), x()),
        passed("a length with zeros before it", LENGTH, post_with("Content-Length: 005", "hello"), x()),
        passed("spaces around a length", LENGTH, post_with("Content-Length:   5  ", "hello"), x()),
        passed("a length of nothing", LENGTH, post_with("Content-Length: 0", ""), asked("POST /x").own("content-length: 0")),
        passed("a POST without a body", "RFC 9112, 6.3", "POST /x HTTP/1.1\r\nHost: a.test\r\n\r\n", asked("POST /x").lacks("transfer-encoding")),
        passed("a coding in mixed case", CODING, post_with("Transfer-Encoding: ChunKed", "5\r\nhello\r\n0\r\n\r\n"), x()),
        passed("spaces around a coding", CODING, post_with("Transfer-Encoding:  chunked ", "5\r\nhello\r\n0\r\n\r\n"), x()),
        passed("a GET with a length", "RFC 9110, 9.3.1; CVE-2020-35863", get_with("Content-Length: 5") + "hello", asked("GET /x").body("hello")),
        passed("a GET with chunks", "RFC 9110, 9.3.1", get_with("Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n", asked("GET /x").body("hello")),
        passed("a name that only looks like a length", LENGTH, post_with("Content_Length: 9\r\nX-Content-Length: 9\r\nContent-Length: 5", "hello"), x().field("content_length: 9").field("x-content-length: 9")),
        passed("HTTP/1.0 with a length", "RFC 9112, 6.3", "POST /x HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", x()),
    ];
    for (name, length) in [
        ("a length with a plus", "+5"),
        ("a length with a minus", "-5"),
        ("a length in hexadecimal", "0x5"),
        ("a length of two numbers", "5 5"),
        ("an empty length", ""),
        ("a length with a point", "5.0"),
        ("a length with an exponent", "5e0"),
        ("a length behind a vertical tab", "\x0b5"),
        ("a length beyond 64 bits", "18446744073709551621"),
        ("the last length of 64 bits", "18446744073709551615"),
        ("a list of equal lengths", "5, 5"),
        ("a list of different lengths", "5, 6"),
        ("a length and a comma", "5,"),
        ("a length in quotation marks", "\"5\""),
        ("a length with a parameter", "5;x"),
        ("a length in other digits", "٥"),
    ] {
        let rule = "RFC 9110, 8.6; CVE-2021-32715, CVE-2023-40225";
        cases.push(refused(400, name, rule, post_with(&format!("Content-Length: {length}"), "hello")));
    }
    for (name, coding) in [
        ("a coding that nobody knows", "xchunked"),
        ("chunked and then another", "chunked, identity"),
        ("another and then chunked", "identity, chunked"),
        ("compressed and chunked", "gzip, chunked"),
        ("chunked twice", "chunked, chunked"),
        ("chunked on the second of two lines", "identity\r\nTransfer-Encoding: chunked"),
        ("chunked on the first of two lines", "chunked\r\nTransfer-Encoding: identity"),
        ("chunked on both of two lines", "chunked\r\nTransfer-Encoding: chunked"),
        ("a coding behind a vertical tab", "\x0bchunked"),
        ("a coding in quotation marks", "\"chunked\""),
        ("a coding with a parameter", "chunked;q=1"),
        ("an empty coding", ""),
        ("a coding and a comma", "chunked,"),
        ("a coding with a NUL", "chunked\0"),
        ("a coding on a folded line", "\r\n chunked"),
        ("identity alone", "identity"),
        ("a coding with letters from elsewhere", "chun\u{212a}ed"),
    ] {
        let rule = "RFC 9112, 6.1 and 6.3; CVE-2021-21299";
        cases.push(refused(400, name, rule, post_with(&format!("Transfer-Encoding: {coding}"), SMUGGLED)));
    }
    cases
}
