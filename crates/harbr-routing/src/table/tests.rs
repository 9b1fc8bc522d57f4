use harbr_model::{HeaderMatch, HostPattern, PathPrefix, RouteMatch};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::{Found, RequestHead, RouteTable};

/// `[METHOD,…] [host]/path [name=value]`
pub(super) fn route(text: &str) -> RouteMatch {
    let mut matches = RouteMatch {
        host: HostPattern::Any,
        path: PathPrefix::parse("/").unwrap(),
        methods: Vec::new(),
        headers: Vec::new(),
    };
    for word in text.split(' ') {
        if let Some((name, value)) = word.split_once('=') {
            let name: HeaderName = name.parse().unwrap();
            matches.headers.push(HeaderMatch { name, value: HeaderValue::from_str(value).unwrap() });
        } else if let Some(slash) = word.find('/') {
            let (host, path) = word.split_at(slash);
            if !host.is_empty() {
                matches.host = HostPattern::parse(host).unwrap();
            }
            matches.path = PathPrefix::parse(path).unwrap();
        } else {
            matches.methods = word.split(',').map(|method| method.parse().unwrap()).collect();
        }
    }
    matches
}

fn table(routes: &[&'static str]) -> RouteTable<&'static str> {
    RouteTable::new(routes.iter().map(|text| (route(text), *text)))
}

fn find(routes: &[&'static str], host: &str, path: &str) -> String {
    find_with(routes, host, path, &Method::GET, &HeaderMap::new())
}

fn find_with(
    routes: &[&'static str],
    host: &str,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> String {
    match table(routes).find(&RequestHead { host, path, method, headers }) {
        Found::Route(name) => (*name).to_owned(),
        Found::MethodNotAllowed(methods) => format!("only {methods:?}"),
        Found::NoRoute => "none".to_owned(),
    }
}

#[test]
fn a_prefix_matches_on_segment_boundaries_only() {
    let routes = ["/api"];
    for (path, expected) in [
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/api/x", "/api"),
        ("/api//x", "/api"),
        ("/apix", "none"),
        ("//api", "none"),
        ("/api%2Fx", "none"),
        ("/ap", "none"),
        ("/", "none"),
    ] {
        assert_eq!(find(&routes, "a", path), expected, "{path}");
    }
}

#[test]
fn a_key_with_a_trailing_slash_matches_without_it() {
    assert_eq!(find(&["/api/"], "a", "/api"), "/api/");
}

#[test]
fn the_longest_prefix_wins_and_the_root_catches_all() {
    let routes = ["/", "/api", "/api/v1/users", "/api/v1"];
    for (path, expected) in [
        ("/api/v1/users/7", "/api/v1/users"),
        ("/api/v1/user", "/api/v1"),
        ("/api/v2", "/api"),
        ("/other", "/"),
        ("/", "/"),
    ] {
        assert_eq!(find(&routes, "a", path), expected, "{path}");
    }
}

#[test]
fn hosts_go_exact_then_longest_wildcard_then_any() {
    let routes = ["a.example.com/x", "*.example.com/", "*.b.example.com/", "/"];
    for (host, path, expected) in [
        ("a.example.com", "/x", "a.example.com/x"),
        ("A.Example.COM", "/x/y", "a.example.com/x"),
        ("a.example.com", "/y", "*.example.com/"),
        ("c.example.com", "/", "*.example.com/"),
        ("c.d.example.com", "/", "*.example.com/"),
        ("c.b.example.com", "/", "*.b.example.com/"),
        ("b.example.com", "/", "*.example.com/"),
        ("example.com", "/", "/"),
        ("other", "/", "/"),
        ("", "/", "/"),
    ] {
        assert_eq!(find(&routes, host, path), expected, "{host}{path}");
    }
}

#[test]
fn a_path_that_is_there_for_other_methods_is_not_allowed() {
    let routes = ["/", "GET,HEAD /api"];
    let post = |path: &str| find_with(&routes, "a", path, &Method::POST, &HeaderMap::new());
    assert_eq!(post("/api/x"), "only [GET, HEAD]");
    assert_eq!(post("/other"), "/");
}

#[test]
fn of_a_list_the_first_whose_conditions_hold_answers() {
    let routes = ["/api x-env=canary", "POST /api", "/api", "/only x-env=canary", "/"];
    let canary =
        HeaderMap::from_iter([(HeaderName::from_static("x-env"), HeaderValue::from_static("canary"))]);
    let none = HeaderMap::new();
    assert_eq!(find_with(&routes, "a", "/api", &Method::POST, &canary), "/api x-env=canary");
    assert_eq!(find_with(&routes, "a", "/api", &Method::POST, &none), "POST /api");
    assert_eq!(find_with(&routes, "a", "/api", &Method::GET, &none), "/api");
    assert_eq!(find_with(&routes, "a", "/only", &Method::GET, &none), "/");
}

/// The rule as a reader would write it down: every route, one by one.
fn naive<'a>(routes: &'a [RouteMatch], host: &str, path: &str) -> Option<&'a RouteMatch> {
    let host_rank = |pattern: &HostPattern| match pattern {
        HostPattern::Exact(name) => (name == host).then_some(usize::MAX),
        HostPattern::Wildcard(name) => host.ends_with(&format!(".{name}")).then_some(name.len()),
        HostPattern::Any => Some(0),
    };
    let path_rank = |prefix: &PathPrefix| {
        let rest = path.strip_prefix(prefix.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(prefix.as_str().len())
    };
    let ranked =
        routes.iter().filter_map(|route| Some(((host_rank(&route.host)?, path_rank(&route.path)?), route)));
    ranked.rev().max_by_key(|(rank, _)| *rank).map(|(_, route)| route)
}

proptest! {
    #[test]
    fn the_table_answers_as_the_naive_rule(
        routes in proptest::collection::vec("(|a\\.b\\.c|b\\.c|\\*\\.b\\.c|\\*\\.c)(/[ab]{0,2}){1,3}", 0..12),
        host in "(a|b)?\\.?(b\\.)?c",
        path in "(/[ab]{0,2}){1,4}",
    ) {
        let routes: Vec<_> = routes.iter().map(|text| route(text)).collect();
        let table = RouteTable::new(routes.iter().enumerate().map(|(index, route)| (route.clone(), index)));
        let headers = HeaderMap::new();
        let found = table.find(&RequestHead { host: &host, path: &path, method: &Method::GET, headers: &headers });
        let expected = naive(&routes, &host, &path).map(|route| (route.host.clone(), route.path.clone()));
        let found = match found {
            Found::Route(index) => Some((routes[*index].host.clone(), routes[*index].path.clone())),
            Found::MethodNotAllowed(_) | Found::NoRoute => None,
        };
        prop_assert_eq!(found, expected);
    }
}
