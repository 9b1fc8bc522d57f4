//! What is for one hop, and what a proxy says of itself and of its client.

use super::super::case::{Case, asked, case, passed};
use super::{get_with, post_with};

const HOP: &str = "RFC 9110, 7.6.1";
const UPGRADE: &str = "RFC 9110, 7.8";
const EXPECT: &str = "RFC 9110, 10.1.1";
const CLIENT: &str = "RFC 7239, 8.1";

pub(super) fn cases() -> Vec<Case> {
    [hop_by_hop(), own_fields(), upgrades(), expectations()].concat()
}

#[rustfmt::skip]
fn hop_by_hop() -> Vec<Case> {
    let x = || asked("GET /x");
    vec![
        passed("a field that Connection names", HOP, get_with("Connection: X-Hop\r\nX-Hop: 1\r\nX-Stays: 1"), x().field("x-stays: 1").lacks("x-hop")),
        passed("a field that the second Connection names", HOP, get_with("Connection: keep-alive\r\nConnection: x-hop\r\nX-Hop: 1"), x().lacks("x-hop")),
        passed("the host cannot be named away", "RFC 9110, 7.6.1; CVE-2022-31813", get_with("Connection: Host"), x()),
        passed("the length cannot be named away", "RFC 9110, 7.6.1; CVE-2022-31813", post_with("Connection: Content-Length\r\nContent-Length: 5", "hello"), asked("POST /x").body("hello")),
        passed("the coding cannot be named away", "RFC 9110, 7.6.1", post_with("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"), asked("POST /x").body("hello")),
        passed("what the proxy adds cannot be named away", "RFC 9110, 7.6.1; CVE-2022-31813", get_with("Connection: X-Forwarded-For, Via, X-Forwarded-Host"), x().own("x-forwarded-for: 127.0.0.1").own("x-forwarded-host: a.test").own("via: 1.1 harbr")),
        passed("Keep-Alive", HOP, get_with("Connection: keep-alive\r\nKeep-Alive: timeout=5"), x().lacks("keep-alive")),
        passed("Keep-Alive that Connection does not name", HOP, get_with("Keep-Alive: timeout=5"), x().lacks("keep-alive")),
        passed("Proxy-Connection", "RFC 9112, appendix C.2.2", get_with("Proxy-Connection: keep-alive"), x().lacks("proxy-connection")),
        passed("credentials for the proxy", "RFC 9110, 11.7.2", get_with("Proxy-Authorization: Basic eDp5"), x().lacks("proxy-authorization")),
        passed("TE of what nobody can keep", "RFC 9110, 10.1.4", get_with("Connection: TE\r\nTE: gzip"), x().lacks("te")),
        passed("TE of trailers", "RFC 9110, 10.1.4", get_with("Connection: TE\r\nTE: gzip, trailers"), x().field("te: trailers").own("connection: te")),
    ]
}

#[rustfmt::skip]
fn own_fields() -> Vec<Case> {
    let x = || asked("GET /x");
    let options = |value: &str| format!("OPTIONS /x HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: {value}\r\n\r\n");
    vec![
        passed("Via names the proxy", "RFC 9110, 7.6.3", get_with("X-A: 1"), x().field("x-a: 1").own("via: 1.1 harbr")),
        passed("Via goes on", "RFC 9110, 7.6.3", get_with("Via: 1.0 before"), x().own("via: 1.0 before, 1.1 harbr")),
        case("Via says how the request came", "RFC 9110, 7.6.3", "GET /x HTTP/1.0\r\nHost: a.test\r\n\r\n").answer(200).closed().arrives(x().own("via: 1.0 harbr")),
        case("a request that goes in a circle", "RFC 9110, 7.6.3", get_with(&["Via: 1.1 harbr"; 10].join("\r\n"))).answer(508),
        case("OPTIONS that is to go no further", "RFC 9110, 7.6.2", options("0")).answer(200),
        passed("OPTIONS that may go one further", "RFC 9110, 7.6.2", options("1"), asked("OPTIONS /x").field("max-forwards: 0")),
        passed("Max-Forwards of other methods", "RFC 9110, 7.6.2", get_with("Max-Forwards: 0"), x().field("max-forwards: 0")),
        passed("a client's word on who it is", CLIENT, get_with("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7"), x().own("x-forwarded-for: 127.0.0.1")),
        passed("a client's word on how it came", CLIENT, get_with("X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test"), x().own("x-forwarded-proto: http").own("x-forwarded-host: a.test")),
        passed("a client's Forwarded and X-Real-IP", CLIENT, get_with("Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6"), x().lacks("forwarded").lacks("x-real-ip")),
    ]
}

