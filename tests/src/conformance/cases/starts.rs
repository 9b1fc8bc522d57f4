//! Request lines, hosts, and how long a connection lasts.

use super::super::case::{Case, asked, case, passed, refused};
use super::get;

const LINE: &str = "RFC 9112, 3";
const VERSION: &str = "RFC 9112, 2.3";
const HOST: &str = "RFC 9112, 3.2";
const PERSISTENCE: &str = "RFC 9112, 9.3";

pub(super) fn cases() -> Vec<Case> {
    [lines(), hosts(), connections()].concat()
}

#[rustfmt::skip]
fn lines() -> Vec<Case> {
    let line = |line: &str| format!("{line}\r\nHost: a.test\r\n\r\n");
    vec![
        passed("a plain GET", LINE, get("/x"), asked("GET /x")),
        passed("empty lines before a request", "RFC 9112, 2.2", format!("\r\n\r\n{}", get("/x")), asked("GET /x")),
        passed("a method that nobody knows", "RFC 9110, 9.1", line("FROB /x HTTP/1.1"), asked("FROB /x")),
        passed("a method in lower case is another method", "RFC 9110, 9.1", line("get /x HTTP/1.1"), asked("get /x")),
        refused(400, "a method with a parenthesis", "RFC 9110, 9.1", line("GE(T /x HTTP/1.1")),
        refused(400, "no method", LINE, line(" /x HTTP/1.1")),
        refused(400, "two spaces after the method", LINE, line("GET  /x HTTP/1.1")),
        refused(400, "two spaces before the version", LINE, line("GET /x  HTTP/1.1")),
        refused(400, "a space after the version", LINE, line("GET /x HTTP/1.1 ")),
        refused(400, "a tab in place of a space", LINE, line("GET\t/x HTTP/1.1")),
        refused(400, "a space within the target", LINE, line("GET /x y HTTP/1.1")),
        refused(400, "a request line that ends in a bare LF", "RFC 9112, 2.2", "GET /x HTTP/1.1\nHost: a.test\r\n\r\n"),
        refused(400, "a bare LF before the request", "RFC 9112, 2.2", format!("\n{}", get("/x"))),
        refused(400, "a bare CR within the request line", "RFC 9112, 2.2", line("GET /x\r HTTP/1.1")),
        refused(400, "a request without a version", "RFC 9112, appendix C.1", "GET /x\r\n\r\n"),
        refused(400, "HTTP/1.2 is not known", VERSION, line("GET /x HTTP/1.2")),
        refused(400, "HTTP/2.0 on a line", VERSION, line("GET /x HTTP/2.0")),
        refused(400, "a version with two digits", VERSION, line("GET /x HTTP/1.10")),
        refused(400, "a version in lower case", VERSION, line("GET /x http/1.1")),
        refused(400, "another protocol's name", VERSION, line("GET /x ICY/1.1")),
        refused(400, "what is no HTTP at all", LINE, "\x16\x03\x01\x02\r\n\r\n"),
        refused(405, "TRACE is off", "RFC 9110, 9.3.8", line("TRACE /x HTTP/1.1")).open(),
        refused(405, "TRACE shows no Max-Forwards either", "RFC 9110, 7.6.2", "TRACE /x HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n").open(),
        case(
            "CONNECT opens no tunnel",
            "RFC 9110, 9.3.6; CVE-2025-64763",
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n",
        )
        .answer(405)
        .answer(200)
        .arrives(asked("GET /smuggled"))
        .either(),
    ]
}

