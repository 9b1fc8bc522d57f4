//! Targets: one normal form, matched and forwarded.

use super::super::case::{Case, asked, case, passed, refused};
use super::get;

const NORMAL: &str = "RFC 3986, 6.2.2";
const ABSOLUTE: &str = "RFC 9112, 3.2.2";
const AMBIGUOUS: &str = "RFC 3986, 7.3; CVE-2019-9901, CVE-2021-29492";

#[rustfmt::skip]
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        refused(400, "a fragment", "RFC 9112, 3.2; CVE-2023-45539", get("/x#f")),
        refused(400, "a fragment behind the query", "RFC 9112, 3.2", get("/x?y#f")),
        refused(400, "a target without a slash", "RFC 9112, 3.2.1", get("x")),
        refused(400, "a target that is a host and a port", "RFC 9112, 3.2.3", get("a.test:80")),
        refused(400, "the asterisk with GET", "RFC 9112, 3.2.4", get("*")),
        case("the asterisk with OPTIONS is for no route", "RFC 9112, 3.2.4", "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n").answer(404),
        refused(414, "a target over 32 KiB", "RFC 9110, 15.5.15", get(&format!("/{}", "x".repeat(33 * 1024)))),
        refused(431, "a target over the limit of a head", "RFC 6585, 5", get(&format!("/{}", "x".repeat(80 * 1024)))),
        case("an absolute target that agrees with the host", ABSOLUTE, get("http://a.test/x?y")).answer(200).arrives(asked("GET /x?y")),
        case("an absolute target without a path", ABSOLUTE, get("http://a.test")).answer(200).arrives(asked("GET /")),
        case("an absolute target in upper case", ABSOLUTE, get("HTTP://A.TEST/x")).answer(200).arrives(asked("GET /x").host("A.TEST")),
        refused(400, "an absolute target that contradicts the host", ABSOLUTE, get("http://b.test/x")),
        refused(400, "an absolute target and no host", "RFC 9112, 3.2", "GET http://a.test/x HTTP/1.1\r\n\r\n"),
        refused(400, "an absolute target with a user", "RFC 9110, 4.2.4", "GET http://u@a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        refused(400, "an absolute target of another scheme", "RFC 9110, 4.2", get("ftp://a.test/x")),
        refused(400, "a NUL in the target", "RFC 9112, 3.2", get("/x\0y")),
        refused(400, "a DEL in the target", "RFC 9112, 3.2", get("/x\x7fy")),
        refused(400, "a vertical tab in the target", "RFC 9112, 3.2; CVE-2013-4547", get("/x\x0by")),
    ];
    for (name, sent, arrives) in [
        ("a dot segment", "/a/./b", "GET /a/b"),
        ("a double dot segment", "/a/../b", "GET /b"),
        ("an encoded dot segment", "/a/%2e%2E/b", "GET /b"),
        ("a half encoded dot segment", "/a/.%2e/b", "GET /b"),
        ("a dot segment at the end", "/a/b/..", "GET /a/"),
        ("three dots are a name", "/a/...", "GET /a/..."),
        ("an encoded letter", "/%61bc", "GET /abc"),
        ("an encoded tilde", "/%7Eme", "GET /~me"),
        ("an encoded slash stays", "/a%2fb", "GET /a%2Fb"),
        ("an encoded slash separates nothing", "/a%2f..%2fb", "GET /a%2F..%2Fb"),
        ("two slashes stay", "/a//b", "GET /a//b"),
        ("two slashes at the start stay", "//a/b", "GET //a/b"),
        ("a double dot takes an empty segment", "/a//../b", "GET /a/b"),
        ("an encoded percent sign stays", "/a%25%32%65", "GET /a%252e"),
        ("an encoded space stays", "/a%20b", "GET /a%20b"),
        ("encoded line ends stay encoded", "/a%0d%0ab", "GET /a%0D%0Ab"),
        ("letters beyond ASCII are escaped", "/é", "GET /%C3%A9"),
        ("a semicolon stays", "/a;x=1/b", "GET /a;x=1/b"),
        ("a query is left alone", "/x?a=../b&c=%2e%00//", "GET /x?a=../b&c=%2e%00//"),
        ("an empty query stays", "/x?", "GET /x?"),
        ("a second question mark is the query's", "/x?a?b", "GET /x?a?b"),
    ] {
        cases.push(passed(name, NORMAL, get(sent), asked(arrives)));
    }
    for (name, sent) in [
        ("a path above the root", "/../x"),
        ("a path above the root by encoding", "/%2e%2e/x"),
        ("a path above the root in the end", "/a/../../x"),
        ("a backslash", "/a\\b"),
        ("an encoded backslash", "/a%5cb"),
        ("a climb by backslash", "/a/..\\..\\x"),
        ("an encoded NUL", "/a%00b"),
        ("a percent sign alone", "/a%"),
        ("a percent sign and one digit", "/a%4"),
        ("a percent sign and no digits", "/a%zz"),
    ] {
        cases.push(refused(400, name, AMBIGUOUS, get(sent)));
    }
    cases
}
