//! Why a route answers, and why the others do not. The same table, in the same order, as
//! [`RouteTable::find`]; it only does not stop where that does.

use std::fmt;

use harbr_model::{HeaderMatch, HostPattern, RouteMatch};
use http::Method;

use super::{Candidate, Found, RequestHead, RouteTable, is_boundary, lower};

/// What [`RouteTable::find`] answers, and on the way to it every route whose host and path match.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation<'a, T> {
    pub found: Found<'a, T>,
    /// In the order in which they are tried.
    pub candidates: Vec<(&'a T, Verdict<'a>)>,
}

/// What becomes of a route whose host and path match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It answers.
    Answers,
    /// The request does not have this header, or not with this value.
    Header(&'a HeaderMatch),
    /// It is for these methods only.
    Method(&'a [Method]),
    /// Another answered before, or refused the method.
    Behind(Precedence),
}

/// By what a route comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    Host,
    Path,
    Order,
}

/// Why a route is not even a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    Host,
    Path,
}

impl<T> RouteTable<T> {
    /// Takes as long as there are candidates; for a person who asks, not for a request.
    #[must_use]
    pub fn explain(&self, head: &RequestHead<'_>) -> Explanation<'_, T> {
        let mut candidates = Vec::new();
        let mut found = Found::NoRoute;
        // The host and the prefix at which the search is over.
        let mut over: Option<(usize, usize)> = None;
        for (host, paths) in self.hosts(head.host).enumerate() {
            for (prefix, at_prefix) in paths.prefixes_of(head.path).enumerate() {
                let mut allowed = Vec::new();
                for candidate in at_prefix {
                    let verdict = match over {
                        None => candidate.verdict(head),
                        Some((at, _)) if at != host => Verdict::Behind(Precedence::Host),
                        Some((_, at)) if at != prefix => Verdict::Behind(Precedence::Path),
                        Some(_) => Verdict::Behind(Precedence::Order),
                    };
                    match verdict {
                        Verdict::Answers => {
                            (found, over) = (Found::Route(&candidate.route), Some((host, prefix)));
                        }
                        Verdict::Method(methods) => allowed.extend(methods.iter().cloned()),
                        Verdict::Header(_) | Verdict::Behind(_) => {}
                    }
                    candidates.push((&candidate.route, verdict));
                }
                if over.is_none() && !allowed.is_empty() {
                    (found, over) = (Found::MethodNotAllowed(allowed), Some((host, prefix)));
                }
            }
        }
        Explanation { found, candidates }
    }
}

impl<T> Candidate<T> {
    fn verdict(&self, head: &RequestHead<'_>) -> Verdict<'_> {
        match self.missing_header(head.headers) {
            Some(header) => Verdict::Header(header),
            None if self.takes(head.method) => Verdict::Answers,
            None => Verdict::Method(&self.methods),
        }
    }
}

/// `None`: the route is a candidate for the request, and among those of [`RouteTable::explain`].
#[must_use]
pub fn mismatch(matches: &RouteMatch, head: &RequestHead<'_>) -> Option<Mismatch> {
    let host = lower(head.host);
    let host_matches = match &matches.host {
        HostPattern::Any => true,
        HostPattern::Exact(name) => *name == host,
        HostPattern::Wildcard(name) => {
            host.strip_suffix(name.as_str()).is_some_and(|above| above.ends_with('.'))
        }
    };
    let prefix = matches.path.as_str();
    let path_matches = head.path.starts_with(prefix) && is_boundary(head.path.as_bytes(), prefix.len());
    match (host_matches, path_matches) {
        (true, true) => None,
        (true, false) => Some(Mismatch::Path),
        (false, _) => Some(Mismatch::Host),
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answers => f.write_str("answers"),
            Self::Header(HeaderMatch { name, value }) => {
                write!(f, "no header `{name}: {}`", String::from_utf8_lossy(value.as_bytes()))
            }
            Self::Method(methods) => {
                let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
                write!(f, "only for {}", methods.join(", "))
            }
            Self::Behind(Precedence::Host) => f.write_str("its host is less specific"),
            Self::Behind(Precedence::Path) => f.write_str("its path is shorter"),
            Self::Behind(Precedence::Order) => f.write_str("it stands further down in the list"),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "for another host",
            Self::Path => "for another path",
        })
    }
}

#[cfg(test)]
mod tests;
