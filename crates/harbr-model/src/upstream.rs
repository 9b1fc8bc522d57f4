use std::fmt;
use std::str::FromStr;

use http::uri::{Authority, PathAndQuery};

use crate::{HealthCheck, OutlierPolicy, ProxyProtocol, UpstreamTls};

/// A named set of endpoints that can answer the same requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub name: String,
    /// At least one; their URLs differ.
    pub endpoints: Vec<Endpoint>,
    /// Fits the scheme of each endpoint.
    pub protocol: Protocol,
    pub balance: Balance,
    pub health_check: Option<HealthCheck>,
    /// Percent: with fewer endpoints than that not unhealthy, all are used. 0: an unhealthy one never is.
    pub panic_threshold: u32,
    pub outlier: OutlierPolicy,
    /// Of its `https` endpoints; `None`: all defaults.
    pub tls: Option<UpstreamTls>,
    /// Each connection begins with a PROXY header of this version, and is for one client alone.
    pub proxy_protocol: Option<ProxyProtocol>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub url: EndpointUrl,
    /// Its share of the requests, relative to the others'. At least 1.
    pub weight: u32,
}

/// How endpoints are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 over TLS; an endpoint that does not agree to it by ALPN has failed.
    Http2,
    /// HTTP/2 in clear text, by prior knowledge (RFC 9113, 3.3).
    Http2Cleartext,
    /// Over TLS what the endpoint chooses by ALPN, in clear text HTTP/1.1.
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// In turn, by weight.
    RoundRobin,
    /// The less busy of two drawn at random by weight.
    LeastRequest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Http,
    Https,
}

/// Where an endpoint is: `scheme://host[:port][/base/path]`. No user, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointUrl {
    scheme: Scheme,
    /// Lower case; an IPv6 address without its brackets.
    host: String,
    port: u16,
    /// Put before the path of each request. Starts with `/`, never ends with one; empty for the root.
    base_path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpointUrl {
    #[error("a URL starts with http:// or https://")]
    Scheme,
    #[error("the URL names no host")]
    NoHost,
    #[error("the host is not a name or an address")]
    Host,
    #[error("the port is not a number from 1 to 65535")]
    Port,
    #[error("a URL with a user name or password is not supported")]
    UserInfo,
    #[error("a URL of an upstream has no query")]
    Query,
    #[error("a URL of an upstream has no fragment")]
    Fragment,
    #[error("the path has characters that a URL cannot have")]
    Path,
}

impl Scheme {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Protocol {
    /// As the file says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "h2",
            Self::Http2Cleartext => "h2c",
            Self::Auto => "auto",
        }
    }

    /// The scheme that endpoints must have; `None` if either will do.
    #[must_use]
    pub fn scheme(self) -> Option<Scheme> {
        match self {
            Self::Http2 => Some(Scheme::Https),
            Self::Http2Cleartext => Some(Scheme::Http),
            Self::Http1 | Self::Auto => None,
        }
    }
}

impl EndpointUrl {
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Lower case; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Put before the path of each request: empty, or `/base` without a slash at its end.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// `host` or `host:port` as a `Host` header says it: the scheme's own port is left out.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == self.scheme.default_port() { host } else { format!("{host}:{}", self.port) }
    }
}

impl FromStr for EndpointUrl {
    type Err = InvalidEndpointUrl;

    fn from_str(text: &str) -> Result<Self, InvalidEndpointUrl> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            Some(_) | None => return Err(InvalidEndpointUrl::Scheme),
        };
        if rest.contains('#') {
            return Err(InvalidEndpointUrl::Fragment);
        }
        if rest.contains('?') {
            return Err(InvalidEndpointUrl::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(InvalidEndpointUrl::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let host = parse_host(host)?;
        let port = match port {
            None => scheme.default_port(),
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                port.parse().ok().filter(|port| *port != 0).ok_or(InvalidEndpointUrl::Port)?
            }
            Some(_) => return Err(InvalidEndpointUrl::Port),
        };
        let base_path = path.trim_end_matches('/');
        if !base_path.is_empty() && PathAndQuery::from_str(base_path).is_err() {
            return Err(InvalidEndpointUrl::Path);
        }
        Ok(Self { scheme, host, port, base_path: base_path.to_owned() })
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority(), self.base_path)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), InvalidEndpointUrl> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(InvalidEndpointUrl::Host)?;
        let (host, rest) = authority.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(InvalidEndpointUrl::Host),
        };
    }
    Ok(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn parse_host(host: &str) -> Result<String, InvalidEndpointUrl> {
    if host.is_empty() {
        return Err(InvalidEndpointUrl::NoHost);
    }
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address: std::net::Ipv6Addr = address.parse().map_err(|_| InvalidEndpointUrl::Host)?;
        return Ok(address.to_string());
    }
    let valid = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        && Authority::from_str(host).is_ok()
        && !host.starts_with('.');
    if valid { Ok(host.to_ascii_lowercase()) } else { Err(InvalidEndpointUrl::Host) }
}

#[cfg(test)]
mod tests;
