use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses, `10.0.0.0/8` or `fd00::/8`; a single address is a block of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    addr: IpAddr,
    prefix_len: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    #[error("a network is an address such as 192.0.2.1, or a block such as 10.0.0.0/8")]
    Syntax,
    #[error("the length of the prefix is over that of an address")]
    PrefixLen,
    #[error("the address has bits set beyond the prefix")]
    HostBits,
}

impl Network {
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(network), IpAddr::V4(addr)) => {
                let host_bits = 32 - u32::from(self.prefix_len);
                (network.to_bits() ^ addr.to_bits()).checked_shr(host_bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(addr)) => {
                let host_bits = 128 - u32::from(self.prefix_len);
                (network.to_bits() ^ addr.to_bits()).checked_shr(host_bits).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn has_host_bits(&self) -> bool {
        match self.addr {
            IpAddr::V4(addr) => addr.to_bits().checked_shl(self.prefix_len.into()).unwrap_or(0) != 0,
            IpAddr::V6(addr) => addr.to_bits().checked_shl(self.prefix_len.into()).unwrap_or(0) != 0,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (addr, prefix_len) = match text.split_once('/') {
            Some((addr, prefix_len)) => (addr, Some(prefix_len)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| InvalidNetwork::Syntax)?;
        let longest = if addr.is_ipv4() { 32 } else { 128 };
        let prefix_len = match prefix_len {
            None => longest,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().ok().filter(|len| *len <= longest).ok_or(InvalidNetwork::PrefixLen)?
            }
            Some(_) => return Err(InvalidNetwork::Syntax),
        };
        let network = Self { addr, prefix_len };
        if network.has_host_bits() { Err(InvalidNetwork::HostBits) } else { Ok(network) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix_len)
    }
}

#[cfg(test)]
mod tests;
