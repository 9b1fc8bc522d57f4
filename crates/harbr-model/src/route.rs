use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

/// Which requests go to which upstream, and under which policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The key in the file (`api.example.com/v1`); the second and later of a list carry their place, `/api#2`.
    /// Unique in a snapshot.
    pub name: String,
    pub matches: RouteMatch,
    /// The name of an [`Upstream`](crate::Upstream) of the same snapshot.
    pub upstream: String,
    pub rewrite: PathRewrite,
    pub host_header: HostHeader,
    pub timeouts: TimeoutPolicy,
    /// Attempts after the first.
    pub max_retries: u32,
    pub request_headers: HeaderEdits,
    pub response_headers: HeaderEdits,
    /// Bytes of a request's body.
    pub max_body: u64,
}

/// The requests that a route is for. Of several routes with the same host and path, the first in the snapshot
/// whose conditions hold answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMatch {
    pub host: HostPattern,
    pub path: PathPrefix,
    /// Empty: any.
    pub methods: Vec<Method>,
    /// All of them must hold.
    pub headers: Vec<HeaderMatch>,
}

/// A header that must be there with exactly this value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderMatch {
    pub name: HeaderName,
    pub value: HeaderValue,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    Any,
    /// Lower case, without a port.
    Exact(String),
    /// `*.example.com` is kept as `example.com`: every name below it, at any depth, not itself.
    Wildcard(String),
}

/// A path prefix that ends on a segment boundary: `/api` is for `/api` and `/api/x`, never `/apix`.
/// Kept without a slash at its end; the root is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathPrefix(String);

/// What becomes of the matched prefix before the path is sent upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathRewrite {
    Keep,
    /// Put this in the prefix's place: `/new`, or nothing to strip it.
    ReplacePrefix(PathPrefix),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostHeader {
    /// As the client sent it.
    Preserve,
    /// The endpoint's own authority.
    Upstream,
    Literal(HeaderValue),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutPolicy {
    /// One attempt: from connect, and anew from the end of the request's body, up to the response's head.
    pub attempt: Duration,
    /// All attempts up to the response's head, less the time spent receiving the client's body. Not below
    /// `attempt`.
    pub request: Duration,
    /// How long a body, either way, may stand still.
    pub idle: Duration,
}

/// Edits of a head: removals first, then what is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderEdits {
    pub remove: Vec<HeaderName>,
    pub set: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHostPattern {
    #[error("a host is a name such as api.example.com, *.example.com, or an address; it has no port")]
    Syntax,
    #[error("a wildcard stands for whole labels at the front: *.example.com")]
    Wildcard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPathPrefix {
    #[error("a path starts with /")]
    NoSlash,
    #[error("a path has no query and no fragment")]
    QueryOrFragment,
    #[error("the path has characters that a URL cannot have; write them as %XX")]
    Syntax,
    #[error("the path is not in its normal form, which no request would match")]
    NotNormal,
}

impl HostPattern {
    /// # Errors
    /// If the text is not a host, or has `*` elsewhere than as its first label.
    pub fn parse(text: &str) -> Result<Self, InvalidHostPattern> {
        let text = text.to_ascii_lowercase();
        let (name, wildcard) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text.as_str(), false),
        };
        if name.contains('*') {
            return Err(InvalidHostPattern::Wildcard);
        }
        let is_ipv6 = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
        let is_name = name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
        match (is_name, is_ipv6, wildcard) {
            (true, _, true) => Ok(Self::Wildcard(name.to_owned())),
            (true, _, false) | (_, true, false) => Ok(Self::Exact(name.to_owned())),
            (false, _, _) => Err(InvalidHostPattern::Syntax),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(name) => write!(f, "*.{name}"),
        }
    }
}

impl PathPrefix {
    /// # Errors
    /// If the text is not an absolute path in its normal form.
    pub fn parse(text: &str) -> Result<Self, InvalidPathPrefix> {
        if !text.starts_with('/') {
            return Err(InvalidPathPrefix::NoSlash);
        }
        if text.contains(['?', '#']) {
            return Err(InvalidPathPrefix::QueryOrFragment);
        }
        if http::uri::PathAndQuery::try_from(text).is_err() || !text.is_ascii() || text.contains('\\') {
            return Err(InvalidPathPrefix::Syntax);
        }
        if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(InvalidPathPrefix::NotNormal);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// Empty for the root, else `/api`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests;
