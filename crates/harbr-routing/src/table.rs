mod explain;

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use harbr_model::{HeaderMatch, HostPattern, RouteMatch};
use http::{HeaderMap, Method};

pub use explain::{Explanation, Mismatch, Precedence, Verdict, mismatch};

/// Routes by host and path. A look-up costs the same with three routes as with 100,000: it hashes the
/// request's prefixes that have the length of a configured one, from the longest down.
#[derive(Debug)]
pub struct RouteTable<T> {
    exact: HashMap<Box<str>, Paths<T>, RandomState>,
    /// By the name below the star.
    wildcard: HashMap<Box<str>, Paths<T>, RandomState>,
    any: Paths<T>,
}

/// What of a request decides its route.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// Without the port.
    pub host: &'a str,
    /// In its [normal form](crate::normal_form), without the query.
    pub path: &'a str,
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a, T> {
    Route(&'a T),
    /// The longest path that matches is there, but for these methods only.
    MethodNotAllowed(Vec<Method>),
    NoRoute,
}

/// The path prefixes of one host.
#[derive(Debug)]
struct Paths<T> {
    /// Keys never end in a slash; the root is empty.
    by_prefix: HashMap<Box<str>, Vec<Candidate<T>>, RandomState>,
    /// Whether a prefix of this length exists: bounds the work by what is configured, not by the request.
    lengths: Vec<bool>,
}

#[derive(Debug)]
struct Candidate<T> {
    methods: Vec<Method>,
    headers: Vec<HeaderMatch>,
    route: T,
}

impl<T> RouteTable<T> {
    /// Routes with the same host and path are tried in the order given.
    pub fn new(routes: impl IntoIterator<Item = (RouteMatch, T)>) -> Self {
        let mut table =
            Self { exact: HashMap::default(), wildcard: HashMap::default(), any: Paths::default() };
        for (matches, route) in routes {
            let RouteMatch { host, path, methods, headers } = matches;
            let paths = match host {
                HostPattern::Any => &mut table.any,
                HostPattern::Exact(name) => table.exact.entry(name.into()).or_default(),
                HostPattern::Wildcard(name) => table.wildcard.entry(name.into()).or_default(),
            };
            paths.insert(path.as_str(), Candidate { methods, headers, route });
        }
        table
    }

    /// The host decides first (exact, longest wildcard, any), then the longest path, then the order of the
    /// routes there. A host none of whose paths match leaves the request to the next.
    #[must_use]
    pub fn find(&self, head: &RequestHead<'_>) -> Found<'_, T> {
        for paths in self.hosts(head.host) {
            match paths.find(head) {
                Found::NoRoute => {}
                found @ (Found::Route(_) | Found::MethodNotAllowed(_)) => return found,
            }
        }
        Found::NoRoute
    }

    fn hosts<'s>(&'s self, host: &str) -> impl Iterator<Item = &'s Paths<T>> {
        let host =
            if self.exact.is_empty() && self.wildcard.is_empty() { Cow::Borrowed("") } else { lower(host) };
        let exact = self.exact.get(host.as_ref());
        let wildcards: Vec<_> = if self.wildcard.is_empty() {
            Vec::new()
        } else {
            let parents = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
            parents.filter_map(|parent| self.wildcard.get(parent)).collect()
        };
        exact.into_iter().chain(wildcards).chain(std::iter::once(&self.any))
    }
}

impl<T> Paths<T> {
    fn insert(&mut self, prefix: &str, candidate: Candidate<T>) {
        if self.lengths.len() <= prefix.len() {
            self.lengths.resize(prefix.len() + 1, false);
        }
        self.lengths[prefix.len()] = true;
        match self.by_prefix.entry(prefix.into()) {
            // Room for one: nearly every path has one route.
            Entry::Vacant(path) => drop(path.insert(vec![candidate])),
            Entry::Occupied(mut path) => path.get_mut().push(candidate),
        }
    }

    fn find(&self, head: &RequestHead<'_>) -> Found<'_, T> {
        for candidates in self.prefixes_of(head.path) {
            let mut allowed = Vec::new();
            for candidate in candidates.iter().filter(|it| it.missing_header(head.headers).is_none()) {
                if candidate.takes(head.method) {
                    return Found::Route(&candidate.route);
                }
                allowed.extend(candidate.methods.iter().cloned());
            }
            if !allowed.is_empty() {
                return Found::MethodNotAllowed(allowed);
            }
        }
        Found::NoRoute
    }

    /// The configured prefixes of a path, the longest first: cut at each slash from the right.
    fn prefixes_of<'s>(&'s self, path: &str) -> impl Iterator<Item = &'s [Candidate<T>]> {
        let longest = path.len().min(self.lengths.len().saturating_sub(1));
        let ends = (0..=longest).rev();
        ends.filter(|&end| self.lengths.get(end) == Some(&true) && is_boundary(path.as_bytes(), end))
            .filter_map(|end| self.by_prefix.get(path.get(..end)?))
            .map(Vec::as_slice)
    }
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self { by_prefix: HashMap::default(), lengths: Vec::new() }
    }
}

impl<T> Candidate<T> {
    /// The first condition on a header that does not hold.
    fn missing_header(&self, headers: &HeaderMap) -> Option<&HeaderMatch> {
        let is_there =
            |wanted: &HeaderMatch| headers.get_all(&wanted.name).iter().any(|value| value == wanted.value);
        self.headers.iter().find(|wanted| !is_there(wanted))
    }

    fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }
}

/// A segment of the path ends here.
fn is_boundary(path: &[u8], end: usize) -> bool {
    path.len() == end || path.get(end) == Some(&b'/')
}

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests;
