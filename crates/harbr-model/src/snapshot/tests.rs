use std::time::Duration;

use super::{InvalidSnapshot, Resources, Snapshot};
use crate::{
    Balance, Certificate, ClientAuth, ClientAuthMode, Endpoint, HeaderEdits, HostHeader, HostPattern,
    Listener, ListenerTls, OutlierPolicy, PathPrefix, PathRewrite, PrivateKey, Protocol, Route, RouteMatch,
    Settings, TimeoutPolicy, TlsVersion, Upstream, UpstreamTls, Verification,
};

fn listener(name: &str) -> Listener {
    Listener::plain(name, "127.0.0.1:0".parse().unwrap())
}

fn upstream(name: &str, urls: &[&str]) -> Upstream {
    let endpoints = urls.iter().map(|url| Endpoint { url: url.parse().unwrap(), weight: 1 }).collect();
    Upstream {
        name: name.into(),
        endpoints,
        protocol: Protocol::Http1,
        balance: Balance::LeastRequest,
        health_check: None,
        panic_threshold: 0,
        outlier: OutlierPolicy::default(),
        tls: None,
        proxy_protocol: None,
    }
}

fn route(name: &str, path: &str, upstream: &str) -> Route {
    let second = Duration::from_secs(1);
    Route {
        name: name.into(),
        matches: RouteMatch {
            host: HostPattern::Any,
            path: PathPrefix::parse(path).unwrap(),
            methods: Vec::new(),
            headers: Vec::new(),
        },
        upstream: upstream.into(),
        rewrite: PathRewrite::Keep,
        host_header: HostHeader::Preserve,
        timeouts: TimeoutPolicy { attempt: second, request: second, idle: second },
        max_retries: 0,
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        max_body: 1,
    }
}

fn snapshot(
    listeners: Vec<Listener>,
    upstreams: Vec<Upstream>,
    routes: Vec<Route>,
) -> Result<Snapshot, InvalidSnapshot> {
    let settings = Settings::with_max_connections(10);
    Snapshot::new(Resources { listeners, upstreams, routes, ..Resources::new(settings) })
}

#[test]
fn resources_that_fit_together_make_a_snapshot() {
    let made = snapshot(vec![listener("a")], vec![upstream("u", &["http://a"])], vec![route("/", "/", "u")]);
    assert_eq!(made.map(|snapshot| snapshot.routes().len()), Ok(1));
}

#[test]
fn each_rule_that_resources_can_break_together_has_its_name() {
    let u = || upstream("u", &["http://a"]);
    let cases = [
        (snapshot(vec![], vec![u()], vec![route("/", "/", "u")]), InvalidSnapshot::NoListener),
        (snapshot(vec![listener("a")], vec![u()], vec![]), InvalidSnapshot::NoRoute),
        (
            snapshot(
                vec![listener("a")],
                vec![Upstream { protocol: Protocol::Http2, ..u() }],
                vec![route("/", "/", "u")],
            ),
            InvalidSnapshot::Protocol { name: "u".into(), protocol: "h2", url: "http://a".into() },
        ),
        (
            snapshot(vec![listener("a"), listener("a")], vec![u()], vec![route("/", "/", "u")]),
            InvalidSnapshot::DuplicateName { what: "listeners", name: "a".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![u(), u()], vec![route("/", "/", "u")]),
            InvalidSnapshot::DuplicateName { what: "upstreams", name: "u".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![upstream("u", &[])], vec![route("/", "/", "u")]),
            InvalidSnapshot::NoEndpoint { name: "u".into() },
        ),
        (
            snapshot(
                vec![listener("a")],
                vec![upstream("u", &["http://a", "http://a/"])],
                vec![route("/", "/", "u")],
            ),
            InvalidSnapshot::DuplicateEndpoint { name: "u".into(), url: "http://a".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![u()], vec![route("/", "/", "v")]),
            InvalidSnapshot::UnknownUpstream { route: "/".into(), upstream: "v".into() },
        ),
        (
            snapshot(vec![listener("a")], vec![u()], vec![route("/a", "/a", "u"), route("/a/", "/a/", "u")]),
            InvalidSnapshot::SameMatch { first: "/a".into(), second: "/a/".into() },
        ),
    ];
    for (made, expected) in cases {
        assert_eq!(made, Err(expected));
    }
}