#[rustfmt::skip]
fn upgrades() -> Vec<Case> {
    let x = || asked("GET /x");
    let early = format!("{}GET /next-in-line HTTP/1.1\r\nHost: a.test\r\n\r\n", get_with("Connection: upgrade\r\nUpgrade: websocket"));
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    vec![
        passed("an upgrade that is not granted", UPGRADE, get_with("Connection: upgrade\r\nUpgrade: websocket"), x().field("upgrade: websocket").own("connection: upgrade")),
        passed("Upgrade that Connection does not name", UPGRADE, get_with("Upgrade: websocket"), x().lacks("upgrade")),
        passed("an upgrade to h2c", "RFC 9113, 3.1", get_with("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"), x().lacks("upgrade").lacks("http2-settings")),
        case("HTTP/1.0 cannot upgrade", UPGRADE, "GET /x HTTP/1.0\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").answer(200).closed().arrives(x().lacks("upgrade")),
        case("a request behind an upgrade that is not granted", "RFC 9110, 7.8; CVE-2026-2833", early)
            .answer_is(200, "GET /x")
            .answer_is(200, "GET /next-in-line")
            .arrives(x().field("upgrade: websocket"))
            .arrives(asked("GET /next-in-line")),
        case("an upgrade that is granted", UPGRADE, get_with("Connection: upgrade\r\nUpgrade: websocket"))
            .upstream_says(switch)
            .answer(101)
            .with("upgrade: websocket")
            .either()
            .arrives(x().field("upgrade: websocket"))
            .and_closes(),
        case("an upgrade to what was not asked for", UPGRADE, get_with("Connection: upgrade\r\nUpgrade: foo"))
            .upstream_says(switch)
            .answer(502)
            .arrives(x().field("upgrade: foo")),
    ]
}

#[rustfmt::skip]
fn expectations() -> Vec<Case> {
    let post = post_with("Expect: 100-continue\r\nContent-Length: 5", "");
    let x = || asked("POST /x").body("hello");
    vec![
        case("a body that the upstream asks for", EXPECT, post.clone())
            .upstream_says_at_head("HTTP/1.1 100 Continue\r\n\r\n")
            .awaits("HTTP/1.1 100 Continue\r\n\r\n")
            .sends("hello")
            .upstream_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .answer_is(200, "ok")
            .arrives(x().own("expect: 100-continue")),
        case("a body that the upstream says nothing about", EXPECT, post.clone())
            .awaits("HTTP/1.1 100 Continue\r\n\r\n")
            .sends("hello")
            .answer(200)
            .arrives(x()),
        case("a body that the upstream does not want", "RFC 9110, 10.1.1; CVE-2024-24791", post)
            .upstream_says_at_head("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")
            .answer_is(417, "no")
            .closed()
            .arrives(asked("POST /x").cut_off()),
        case("a body that does not wait", EXPECT, post_with("Expect: 100-continue\r\nContent-Length: 5", "hello"))
            .awaits("HTTP/1.1 100 Continue\r\n\r\n")
            .answer(200)
            .arrives(x()),
        case("HTTP/1.0 expects nothing", EXPECT, "POST /x HTTP/1.0\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
            .answer(200)
            .closed()
            .arrives(x().lacks("expect")),
        passed("an expectation without a body", EXPECT, post_with("Expect: 100-continue\r\nContent-Length: 0", ""), asked("POST /x").lacks("expect")),
    ]
}
