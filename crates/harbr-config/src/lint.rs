//! What a good file says and probably does not mean. Warnings only: they refuse nothing.
//!
//! What one route or one health check shows by itself is warned of where that is read, in `build`.

use std::collections::{HashMap, HashSet};

use harbr_model::{HostPattern, OddPaths, Route, RouteMatch};
use http::Method;

use crate::build::Built;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::raw::RawConfig;

/// How far back in a list a route is looked for that takes all of another's requests; and of how many hosts one
/// is looked for whose rule shadows a route. Past that nothing is warned of.
const MAX_COMPARED: usize = 100;

pub(crate) fn lint(raw: &RawConfig, built: &Built, findings: &mut Findings) {
    unused_upstreams(raw, built, findings);
    let routes = built.snapshot.routes();
    for group in routes.chunk_by(|a, b| a.matches.host == b.matches.host && a.matches.path == b.matches.path)
    {
        never_matching(group, built, findings);
    }
    shadowed_by_hosts(built, findings);
}

fn unused_upstreams(raw: &RawConfig, built: &Built, findings: &mut Findings) {
    let used: HashSet<&str> = built.snapshot.routes().iter().map(|route| route.upstream.as_str()).collect();
    for entry in raw.upstreams.given().map_or(&[][..], |entries| &entries.value.0) {
        let name = &entry.key;
        if !used.contains(name.value.as_str()) {
            let message = format!("no route uses the upstream `{}`", name.value);
            findings.push(Diagnostic::new(Code::UnusedUpstream, name.span, message));
        }
    }
}

/// `group`: the routes of one host and path, in their order.
fn never_matching(group: &[Route], built: &Built, findings: &mut Findings) {
    for (index, route) in group.iter().enumerate() {
        let never = |message: String| Diagnostic::new(Code::NeverMatches, built.span(route), message);
        let earlier = &group[index.saturating_sub(MAX_COMPARED)..index];
        if let Some(problem) = never_normal(route.matches.path.as_str(), built.snapshot.settings().odd_paths)
        {
            let diagnostic =
                never(format!("no request matches the path of route `{}`: {problem}", route.name));
            findings.push(diagnostic);
        } else if !route.matches.methods.is_empty()
            && route.matches.methods.iter().all(|method| *method == Method::TRACE)
        {
            findings.push(never("TRACE is refused before a route is looked for".to_owned()));
        } else if let Some(first) = taker(&route.matches, earlier) {
            findings.push(
                never("this route never answers: those before it take all of its requests".to_owned())
                    .with_related(built.span(first), "the first that takes some")
                    .with_hint("move the route with more conditions up"),
            );
        }
    }
}

/// The first of those that, together, fulfil all of its conditions with each request that does.
fn taker<'r>(matches: &RouteMatch, earlier: &'r [Route]) -> Option<&'r Route> {
    let takers =
        || earlier.iter().filter(|route| route.matches.headers.iter().all(|it| matches.headers.contains(it)));
    let takes_any = takers().any(|route| route.matches.methods.is_empty());
    let takes = |method| takers().any(|route| route.matches.methods.contains(method));
    let takes_each = !matches.methods.is_empty() && matches.methods.iter().all(takes);
    if takes_any || takes_each { takers().next() } else { None }
}

/// Why no path in its normal form starts like this.
fn never_normal(path: &str, odd: OddPaths) -> Option<String> {
    for part in path.split('%').skip(1) {
        let escape = part.get(..2).unwrap_or(part);
        let byte = u8::from_str_radix(escape, 16);
        let problem = match byte {
            Err(_) => format!("`%{escape}` is no escape, and such a request is refused"),
            Ok(0) if !odd.nul => format!("a request with `%{escape}` is refused"),
            Ok(b'\\') if !odd.backslash => format!("a request with `%{escape}` is refused"),
            Ok(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                format!("`%{escape}` is `{}` before it is matched", char::from(byte))
            }
            Ok(_) if escape.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                format!("`%{escape}` is `%{}` before it is matched", escape.to_ascii_uppercase())
            }
            Ok(_) => continue,
        };
        return Some(problem);
    }
    None
}

/// A longer prefix that, for some host, a shorter one comes before: the host decides first.
fn shadowed_by_hosts(built: &Built, findings: &mut Findings) {
    let rules = HostRules::of(built.snapshot.routes());
    let mut seen = HashSet::new();
    for route in built.snapshot.routes() {
        let RouteMatch { host, path, .. } = &route.matches;
        if !seen.insert((host, path)) {
            continue;
        }
        let Some(shadow) = rules.shadow_of(host, path.as_str()) else { continue };
        let (key, theirs) = (&route.name, &shadow.matches.host);
        let message = format!(
            "requests for `{theirs}{path}` do not go to route `{key}`: `{}` comes first, since its host fits better",
            shadow.name
        );
        findings.push(
            Diagnostic::new(Code::ShadowedByHost, built.span(route), message)
                .with_related(built.span(shadow), "this one comes first")
                .with_hint(format!("if that is not meant, add a route `{theirs}{path}`")),
        );
    }
}

/// The prefixes of hosts, by the less specific pattern that they come before.
struct HostRules<'r> {
    /// By prefix: the first routes there.
    below_any: HashMap<&'r str, Vec<&'r Route>>,
    below_wildcard: HashMap<(&'r str, &'r str), Vec<&'r Route>>,
    all: HashSet<(&'r HostPattern, &'r str)>,
}

impl<'r> HostRules<'r> {
    fn of(routes: &'r [Route]) -> Self {
        let wildcards: HashSet<&str> = routes
            .iter()
            .filter_map(|route| match &route.matches.host {
                HostPattern::Wildcard(name) => Some(name.as_str()),
                HostPattern::Exact(_) | HostPattern::Any => None,
            })
            .collect();
        let mut rules =
            Self { below_any: HashMap::new(), below_wildcard: HashMap::new(), all: HashSet::new() };
        for route in routes {
            let (host, path) = (&route.matches.host, route.matches.path.as_str());
            if !rules.all.insert((host, path)) {
                continue;
            }
            let (HostPattern::Exact(name) | HostPattern::Wildcard(name)) = host else { continue };
            add(rules.below_any.entry(path).or_default(), route);
            for (dot, _) in name.match_indices('.') {
                let parent = &name[dot + 1..];
                if wildcards.contains(parent) {
                    add(rules.below_wildcard.entry((parent, path)).or_default(), route);
                }
            }
        }
        rules
    }

    /// A route of a host that `host` stands for as well, with a prefix of `path`, where that host has no route
    /// for `path` itself.
    fn shadow_of(&self, host: &HostPattern, path: &str) -> Option<&'r Route> {
        let prefixes = path.match_indices('/').map(|(slash, _)| &path[..slash]);
        let rules = prefixes.filter_map(|prefix| match host {
            HostPattern::Any => self.below_any.get(prefix),
            HostPattern::Wildcard(name) => self.below_wildcard.get(&(name.as_str(), prefix)),
            HostPattern::Exact(_) => None,
        });
        rules.flatten().find(|route| !self.all.contains(&(&route.matches.host, path))).copied()
    }
}

fn add<'r>(routes: &mut Vec<&'r Route>, route: &'r Route) {
    if routes.len() < MAX_COMPARED {
        routes.push(route);
    }
}

impl Built {
    fn span(&self, route: &Route) -> Span {
        self.routes.get(&route.name).copied().unwrap_or(Span::START)
    }
}

#[cfg(test)]
mod tests;
