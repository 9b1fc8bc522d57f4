//! Upstreams that are broken or hostile: 502, or a clean end; never garbage, never another's answer.

use super::super::case::{Case, answered, asked, bad_gateway, case};
use super::{get_with, post_with};

const STATUS: &str = "RFC 9112, 4";
const FIELDS: &str = "RFC 9112, 5; RFC 9110, 5.5";
const FRAMING: &str = "RFC 9112, 6.3";
const BODY: &str = "RFC 9112, 8";
const INTERIM: &str = "RFC 9110, 15.2";
const POISON: &str = "RFC 9112, 6.3 and 9.2";

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const EXTRA: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

pub(super) fn cases() -> Vec<Case> {
    [good(), starts(), fields(), framings(), interim()].concat()
}

fn ok_with(lines: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n{body}")
}

#[rustfmt::skip]
fn good() -> Vec<Case> {
    let te = || case("trailers that the client takes", "RFC 9110, 6.5.1", get_with("TE: trailers"));
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    let with_trailers = "5\r\nhello\r\n0\r\nX-Sum: 9\r\nSet-Cookie: a=b\r\nContent-Length: 1\r\n\r\n";
    vec![
        answered("a length", FRAMING, OK).answer_is(200, "ok"),
        answered("chunks", "RFC 9112, 7.1", ok_with("Transfer-Encoding: chunked", chunks)).answer_is(200, "hello"),
        answered("a body until the end", FRAMING, ok_with("X-A: 1", "hello")).and_closes().answer_is(200, "hello").with("x-a: 1"),
        answered("HTTP/1.0 with a length", "RFC 9110, 2.5", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello").and_closes().answer_is(200, "hello"),
        answered("HTTP/1.0 until the end", "RFC 9110, 2.5", "HTTP/1.0 200 OK\r\n\r\nhello").and_closes().answer_is(200, "hello"),
        answered("204", "RFC 9110, 15.3.5", "HTTP/1.1 204 No Content\r\n\r\n").answer_is(204, "").without("content-length").without("transfer-encoding"),
        answered("304 with the length of another", "RFC 9110, 8.6", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n").answer_is(304, ""),
        answered("a status that nobody knows", "RFC 9110, 15", "HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n").answer(299),
        answered("a status without a reason", STATUS, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").answer(200),
        answered("fields for one hop", "RFC 9110, 7.6.1", ok_with("Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nX-A: 1\r\nContent-Length: 0", "")).answer(200).with("x-a: 1").without("x-hop").without("keep-alive").without("proxy-connection"),
        case("HEAD with the length of a GET", "RFC 9110, 9.3.2", "HEAD /x HTTP/1.1\r\nHost: a.test\r\n\r\n").upstream_says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n").answer(200).with("content-length: 99").arrives(asked("HEAD /x")),
        te().upstream_says(ok_with("Transfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie, Content-Length", with_trailers)).answer_is(200, "hello").with_trailer("x-sum: 9").arrives(asked("GET /x").field("te: trailers")),
        answered("trailers that the client does not take", "RFC 9110, 6.5.1", ok_with("Transfer-Encoding: chunked\r\nTrailer: X-Sum", with_trailers)).answer_is(200, "hello"),
        case("chunks for HTTP/1.0", "RFC 9112, 7.1", "GET /x HTTP/1.0\r\nHost: a.test\r\n\r\n").upstream_says(ok_with("Transfer-Encoding: chunked", chunks)).answer_is(200, "hello").without("transfer-encoding").closed().arrives(asked("GET /x")),
    ]
}

#[rustfmt::skip]
fn starts() -> Vec<Case> {
    vec![
        bad_gateway("what is no HTTP", STATUS, "hello there\r\n\r\n").and_closes(),
        bad_gateway("nothing", BODY, "").and_closes(),
        bad_gateway("half a head", BODY, "HTTP/1.1 200 OK\r\nContent-Le").and_closes(),
        bad_gateway("a status of two digits", STATUS, "HTTP/1.1 20\r\n\r\n"),
        bad_gateway("a status of four digits", STATUS, "HTTP/1.1 2000 OK\r\n\r\n"),
        bad_gateway("a status with a letter", STATUS, "HTTP/1.1 2OO OK\r\n\r\n"),
        bad_gateway("a status below 100", STATUS, "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"),
        bad_gateway("another version", "RFC 9112, 2.3", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        bad_gateway("a version in lower case", STATUS, "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        bad_gateway("a NUL in the reason", STATUS, "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"),
        bad_gateway("HTTP/0.9", STATUS, "<html>hello</html>").and_closes(),
    ]
}

#[rustfmt::skip]
fn fields() -> Vec<Case> {
    let with = |line: &str| ok_with(&format!("{line}\r\nContent-Length: 2"), "ok");
    vec![
        bad_gateway("a NUL in a field", FIELDS, with("X-A: 1\x002")),
        bad_gateway("a bare CR in a field", FIELDS, with("X-A: 1\rX-B: 2")),
        bad_gateway("a control character in a field", FIELDS, with("X-A: \x01")),
        bad_gateway("a space before a field's colon", "RFC 9112, 5.1", with("X-A : 1")),
        bad_gateway("a folded field", "RFC 9112, 5.2", with("X-A: 1\r\n 2")),
        bad_gateway("a field without a name", FIELDS, with(": 1")),
        bad_gateway("a field without a colon", FIELDS, with("X-A")),
        bad_gateway("a field beyond the limit", "RFC 6585, 5", with(&format!("X-A: {}", "x".repeat(100_000)))),
        bad_gateway("more fields than the limit", "RFC 6585, 5", with(&["X-A: 1"; 300].join("\r\n"))),
    ]
}

#[rustfmt::skip]
fn framings() -> Vec<Case> {
    let chunked = |body: &str| ok_with("Transfer-Encoding: chunked", body);
    let mut cases = vec![
        bad_gateway("a length and a coding", FRAMING, ok_with("Content-Length: 2\r\nTransfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n")),
        bad_gateway("a coding and a length", FRAMING, ok_with("Transfer-Encoding: chunked\r\nContent-Length: 2", "2\r\nok\r\n0\r\n\r\n")),
        bad_gateway("two different lengths", FRAMING, ok_with("Content-Length: 2\r\nContent-Length: 3", "ok!")),
        bad_gateway("a list of lengths", FRAMING, ok_with("Content-Length: 2, 2", "ok")),
        bad_gateway("a length with a plus", FRAMING, ok_with("Content-Length: +2", "ok")),
        bad_gateway("a length below nothing", FRAMING, ok_with("Content-Length: -2", "ok")),
        bad_gateway("a length beyond 64 bits", FRAMING, ok_with("Content-Length: 18446744073709551618", "ok")),
        bad_gateway("an empty length", FRAMING, ok_with("Content-Length:", "ok")),
        bad_gateway("a coding that nobody knows", FRAMING, ok_with("Transfer-Encoding: gzip", "ok")).and_closes(),
        bad_gateway("a coding before chunked", FRAMING, ok_with("Transfer-Encoding: gzip, chunked", "2\r\nok\r\n0\r\n\r\n")),
        bad_gateway("chunked twice", FRAMING, ok_with("Transfer-Encoding: chunked, chunked", "2\r\nok\r\n0\r\n\r\n")),
        bad_gateway("HTTP/1.0 with a coding", "RFC 9112, 6.1", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").and_closes(),
        answered("a body shorter than its length", BODY, ok_with("Content-Length: 50", "half")).and_closes().cut_off(),
        answered("a body without its last chunk", BODY, chunked("4\r\nhalf\r\n")).and_closes().cut_off(),
        answered("a body that ends within a chunk", BODY, chunked("50\r\nhalf")).and_closes().cut_off(),
    ];
    for (name, body) in [
        ("a chunk size with another letter", "4g\r\nhalf\r\n0\r\n\r\n"),
        ("a chunk size with a sign", "+4\r\nhalf\r\n0\r\n\r\n"),
        ("a chunk size beyond 64 bits", "10000000000000004\r\nhalf\r\n0\r\n\r\n"),
        ("an empty chunk size", "\r\nhalf\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "4\r\nhalf and more\r\n0\r\n\r\n"),
        ("a chunk that ends in a bare LF", "4\r\nhalf\n0\r\n\r\n"),
        ("an extension with a bare LF", "4;a\nhalf\r\n0\r\n\r\n"),
    ] {
        cases.push(answered(name, "RFC 9112, 7.1", chunked(body)).bad_gateway_or_cut_off());
    }
    cases
}

#[rustfmt::skip]
fn interim() -> Vec<Case> {
    let behind = |interim: &str| format!("{interim}{OK}");
    vec![
        answered("100 that nobody asked for", INTERIM, behind("HTTP/1.1 100 Continue\r\n\r\n")).answer_is(200, "ok"),
        answered("102", INTERIM, behind("HTTP/1.1 102 Processing\r\n\r\n")).answer_is(200, "ok"),
        answered("103 twice", "RFC 8297", behind(&"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(2))).answer_is(200, "ok").without("link"),
        answered("100 with a length", INTERIM, behind("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n")).answer_is(200, "ok"),
        answered("a flood of 1xx", INTERIM, behind(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000))).answer_is(200, "ok"),
        bad_gateway("1xx and nothing more", INTERIM, "HTTP/1.1 100 Continue\r\n\r\n").and_closes(),
        bad_gateway("101 that nobody asked for", "RFC 9110, 7.8; CVE-2024-23326", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw"),
    ]
}

/// What could make one request's answer another's.
#[rustfmt::skip]
pub(super) fn reuse() -> Vec<Case> {
    vec![
        answered("an answer glued to another", POISON, format!("{OK}{EXTRA}")).answer_is(200, "ok"),
        answered("bytes behind an answer", POISON, format!("{OK}junk")).answer_is(200, "ok"),
        answered("an answer that comes later", POISON, OK).and_later(EXTRA).answer_is(200, "ok"),
        answered("a body behind 204", "RFC 9110, 15.3.5", format!("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello{EXTRA}")).answer_is(204, ""),
        answered("a body behind 304", "RFC 9110, 15.4.5", format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello{EXTRA}")).answer_is(304, ""),
        answered("a body that comes later behind 204", "RFC 9110, 15.3.5", "HTTP/1.1 204 No Content\r\n\r\n").and_later(EXTRA).answer_is(204, ""),
        case("a body behind the answer to HEAD", "RFC 9110, 9.3.2", "HEAD /x HTTP/1.1\r\nHost: a.test\r\n\r\n").upstream_says(format!("{OK}{EXTRA}")).answer(200).arrives(asked("HEAD /x")),
        answered("chunks behind the last", POISON, format!("{}{EXTRA}", ok_with("Transfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n"))).answer_is(200, "ok"),
        answered("an upstream that closes and says so", "RFC 9112, 9.6", ok_with("Connection: close\r\nContent-Length: 2", "ok")).and_closes().answer_is(200, "ok").without("connection"),
        answered("an upstream that closes and says nothing", "RFC 9112, 9.5", OK).and_closes().answer_is(200, "ok"),
        case("an answer before the body is sent", "RFC 9112, 7.5", post_with("Content-Length: 5", "hel"))
            .upstream_says_at_head("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
            .answer_is(413, "no")
            .either()
            .arrives(asked("POST /x").cut_off().perhaps()),
        case("an answer that comes before it is asked for", POISON, super::get("/x")).upstream_greets("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ngreeting").any_answer().arrives(asked("GET /x").perhaps()),
    ]
}
