use std::time::Duration;

use harbr_model::{
    Balance, Endpoint, HeaderEdits, HostHeader, HostPattern, Listener, PathPrefix, PathRewrite, Route,
    RouteMatch, Settings, Snapshot, TimeoutPolicy, Upstream,
};
use harbr_proto::{EncodedSnapshot, Fence};

use super::{from_bytes, to_bytes};
use crate::node::Serving;

fn snapshot() -> EncodedSnapshot {
    let second = Duration::from_secs(1);
    let endpoints = vec![Endpoint { url: "http://127.0.0.1:1".parse().unwrap(), weight: 1 }];
    let balance = Balance::RoundRobin;
    let upstream = Upstream { name: "u".into(), endpoints, balance, health_check: None };
    let route = Route {
        name: "/".into(),
        matches: RouteMatch {
            host: HostPattern::Any,
            path: PathPrefix::parse("/").unwrap(),
            methods: Vec::new(),
            headers: Vec::new(),
        },
        upstream: "u".into(),
        rewrite: PathRewrite::Keep,
        host_header: HostHeader::Preserve,
        timeouts: TimeoutPolicy { attempt: second, request: second, idle: second },
        max_retries: 0,
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        max_body: 1,
    };
    let listener = Listener { name: "default".into(), addr: "127.0.0.1:0".parse().unwrap() };
    let settings = Settings::with_max_connections(1);
    EncodedSnapshot::encode(&Snapshot::new(settings, vec![listener], vec![upstream], vec![route]).unwrap())
}

fn file() -> (Serving, Vec<u8>) {
    let snapshot = snapshot();
    let fence = Fence { epoch: 2, generation: 7 };
    let serving = Serving { fence, revision: 7, hash: snapshot.hash() };
    (serving, to_bytes(serving, &snapshot))
}

#[test]
fn what_was_stored_comes_back() {
    let (serving, bytes) = file();
    let (loaded, snapshot) = from_bytes(bytes.into()).unwrap();
    assert_eq!(loaded, serving);
    assert_eq!(snapshot.decode(), self::snapshot().decode());
}

#[test]
fn a_file_cut_short_or_flipped_at_any_byte_is_noticed() {
    let (_, bytes) = file();
    for at in 0..bytes.len() {
        assert!(from_bytes(bytes[..at].to_vec().into()).is_err(), "cut at {at}");
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(from_bytes(flipped.into()).is_err(), "flipped at {at}");
    }
}
