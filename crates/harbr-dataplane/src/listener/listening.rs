//! Who listens on this machine, as the kernel shows it in `/proc/net/tcp`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The state of a listening socket in the tables.
const LISTEN: &str = "0A";

/// Addresses on which any process of this network namespace listens.
pub(super) fn addresses() -> io::Result<Vec<SocketAddr>> {
    let mut found = parse(&std::fs::read_to_string("/proc/self/net/tcp")?);
    match std::fs::read_to_string("/proc/self/net/tcp6") {
        Ok(table) => found.extend(parse(&table)),
        // A machine without IPv6 has no such table.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(found)
}

fn parse(table: &str) -> Vec<SocketAddr> {
    table.lines().skip(1).filter_map(parse_line).collect()
}

/// `sl local_address rem_address st …`; the address is in 32-bit words of the machine's own byte order.
fn parse_line(line: &str) -> Option<SocketAddr> {
    let mut columns = line.split_ascii_whitespace().skip(1);
    let (local, state) = (columns.next()?, columns.nth(1)?);
    if state != LISTEN {
        return None;
    }
    let (ip, port) = local.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests;
