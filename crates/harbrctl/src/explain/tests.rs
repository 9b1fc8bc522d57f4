use std::net::{IpAddr, Ipv4Addr};

use harbr_proto::document::EndpointDocument;
use prost_types::Timestamp;

use harbr_explain::{HeaderArg, RequestToExplain, Shown, Subject, explain};

use super::text;
use crate::paint::Paint;
use crate::testing::{check_golden, pretty, subject};

const ROUTES: &str = "\
upstreams:
  users:
    endpoints: [\"http://10.0.0.1:8080/base\", {url: \"http://10.0.0.2:8080\", weight: 3}]
    health_check: {path: /health, fall: 3}
routes:
  api.example.com/v1:
    - upstream: users
      methods: [POST]
    - upstream: users
      headers: {match: {x-canary: \"1\"}}
    - upstream: users
      timeout_ms: 3000
      retry_count: 2
      rewrite: /users
      headers: {request: {set: {x-a: b}, remove: [cookie]}}
  \"*.example.com/\": {upstream: \"http://site\", host_header: upstream, strip_prefix: true}
  /v1: {upstream: \"http://old\"}
  /v2: {upstream: \"http://old\"}
  /only: {upstream: \"http://old\", methods: [PUT]}
";

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn the_subject() -> Subject {
    subject("config.yml", ROUTES)
}

fn request(words: &[&str], headers: &[&str]) -> RequestToExplain {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let headers: Vec<HeaderArg> = headers.iter().map(|header| header.parse().unwrap()).collect();
    RequestToExplain::new(&words, &headers, CLIENT).unwrap()
}

fn endpoint(subject: &mut Subject, index: usize) -> &mut EndpointDocument {
    &mut subject.documents.upstreams.get_mut("users").unwrap().endpoints[index]
}

#[test]
fn an_answer_is_explained_from_the_match_to_the_endpoints() {
    let mut subject = the_subject();
    let out = endpoint(&mut subject, 1);
    out.health = "unhealthy";
    out.last_error = Some("no answer in time".to_owned());
    // 2026-01-02T03:04:05Z
    out.since = Some(Timestamp { seconds: 1_767_323_045, nanos: 0 });
    let request = request(
        &["https://api.example.com:8443/v1/%7Eann?x=1"],
        &["Cookie: a=b", "Connection: x-hop", "X-Hop: 1", "X-Forwarded-For: 1.2.3.4"],
    );
    let document = explain(&subject, &request, Shown::Candidates);
    check_golden("explain.json", &pretty(&document));
    check_golden("explain.txt", &text(&document, Paint::Plain));
}

#[test]
fn what_no_route_answers_is_explained_too() {
    let subject = the_subject();
    let outcome = |words: &[&str]| {
        let document = explain(&subject, &request(words, &[]), Shown::All);
        (document.status, document.candidates.len() + usize::from(document.route.is_some()))
    };
    assert_eq!(outcome(&["/nowhere"]), (Some(404), 7));
    assert_eq!(outcome(&["GET", "/only/x"]), (Some(405), 7));
    assert_eq!(outcome(&["TRACE", "/v1"]), (Some(405), 0));
    assert_eq!(outcome(&["/a/../../b"]), (Some(400), 0));
    let document = explain(&subject, &request(&["/only"], &[]), Shown::Candidates);
    check_golden("explain_405.txt", &text(&document, Paint::Plain));
}

#[test]
fn without_an_endpoint_that_is_eligible_the_answer_is_503() {
    let mut subject = the_subject();
    for index in 0..2 {
        endpoint(&mut subject, index).health = "unhealthy";
    }
    let document = explain(&subject, &request(&["api.example.com/v1"], &[]), Shown::Candidates);
    assert_eq!(document.status, Some(503));
    assert!(document.route.is_some());
}

#[test]
fn an_endpoint_that_is_drained_or_in_a_panic_is_told_apart() {
    let mut subject = the_subject();
    endpoint(&mut subject, 0).drained = Some(harbr_proto::v1::Drained::default().into());
    endpoint(&mut subject, 1).health = "unhealthy";
    let eligible = |subject: &Subject| {
        let document = explain(subject, &request(&["api.example.com/v1"], &[]), Shown::Candidates);
        document.endpoints.iter().map(|endpoint| endpoint.eligible).collect::<Vec<_>>()
    };
    assert_eq!(eligible(&subject), [false, false]);
    subject.documents.upstreams.get_mut("users").unwrap().panic_threshold = 60;
    assert_eq!(eligible(&subject), [false, true]);
}

#[test]
fn the_host_is_that_of_the_url_or_of_the_header() {
    let host = |words: &[&str], headers: &[&str]| {
        let request = request(words, headers);
        (request.host().to_owned(), request.authority.clone())
    };
    let of = |host: &str, authority: &str| (host.to_owned(), Some(authority.to_owned()));
    assert_eq!(host(&["http://a.test:81/x"], &[]), of("a.test", "a.test:81"));
    assert_eq!(host(&["a.test/x"], &[]), of("a.test", "a.test"));
    assert_eq!(host(&["http://a.test/x"], &["Host: b.test:1"]), of("b.test", "b.test:1"));
    assert_eq!(host(&["http://[::1]:80/x"], &[]), of("[::1]", "[::1]:80"));
    assert_eq!(host(&["/x"], &[]), (String::new(), None));
    for words in [&["a b", "/x"][..], &["GET", "http://a b/"], &["GET", "/x", "/y"]] {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert!(RequestToExplain::new(&words, &[], CLIENT).is_err(), "{words:?}");
    }
}

#[test]
fn retries_are_told_by_what_the_method_allows() {
    let subject = the_subject();
    let retries = |words: &[&str]| {
        let document = explain(&subject, &request(words, &[]), Shown::Candidates);
        let retries = document.retries.unwrap();
        (retries.count, retries.after_failures)
    };
    assert_eq!(retries(&["GET", "api.example.com/v1"]), (2, true));
    assert_eq!(retries(&["PATCH", "api.example.com/v1"]), (2, false));
    assert_eq!(retries(&["POST", "api.example.com/v1"]), (0, false));
}
