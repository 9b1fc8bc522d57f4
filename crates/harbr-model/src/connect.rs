use std::fmt;
use std::str::FromStr;

use crate::HostPattern;

/// Where clients may have tunnels to: a port of a host, or of each host below one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTarget {
    host: HostPattern,
    port: u16,
}

/// A text is no host and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a host and a port, such as `db.example.com:5432` or `*.example.com:443`")]
pub struct InvalidConnectTarget;

impl ConnectTarget {
    /// `host` as a request names it; an IPv6 address has its brackets.
    #[must_use]
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let covers_host = match &self.host {
            HostPattern::Any => true,
            HostPattern::Exact(name) => name.eq_ignore_ascii_case(host),
            HostPattern::Wildcard(name) => {
                let below = host.len().checked_sub(name.len() + 1).filter(|length| *length > 0);
                let end = below.and_then(|length| host.get(length..));
                end.and_then(|end| end.strip_prefix('.')).is_some_and(|end| end.eq_ignore_ascii_case(name))
            }
        };
        covers_host && self.port == port
    }
}

impl FromStr for ConnectTarget {
    type Err = InvalidConnectTarget;

    fn from_str(text: &str) -> Result<Self, InvalidConnectTarget> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidConnectTarget)?;
        let host = HostPattern::parse(host).map_err(|_| InvalidConnectTarget)?;
        let digits = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = digits.and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        Ok(Self { host, port: port.ok_or(InvalidConnectTarget)? })
    }
}

impl fmt::Display for ConnectTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests;
