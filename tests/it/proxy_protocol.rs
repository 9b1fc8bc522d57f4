//! Who the client is, in the word of the proxy before this one; and this one's word to the next.

use harbr_tests::{Client, Fleet, Origin, RawClient, RawOrigin, Shape, TestAuthority, get, read_head};
use rustls::ALL_VERSIONS;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::file::File;

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// What comes back for these bytes on a connection of their own.
async fn answer(fleet: &Fleet, header: &[u8]) -> String {
    RawClient::exchange(fleet.addr(), [header, REQUEST].concat()).await
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).listener("proxy_protocol: { from: [\"127.0.0.1\"] }").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let v4 = [V2, b"\x21\x11\0\x0c", &[192, 0, 2, 7], &[127, 0, 0, 1], b"\x10\x00\x00\x50"].concat();
    let additions =
        [V2, b"\x21\x11\0\x10", &[192, 0, 2, 7], &[127, 0, 0, 1], b"\x10\x00\x00\x50", b"\x04\0\x01x"];
    let local = [V2, b"\x20\x00\0\x00"].concat();
    for (name, header, client) in [
        ("version 1", &b"PROXY TCP4 192.0.2.7 127.0.0.1 4096 80\r\n"[..], Some("192.0.2.7")),
        ("version 1, IPv6", b"PROXY TCP6 2001:db8::7 ::1 4096 80\r\n", Some("2001:db8::7")),
        ("version 1, unknown", b"PROXY UNKNOWN\r\n", Some("127.0.0.1")),
        ("version 2", &v4, Some("192.0.2.7")),
        ("version 2 with additions", &additions.concat(), Some("192.0.2.7")),
        ("version 2, the proxy itself", &local, Some("127.0.0.1")),
        ("none", b"", None),
        ("twice", b"PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n", None),
        ("a bad line", b"PROXY TCP4 192.0.2.7 127.0.0.1 4096\r\n", None),
        ("a line without end", &[b"PROXY ".as_slice(), &[b'x'; 200]].concat(), None),
        ("a bad version", &[V2, b"\x31\x11\0\0"].concat(), None),
    ] {
        let answer = answer(&fleet, header).await;
        match client {
            Some(client) => {
                let told = format!("[\"x-forwarded-for\",\"{client}\"]");
                assert!(answer.contains(&told), "{name}: {answer}");
            }
            None => assert!(!answer.contains("200 OK"), "{name}: {answer}"),
        }
    }
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_proxy_headers_refused_total", &[("reason", "invalid")]), 4);
    assert_eq!(metrics.count("harbr_proxy_headers_refused_total", &[("reason", "untrusted")]), 0);
}

#[tokio::test]
async fn a_header_may_come_byte_by_byte_and_a_handshake_right_behind_it() {
    let (origin, authority) = (Origin::start("a").await, TestAuthority::new());
    let pair = authority.issue("site", &["site.test"]);
    let settings =
        format!("proxy_protocol: {{ from: [\"127.0.0.0/8\"] }}, tls: {{ certificates: [{}] }}", pair.yaml());
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).listener(&settings).text()).await;
    let mut stream = TcpStream::connect(fleet.addr()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"PROXY TCP4 192.0.2.7 127.0.0.1 4096 443\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let stream = authority.client(ALL_VERSIONS).over(stream, "site.test").await.unwrap();
    let echo = Client::over(stream).await.unwrap().get("/").await.echo();
    assert_eq!(echo.header("x-forwarded-for"), Some("192.0.2.7"));
    assert_eq!(echo.header("x-forwarded-proto"), Some("https"));
}

#[tokio::test]
async fn others_are_refused_or_served_as_the_file_says() {
    let origin = Origin::start("a").await;
    let file = |others| {
        let peers = format!("proxy_protocol: {{ from: [\"192.0.2.0/24\"], others: {others} }}");
        File::all_to(&origin).listener(&peers).text()
    };
    let fleet = Fleet::start(Shape::Split, &file("refuse")).await;
    assert_eq!(answer(&fleet, b"").await, "");
    assert_eq!(answer(&fleet, b"PROXY UNKNOWN\r\n").await, "");
    let metrics = fleet.node().metrics().await;
    assert_eq!(metrics.count("harbr_proxy_headers_refused_total", &[("reason", "untrusted")]), 2);

    fleet.apply(&file("serve")).await;
    assert!(answer(&fleet, b"").await.contains("[\"x-forwarded-for\",\"127.0.0.1\"]"));
    // From them a header is no header.
    assert!(!answer(&fleet, b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n").await.contains("200 OK"));
}

#[tokio::test]
async fn a_header_that_does_not_end_is_cut_off_with_the_header_timeout() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin)
        .listener("proxy_protocol: { from: [\"127.0.0.1\"] }")
        .set("header_timeout: 300ms")
        .text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    for begun in [&b""[..], b"PROXY TCP4 ", &V2[..5], V2] {
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send(begun).await.unwrap();
        assert_eq!(client.read_to_end().await, "", "{begun:?}");
    }
}

/// An upstream that answers each request with the connection's first bytes, up to the request.
async fn telling_upstream() -> RawOrigin {
    RawOrigin::start(|mut stream| async move {
        let mut first = [0; 16];
        if stream.read_exact(&mut first).await.is_err() {
            return;
        }
        let mut told = first.to_vec();
        if first.starts_with(V2) {
            let mut rest = vec![0; usize::from(first[15])];
            stream.read_exact(&mut rest).await.unwrap();
            told.extend(rest);
        } else {
            while !told.ends_with(b"\r\n") {
                told.push(stream.read_u8().await.unwrap());
            }
        }
        let told: String = told.iter().map(|byte| format!("{byte:02x}")).collect();
        while read_head(&mut stream).await.is_some() {
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{told}", told.len());
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn an_upstream_is_told_who_each_client_is() {
    let upstream = telling_upstream().await;
    let check = "health_check: { path: /, interval: 100ms }";
    let file = |version| {
        File::new()
            .listener("proxy_protocol: { from: [\"127.0.0.1\"] }")
            .upstream("u", &[upstream.url()], &format!("proxy_protocol: {version}, {check}"))
            .route("/", "upstream: u")
            .text()
    };
    let fleet = Fleet::start(Shape::Split, &file("v1")).await;
    let port = fleet.addr().port();
    // One after another: no connection is used for two of them.
    for client in ["192.0.2.7", "192.0.2.8"] {
        let answer = answer(&fleet, format!("PROXY TCP4 {client} 127.0.0.1 4096 80\r\n").as_bytes()).await;
        let told = hex(format!("PROXY TCP4 {client} 127.0.0.1 4096 {port}\r\n").as_bytes());
        assert!(answer.ends_with(&told), "{answer}");
    }
    fleet.apply(&file("v2")).await;
    let answer = answer(&fleet, b"PROXY TCP4 192.0.2.7 127.0.0.1 4096 80\r\n").await;
    let told = [V2, b"\x21\x11\0\x0c", &[192, 0, 2, 7, 127, 0, 0, 1, 0x10, 0], &port.to_be_bytes()].concat();
    assert!(answer.ends_with(&hex(&told)), "{answer}");
    // Probes have a header too, and speak for nobody.
    assert!(!fleet.health("u").await.contains(&"unhealthy".to_owned()));
}

#[tokio::test]
async fn without_the_setting_no_header_is_sent_and_none_is_taken() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
    assert!(answer(&fleet, b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n").await.contains("400"));
}
