use std::net::SocketAddr;

use harbr_model::ProxyProtocol;
use proptest::prelude::*;

use super::{FIXED, Header, InvalidHeader, MAX_FOLLOWING, MAX_LINE, SIGNATURE, header, parse};

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn binary(command: u8, family: u8, following: &[u8]) -> Vec<u8> {
    let length = u16::try_from(following.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, following].concat()
}

#[test]
fn lines_of_version_1() {
    let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(MAX_LINE - 16));
    let too_long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(MAX_LINE - 15));
    let client = |text| Ok(Some(addr(text)));
    for (line, expected) in [
        ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", client("192.0.2.1:56324")),
        ("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", client("[2001:db8::1]:0")),
        ("PROXY UNKNOWN\r\n", Ok(None)),
        ("PROXY UNKNOWN ff:ff 1 and so on\r\n", Ok(None)),
        (&longest, Ok(None)),
        (&too_long, Err(InvalidHeader)),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\n", Err(InvalidHeader)),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n", Err(InvalidHeader)),
        ("PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n", Err(InvalidHeader)),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n", Err(InvalidHeader)),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n", Err(InvalidHeader)),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 443\r\n", Err(InvalidHeader)),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", Err(InvalidHeader)),
        ("PROXY TCP6 192.0.2.1 192.0.2.1 1 2\r\n", Err(InvalidHeader)),
        ("PROXY UDP4 192.0.2.1 192.0.2.1 1 2\r\n", Err(InvalidHeader)),
        ("PROXY \r\n", Err(InvalidHeader)),
        ("PROXY  UNKNOWN\r\n", Err(InvalidHeader)),
        ("proxy UNKNOWN\r\n", Err(InvalidHeader)),
        ("GET / HTTP/1.1\r\n", Err(InvalidHeader)),
        ("PROXYX", Err(InvalidHeader)),
    ] {
        let expected = expected.map(|client| Header::Whole { len: line.len(), client });
        assert_eq!(parse(line.as_bytes()), expected, "{line:?}");
    }
}

#[test]
fn headers_of_version_2() {
    let v4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 1, 187];
    let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 12], &[0; 15], &[1], &[0, 7, 0, 8]].concat();
    let with_additions = [&v4[..], &[4, 0, 1, 0]].concat();
    let at_limit = vec![0; MAX_FOLLOWING];
    let client = |text| Ok(Some(addr(text)));
    for (bytes, expected) in [
        (binary(0x21, 0x11, &v4), client("192.0.2.1:56324")),
        (binary(0x21, 0x21, &v6), client("[2001:db8::]:7")),
        (binary(0x21, 0x11, &with_additions), client("192.0.2.1:56324")),
        (binary(0x20, 0x00, &[]), Ok(None)),
        (binary(0x20, 0x11, &v4), Ok(None)),
        (binary(0x21, 0x00, &at_limit), Ok(None)),
        (binary(0x21, 0x31, &[0; 216]), Ok(None)),
        (binary(0x21, 0x11, &v4[..11]), Err(InvalidHeader)),
        (binary(0x21, 0x21, &v4), Err(InvalidHeader)),
        (binary(0x22, 0x11, &v4), Err(InvalidHeader)),
        (binary(0x11, 0x11, &v4), Err(InvalidHeader)),
        (binary(0x21, 0x13, &v4), Err(InvalidHeader)),
        (binary(0x21, 0x00, &vec![0; MAX_FOLLOWING + 1]), Err(InvalidHeader)),
    ] {
        let expected = expected.map(|client| Header::Whole { len: bytes.len(), client });
        assert_eq!(parse(&bytes), expected, "{:x?}", &bytes[12..FIXED]);
    }
}

#[test]
fn addresses_of_two_families_become_one() {
    let (v4, v6) = (addr("192.0.2.1:1"), addr("[2001:db8::1]:2"));
    let line = String::from_utf8(header(ProxyProtocol::V1, v4, v6)).unwrap();
    assert_eq!(line, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n");
    let mapped = Some(addr("[::ffff:192.0.2.1]:1"));
    let written = header(ProxyProtocol::V2, v4, v6);
    assert_eq!(parse(&written), Ok(Header::Whole { len: 52, client: mapped }));
}

fn any_addr() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from),
        any::<([u16; 8], u16)>().prop_map(|(segments, port)| SocketAddr::from((segments, port)))
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_and_no_byte_more(
        (client, reached) in (any_addr(), any_addr()),
        first: bool,
        follows in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let version = if first { ProxyProtocol::V1 } else { ProxyProtocol::V2 };
        let written = header(version, client, reached);
        for end in 0..written.len() {
            prop_assert_eq!(parse(&written[..end]), Ok(Header::Partial), "{}", end);
        }
        let Ok(Header::Whole { len, client: Some(read) }) = parse(&[&written[..], &follows].concat()) else {
            panic!("{written:x?}");
        };
        prop_assert_eq!(len, written.len());
        prop_assert_eq!(read.port(), client.port());
        prop_assert_eq!(read.ip().to_canonical(), client.ip().to_canonical());
    }

    #[test]
    fn no_bytes_panic_and_all_that_is_partial_is_short(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for bytes in [&bytes[..], &[&SIGNATURE[..], &bytes].concat(), &[b"PROXY ", &bytes[..]].concat()] {
            match parse(bytes) {
                Ok(Header::Partial) => prop_assert!(bytes.len() < FIXED + MAX_FOLLOWING),
                Ok(Header::Whole { len, .. }) => prop_assert!(len <= bytes.len()),
                Err(InvalidHeader) => {}
            }
        }
    }
}
