//! Header lines: their syntax and their limits.

use super::super::case::{Case, asked, passed, refused};
use super::{get_with, post_with};

const SYNTAX: &str = "RFC 9112, 5";
const FOLD: &str = "RFC 9112, 5.2";
const VALUE: &str = "RFC 9110, 5.5";
const LINE_END: &str = "RFC 9112, 2.2";

#[rustfmt::skip]
pub(super) fn cases() -> Vec<Case> {
    let x = || asked("GET /x");
    vec![
        passed("no space after the colon", SYNTAX, get_with("X-A:1"), x().field("x-a: 1")),
        passed("spaces around a value", SYNTAX, get_with("X-A: \t 1 \t "), x().field("x-a: 1")),
        passed("an empty value", VALUE, get_with("X-A:"), x().field("x-a: ")),
        passed("a tab within a value", VALUE, get_with("X-A: 1\t2"), x().field("x-a: 1\t2")),
        passed("all that a name may have", "RFC 9110, 5.1", get_with("X!#$%&'*+-.^_`|~9: 1"), x().field("x!#$%&'*+-.^_`|~9: 1")),
        passed("lines of one name keep their order", "RFC 9110, 5.3", get_with("X-A: 1\r\nX-A: 2"), x().field("x-a: 1").field("x-a: 2")),
        passed("a value with a colon", VALUE, get_with("X-A: b: c"), x().field("x-a: b: c")),
        passed("a value beyond ASCII", VALUE, get_with("X-A: ä"), x().field("x-a: ä")),
        refused(400, "a space before the colon", "RFC 9112, 5.1", get_with("X-A : 1")),
        refused(400, "a length with a space before its colon", "RFC 9112, 5.1; CVE-2019-16869", post_with("Content-Length : 5", "hello")),
        refused(400, "a coding with a space before its colon", "RFC 9112, 5.1; CVE-2019-16276", post_with("Transfer-Encoding : chunked", "0\r\n\r\n")),
        refused(400, "a space within a name", "RFC 9110, 5.1", get_with("X A: 1")),
        refused(400, "no name", "RFC 9110, 5.1; CVE-2023-25725", get_with(": 1")),
        refused(400, "no colon", SYNTAX, get_with("X-A")),
        refused(400, "a name beyond ASCII", "RFC 9110, 5.1", get_with("X-ä: 1")),
        refused(400, "a NUL in a name", "RFC 9110, 5.1", get_with("X-\0A: 1")),
        refused(400, "a name with a slash", "RFC 9110, 5.1", get_with("X/A: 1")),
        refused(400, "a NUL in a value", VALUE, get_with("X-A: 1\x002")),
        refused(400, "a control character in a value", VALUE, get_with("X-A: 1\x012")),
        refused(400, "a DEL in a value", VALUE, get_with("X-A: 1\x7f2")),
        refused(400, "a bare CR in a value", LINE_END, get_with("X-A: 1\rTransfer-Encoding: chunked")),
        refused(400, "a bare LF between lines", LINE_END, get_with("X-A: 1\nX-B: 2")),
        refused(400, "a bare LF that hides a coding", "RFC 9112, 2.2 and 11.2", get_with("X-A: 1\nTransfer-Encoding: chunked")),
        refused(400, "a head that ends in a bare LF", LINE_END, "GET /x HTTP/1.1\r\nHost: a.test\r\n\n"),
        refused(400, "bare LFs only", LINE_END, "GET /x HTTP/1.1\nHost: a.test\n\n"),
        refused(400, "a folded line", FOLD, get_with("X-A: 1\r\n 2")),
        refused(400, "a line folded by a tab", FOLD, get_with("X-A: 1\r\n\t2")),
        refused(400, "a first line that begins with a space", "RFC 9112, 2.2", "GET /x HTTP/1.1\r\n X-A: 1\r\nHost: a.test\r\n\r\n"),
        refused(400, "a fold of spaces only", FOLD, get_with("X-A: 1\r\n   ")),
        refused(431, "more lines than the limit", "RFC 6585, 5", get_with(&many(200))),
        refused(431, "a line beyond the limit", "RFC 6585, 5", get_with(&format!("X-A: {}", "x".repeat(80 * 1024)))),
        refused(431, "lines beyond the limit together", "RFC 6585, 5", get_with(&format!("X: {}\r\n", "x".repeat(2_000)).repeat(40))),
    ]
}

fn many(lines: usize) -> String {
    (0..lines).map(|number| format!("X-{number}: 1\r\n")).collect::<String>().trim_end().to_owned()
}
