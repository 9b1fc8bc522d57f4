//! The PROXY protocol, versions 1 and 2: who the client is, in the word of the proxy before this one, and our own
//! word to the next. Pure; the rules are those of HAProxy's `proxy-protocol.txt`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use harbr_model::ProxyProtocol;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 1: the whole line.
const MAX_LINE: usize = 107;
/// Version 2: signature, command, family, length.
const FIXED: usize = 16;
/// Version 2: what follows the fixed part. Addresses take 36 bytes; the rest are additions that are not read.
const MAX_FOLLOWING: usize = 4 * 1024;

/// What the first bytes of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// All of them are of a header, which goes on.
    Partial,
    /// The first `len` of them are.
    Whole { len: usize, client: Option<SocketAddr> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no valid PROXY header")]
pub(crate) struct InvalidHeader;

/// Reads the header at the start of a connection. It has no client where the proxy speaks for itself, as it does for
/// its own health checks, or does not say.
pub(crate) fn parse(bytes: &[u8]) -> Result<Header, InvalidHeader> {
    if bytes.starts_with(&SIGNATURE) {
        parse_binary(bytes)
    } else if SIGNATURE.starts_with(bytes) || b"PROXY ".starts_with(bytes) {
        Ok(Header::Partial)
    } else if bytes.starts_with(b"PROXY ") {
        parse_line(bytes)
    } else {
        Err(InvalidHeader)
    }
}

fn parse_line(bytes: &[u8]) -> Result<Header, InvalidHeader> {
    let Some(end) = bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
        return if bytes.len() < MAX_LINE { Ok(Header::Partial) } else { Err(InvalidHeader) };
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or(InvalidHeader)?;
    let line = std::str::from_utf8(line).map_err(|_| InvalidHeader)?;
    let mut words = line.split(' ').skip(1);
    let client = match words.next() {
        // Whatever follows is not to be looked at.
        Some("UNKNOWN") => None,
        Some("TCP4") => Some(client_of::<Ipv4Addr>(words)?),
        Some("TCP6") => Some(client_of::<Ipv6Addr>(words)?),
        Some(_) | None => return Err(InvalidHeader),
    };
    Ok(Header::Whole { len: end + 1, client })
}

/// `source destination source-port destination-port`, and nothing else.
fn client_of<'a, A>(mut words: impl Iterator<Item = &'a str>) -> Result<SocketAddr, InvalidHeader>
where
    A: std::str::FromStr + Into<IpAddr>,
{
    let mut address = || words.next().and_then(|word| word.parse::<A>().ok()).ok_or(InvalidHeader);
    let (source, _destination) = (address()?, address()?);
    let mut port = || words.next().and_then(parse_port).ok_or(InvalidHeader);
    let (source_port, _destination_port) = (port()?, port()?);
    match words.next() {
        None => Ok(SocketAddr::new(source.into(), source_port)),
        Some(_) => Err(InvalidHeader),
    }
}

fn parse_port(word: &str) -> Option<u16> {
    word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit()))
}

fn parse_binary(bytes: &[u8]) -> Result<Header, InvalidHeader> {
    let Some((fixed, following)) = bytes.split_at_checked(FIXED) else { return Ok(Header::Partial) };
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if length > MAX_FOLLOWING {
        return Err(InvalidHeader);
    }
    let Some(following) = following.get(..length) else { return Ok(Header::Partial) };
    let client = match (fixed[12], fixed[13]) {
        // LOCAL: the connection is the proxy's own.
        (0x20, _) => None,
        (0x21, 0x11) => Some(binary_client::<4>(following)?),
        (0x21, 0x21) => Some(binary_client::<16>(following)?),
        // Unspecified, and what TCP cannot come from: datagrams and Unix sockets.
        (0x21, 0x00 | 0x12 | 0x22 | 0x31 | 0x32) => None,
        (_, _) => return Err(InvalidHeader),
    };
    Ok(Header::Whole { len: FIXED + length, client })
}

/// Both addresses, both ports, the source's first.
fn binary_client<const LEN: usize>(following: &[u8]) -> Result<SocketAddr, InvalidHeader>
where
    [u8; LEN]: Into<IpAddr>,
{
    let (source, rest) = following.split_first_chunk::<LEN>().ok_or(InvalidHeader)?;
    let (_destination, ports) = rest.split_first_chunk::<LEN>().ok_or(InvalidHeader)?;
    let (port, rest) = ports.split_first_chunk::<2>().ok_or(InvalidHeader)?;
    if rest.len() < 2 {
        return Err(InvalidHeader);
    }
    Ok(SocketAddr::new((*source).into(), u16::from_be_bytes(*port)))
}

/// Our word to an upstream: who the client is, and the address that it connected to.
pub(crate) fn header(version: ProxyProtocol, client: SocketAddr, reached: SocketAddr) -> Vec<u8> {
    let (client, reached) = of_one_family(client, reached);
    match version {
        ProxyProtocol::V1 => {
            let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (client.ip(), reached.ip());
            format!("PROXY {family} {from} {to} {} {}\r\n", client.port(), reached.port()).into_bytes()
        }
        ProxyProtocol::V2 => binary(client, reached),
    }
}

fn binary(client: SocketAddr, reached: SocketAddr) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    match (client.ip(), reached.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            header.extend([0x21, 0x11, 0, 12]);
            header.extend(from.octets());
            header.extend(to.octets());
        }
        (from, to) => {
            header.extend([0x21, 0x21, 0, 36]);
            header.extend(as_v6(from).octets());
            header.extend(as_v6(to).octets());
        }
    }
    header.extend(client.port().to_be_bytes());
    header.extend(reached.port().to_be_bytes());
    header
}

/// A header has one family for both addresses: IPv4 is written as IPv6 beside an IPv6 address.
fn of_one_family(client: SocketAddr, reached: SocketAddr) -> (SocketAddr, SocketAddr) {
    if client.is_ipv4() == reached.is_ipv4() {
        return (client, reached);
    }
    let widened = |addr: SocketAddr| SocketAddr::new(as_v6(addr.ip()).into(), addr.port());
    (widened(client), widened(reached))
}

fn as_v6(addr: IpAddr) -> Ipv6Addr {
    match addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped(),
        IpAddr::V6(addr) => addr,
    }
}

#[cfg(test)]
mod tests;
