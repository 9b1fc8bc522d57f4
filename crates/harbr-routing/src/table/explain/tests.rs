use std::collections::HashSet;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::super::tests::route;
use super::*;

fn canary() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("x-env"), HeaderValue::from_static("canary"))])
}

/// What becomes of each candidate, one per line.
fn verdicts(routes: &[&'static str], host: &str, path: &str, method: &Method) -> Vec<String> {
    let table = RouteTable::new(routes.iter().map(|text| (route(text), *text)));
    let explanation = table.explain(&RequestHead { host, path, method, headers: &HeaderMap::new() });
    explanation.candidates.iter().map(|(name, verdict)| format!("{name}: {verdict}")).collect()
}

#[test]
fn each_candidate_says_why_it_does_not_answer() {
    let routes =
        ["/", "a.b/", "a.b/api x-env=canary", "POST,PUT a.b/api", "a.b/api", "a.b/api x-env=late", "*.b/api"];
    assert_eq!(
        verdicts(&routes, "A.b", "/api/x", &Method::GET),
        [
            "a.b/api x-env=canary: no header `x-env: canary`",
            "POST,PUT a.b/api: only for POST, PUT",
            "a.b/api: answers",
            "a.b/api x-env=late: it stands further down in the list",
            "a.b/: its path is shorter",
            "*.b/api: its host is less specific",
            "/: its host is less specific",
        ]
    );
}

#[test]
fn a_method_that_is_not_allowed_ends_the_search() {
    let routes = ["/", "POST /api"];
    let expected = ["POST /api: only for POST", "/: its path is shorter"];
    assert_eq!(verdicts(&routes, "a", "/api", &Method::GET), expected);
}

/// Routes of few hosts, paths and conditions, so that many of them match.
fn any_route() -> impl Strategy<Value = String> {
    let matches = "(|a\\.b\\.c|b\\.c|\\*\\.b\\.c|\\*\\.c)(/[ab]{0,2}){1,3}";
    (
        prop::sample::select(vec!["", "GET ", "POST,PUT "]),
        matches,
        prop::sample::select(vec!["", " x-env=canary"]),
    )
        .prop_map(|(methods, matches, header)| format!("{methods}{matches}{header}"))
}

type Request = (String, String, Method, bool);

fn any_request() -> impl Strategy<Value = Request> {
    let method = prop::sample::select(vec![Method::GET, Method::POST]);
    ("(a|b)?\\.?(b\\.)?[cC]", "(/[ab]{0,2}){1,4}", method, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// 100,000 requests to 1,000 tables.
    #[test]
    fn what_is_explained_is_what_is_found(
        routes in prop::collection::vec(any_route(), 0..16),
        requests in prop::collection::vec(any_request(), 100),
    ) {
        let routes: Vec<RouteMatch> = routes.iter().map(|text| route(text)).collect();
        let table = RouteTable::new(routes.iter().cloned().enumerate().map(|(index, it)| (it, index)));
        let (with, without) = (canary(), HeaderMap::new());
        for (host, path, method, is_canary) in &requests {
            let headers = if *is_canary { &with } else { &without };
            let head = RequestHead { host, path, method, headers };
            let explanation = table.explain(&head);
            prop_assert_eq!(&explanation.found, &table.find(&head));

            let answering: Vec<_> =
                explanation.candidates.iter().filter(|(_, it)| *it == Verdict::Answers).map(|(it, _)| *it).collect();
            match &explanation.found {
                Found::Route(index) => prop_assert_eq!(answering, [*index]),
                Found::MethodNotAllowed(_) | Found::NoRoute => prop_assert!(answering.is_empty()),
            }
            let candidates: HashSet<usize> = explanation.candidates.iter().map(|(index, _)| **index).collect();
            prop_assert_eq!(candidates.len(), explanation.candidates.len());
            for (index, matches) in routes.iter().enumerate() {
                prop_assert_eq!(mismatch(matches, &head).is_none(), candidates.contains(&index));
            }
        }
    }
}