#[rustfmt::skip]
fn hosts() -> Vec<Case> {
    let with = |host: &str| format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let to = |host: &'static str| asked("GET /x").host(host);
    let mut cases = vec![
        refused(400, "no host", HOST, "GET /x HTTP/1.1\r\n\r\n"),
        refused(400, "two equal hosts", HOST, "GET /x HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"),
        refused(400, "two different hosts", HOST, "GET /x HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"),
        refused(400, "a host on a folded line", "RFC 9112, 5.2", "GET /x HTTP/1.1\r\nHost:\r\n a.test\r\n\r\n"),
        passed("a host with a port", HOST, with("a.test:8080"), to("a.test:8080")),
        passed("a host with an empty port", "RFC 3986, 3.2.3", with("a.test:"), to("a.test:")),
        passed("an IPv6 address as host", "RFC 3986, 3.2.2", with("[::1]:80"), to("[::1]:80")),
        passed("a host in upper case", "RFC 3986, 3.2.2", with("A.TEST"), to("A.TEST")),
        passed("a host with an underscore", "RFC 3986, 3.2.2", with("a_b.test"), to("a_b.test")),
        case("HTTP/1.0 without a host", "RFC 9112, 3.2", "GET /x HTTP/1.0\r\n\r\n").answer(200).closed().arrives(asked("GET /x").any_host()),
        refused(400, "HTTP/1.0 with two hosts", HOST, "GET /x HTTP/1.0\r\nHost: a.test\r\nHost: b.test\r\n\r\n"),
    ];
    for (name, host) in [
        ("an empty host", ""),
        ("a host with a space", "a b"),
        ("a host with a path", "a/b"),
        ("a host with a user", "u@a.test"),
        ("a host with a query", "a?b"),
        ("a host with a fragment", "a#b"),
        ("a host with letters for a port", "a:80x"),
        ("a host with a sign before its port", "a:+80"),
        ("a host with a port beyond all ports", "a:65536"),
        ("a host with two ports", "a:80:80"),
        ("two hosts on one line", "a.test, b.test"),
        ("a host with a quotation mark", "a\".test"),
        ("a host with an open bracket", "[::1"),
        ("a host with text after the bracket", "[::1]x"),
        ("a host in brackets that is no address", "[a.test]"),
        ("a host with a backslash", "a\\b"),
        ("a host of an absolute URL", "http://a.test"),
    ] {
        cases.push(refused(400, name, HOST, with(host)));
    }
    cases
}

#[rustfmt::skip]
fn connections() -> Vec<Case> {
    let once = |version: &str, line: &str| format!("GET /x {version}\r\nHost: a.test\r\n{line}\r\n");
    vec![
        case("two requests in one segment", "RFC 9112, 9.3.2", format!("{}{}", get("/1"), get("/2")))
            .answer_is(200, "GET /1")
            .answer_is(200, "GET /2")
            .arrives(asked("GET /1"))
            .arrives(asked("GET /2")),
        case("a request right behind a body", "RFC 9112, 9.3.2", format!("POST /1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello{}", get("/2")))
            .answer_is(200, "POST /1")
            .answer_is(200, "GET /2")
            .arrives(asked("POST /1").body("hello"))
            .arrives(asked("GET /2")),
        case("a bad request behind a good one", "RFC 9112, 9.3.2", format!("{}GET /#f HTTP/1.1\r\nHost: a.test\r\n\r\n", get("/1")))
            .answer_is(200, "GET /1")
            .answer(400)
            .closed()
            .arrives(asked("GET /1")),
        case("a client that asks to close", PERSISTENCE, once("HTTP/1.1", "Connection: close\r\n")).answer(200).closed().arrives(asked("GET /x")),
        case("HTTP/1.0 closes", PERSISTENCE, once("HTTP/1.0", "")).answer(200).closed().arrives(asked("GET /x")),
        case("HTTP/1.0 may stay open", PERSISTENCE, once("HTTP/1.0", "Connection: keep-alive\r\n")).answer(200).arrives(asked("GET /x")),
        case("close wins over keep-alive", "RFC 9112, 9.6", once("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n")).answer(200).closed().arrives(asked("GET /x")),
        case("half a head and the end", "RFC 9112, 8", "GET /x HTTP/1.1\r\nHost: a.t").finishes().closed(),
        case("a client that sends FIN and waits", "RFC 9112, 9.6", get("/x")).finishes().answer(200).closed().arrives(asked("GET /x")),
    ]
}