#[test]
fn a_request_timeout_below_an_attempts_is_out_of_range() {
    let mut short = route("/", "/", "u");
    short.timeouts.request = Duration::from_millis(1);
    let made = snapshot(vec![listener("a")], vec![upstream("u", &["http://a"])], vec![short]);
    let what = "route `/`".to_owned();
    assert_eq!(made, Err(InvalidSnapshot::OutOfRange { what, setting: "a request timeout" }));
}

#[test]
fn a_listener_has_certificates_that_exist() {
    let certificate = |name: &str| Certificate {
        name: name.into(),
        chain: vec![[1].into()],
        key: PrivateKey::from_der(&[2]),
    };
    let made = |named: &[&str], given: Vec<Certificate>| {
        let certificates = named.iter().map(|name| (*name).to_owned()).collect();
        let tls = Some(ListenerTls { certificates, min_version: TlsVersion::V1_2, client_auth: None });
        Snapshot::new(Resources {
            listeners: vec![Listener { tls, ..listener("a") }],
            certificates: given,
            upstreams: vec![upstream("u", &["http://a"])],
            routes: vec![route("/", "/", "u")],
            ..Resources::new(Settings::with_max_connections(10))
        })
    };
    assert!(made(&["x", "y"], vec![certificate("y"), certificate("x")]).is_ok());
    let what = || "listener `a`".to_owned();
    let unknown = InvalidSnapshot::UnknownCertificate { what: what(), certificate: "y".into() };
    assert_eq!(made(&["x", "y"], vec![certificate("x")]), Err(unknown));
    let none = InvalidSnapshot::OutOfRange { what: what(), setting: "the number of certificates" };
    assert_eq!(made(&[], vec![certificate("x")]), Err(none));
    let twice = InvalidSnapshot::DuplicateName { what: "certificates", name: "x".into() };
    assert_eq!(made(&["x"], vec![certificate("x"), certificate("x")]), Err(twice));
    let empty = Certificate { chain: Vec::new(), ..certificate("x") };
    assert_eq!(made(&["x"], vec![empty]), Err(InvalidSnapshot::EmptyCertificate { name: "x".into() }));
}

#[test]
fn authorities_and_certificates_that_are_named_exist() {
    let made = |listener: Listener, upstream: Upstream| {
        Snapshot::new(Resources {
            listeners: vec![listener],
            upstreams: vec![upstream],
            routes: vec![route("/", "/", "u")],
            ..Resources::new(Settings::with_max_connections(10))
        })
    };
    let upstream = || upstream("u", &["https://a"]);
    let plain = UpstreamTls {
        authority: None,
        server_name: None,
        certificate: None,
        verification: Verification::Full,
    };
    let certificate = UpstreamTls { certificate: Some("x".into()), ..plain.clone() };
    let authority = UpstreamTls { authority: Some("x".into()), ..plain.clone() };
    let with = |tls| Upstream { tls: Some(tls), ..upstream() };
    assert!(made(listener("a"), with(plain)).is_ok());
    let what = "upstream `u`".to_owned();
    let unknown = InvalidSnapshot::UnknownCertificate { what: what.clone(), certificate: "x".into() };
    assert_eq!(made(listener("a"), with(certificate)), Err(unknown));
    let unknown = InvalidSnapshot::UnknownAuthority { what, authority: "x".into() };
    assert_eq!(made(listener("a"), with(authority)), Err(unknown));

    let client_auth = Some(ClientAuth { authority: "x".into(), mode: ClientAuthMode::Required });
    let tls = ListenerTls { certificates: Vec::new(), min_version: TlsVersion::V1_3, client_auth };
    let redirected = Listener { tls: Some(tls), redirect_https: Some(443), ..listener("a") };
    let what = "listener `a`".to_owned();
    assert_eq!(made(redirected, upstream()), Err(InvalidSnapshot::RedirectedTls { what }));
}
