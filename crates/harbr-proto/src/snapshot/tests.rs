use std::time::Duration;

use harbr_model::{
    AccessLog, Authority, Balance, Certificate, ClientAuth, ClientAuthMode, Endpoint, HeaderEdits,
    HeaderMatch, HealthCheck, HostHeader, HostPattern, Http2Settings, Listener, ListenerTls, LogField,
    LogFormat, OddPaths, OtherPeers, OutlierPolicy, PathPrefix, PathRewrite, PrivateKey, Probe, Protocol,
    ProxyPeers, ProxyProtocol, Resources, Route, RouteMatch, SampleShare, Settings, Snapshot, TimeoutPolicy,
    TlsVersion, Tracing, TrafficSample, Upstream, UpstreamTls, Verification,
};
use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::{CHUNK_BYTES, EncodedSnapshot};
use crate::{Assembly, Fence, InvalidChunk, InvalidResource};

const FENCE: Fence = Fence { epoch: 1, generation: 1 };

fn upstream() -> impl Strategy<Value = Upstream> {
    let endpoints = proptest::collection::btree_set(1..50_u16, 1..4);
    let check = proptest::option::of((any::<bool>(), 1..20_u64, 1..4_u32));
    let protocol = prop_oneof![Just(Protocol::Http1), Just(Protocol::Http2), Just(Protocol::Auto)];
    let outlier =
        (0..9_u32, 1..9_u64, 0..=100_u32).prop_map(|(failures, seconds, max_ejected)| OutlierPolicy {
            failures,
            base_time: Duration::from_secs(seconds),
            max_ejected,
            ..OutlierPolicy::default()
        });
    let proxy = proptest::option::of(any::<bool>());
    let parts =
        (endpoints, any::<bool>(), check, outlier, proptest::option::of(upstream_tls()), proxy, protocol);
    parts.prop_map(|(ports, round_robin, check, outlier, tls, proxy, protocol)| Upstream {
        panic_threshold: outlier.max_ejected,
        outlier,
        name: "u".into(),
        protocol,
        endpoints: ports
            .into_iter()
            .map(|port| Endpoint { url: format!("https://a:{port}/b").parse().unwrap(), weight: port.into() })
            .collect(),
        balance: if round_robin { Balance::RoundRobin } else { Balance::LeastRequest },
        health_check: check.map(|(tcp, seconds, rise)| {
            let probe = if tcp { Probe::Tcp } else { Probe::Http { path: "/h".into() } };
            HealthCheck { interval: Duration::from_secs(seconds), rise, ..HealthCheck::new(probe) }
        }),
        tls,
        proxy_protocol: proxy.map(|first| if first { ProxyProtocol::V1 } else { ProxyProtocol::V2 }),
    })
}

fn route() -> impl Strategy<Value = Route> {
    let host = prop_oneof![
        Just(HostPattern::Any),
        Just(HostPattern::Exact("a.test".into())),
        Just(HostPattern::Wildcard("test".into())),
    ];
    let rewrite = prop_oneof![
        Just(PathRewrite::Keep),
        "/[a-c]{0,2}".prop_map(|to| PathRewrite::ReplacePrefix(PathPrefix::parse(&to).unwrap())),
    ];
    let host_header = prop_oneof![
        Just(HostHeader::Preserve),
        Just(HostHeader::Upstream),
        Just(HostHeader::Literal(HeaderValue::from_static("b.test"))),
    ];
    (host, "/[a-d]{0,3}", rewrite, host_header, any::<bool>(), 1..100_u64, 0..3_u32).prop_map(
        |(host, path, rewrite, host_header, conditional, millis, max_retries)| {
            let header = (HeaderName::from_static("x-a"), HeaderValue::from_static("1"));
            Route {
                name: format!("{host}{path}"),
                matches: RouteMatch {
                    host,
                    path: PathPrefix::parse(&path).unwrap(),
                    methods: if conditional { vec![Method::GET, Method::POST] } else { Vec::new() },
                    headers: vec![HeaderMatch { name: header.0.clone(), value: header.1.clone() }],
                },
                upstream: "u".into(),
                rewrite,
                host_header,
                timeouts: TimeoutPolicy {
                    attempt: Duration::from_millis(millis),
                    request: Duration::from_millis(millis * 2),
                    idle: Duration::from_secs(1),
                },
                max_retries,
                request_headers: HeaderEdits { remove: vec![header.0.clone()], set: vec![header] },
                response_headers: HeaderEdits::default(),
                max_body: millis,
            }
        },
    )
}

fn certificate() -> impl Strategy<Value = Certificate> {
    let der = || proptest::collection::vec(any::<u8>(), 0..20);
    let chain = proptest::collection::vec(der(), 1..3);
    ("[a-z/.]{1,9}", chain, der()).prop_map(|(name, chain, key)| Certificate {
        name,
        chain: chain.into_iter().map(Into::into).collect(),
        key: PrivateKey::from_der(&key),
    })
}

fn upstream_tls() -> impl Strategy<Value = UpstreamTls> {
    let text = || proptest::option::of("[a-z.]{1,5}");
    (any::<bool>(), text(), any::<bool>()).prop_map(|(trusts, server_name, verified)| UpstreamTls {
        authority: trusts.then(|| "ca".to_owned()),
        server_name,
        certificate: None,
        verification: if verified { Verification::Full } else { Verification::Off },
    })
}

/// In the clear or, with the certificate, over TLS.
fn listener() -> impl Strategy<Value = (Listener, Option<Certificate>)> {
    let client_auth = proptest::option::of(any::<bool>());
    let peers = proptest::option::of(any::<bool>());
    let parts = (proptest::option::of(certificate()), any::<bool>(), client_auth, peers, any::<u16>());
    parts.prop_map(|(certificate, newest, client_auth, peers, port)| {
        let tls = certificate.as_ref().map(|certificate| ListenerTls {
            certificates: vec![certificate.name.clone()],
            min_version: if newest { TlsVersion::V1_3 } else { TlsVersion::V1_2 },
            client_auth: client_auth.map(|required| ClientAuth {
                authority: "ca".to_owned(),
                mode: if required { ClientAuthMode::Required } else { ClientAuthMode::Optional },
            }),
        });
        let proxy_peers = peers.map(|served| ProxyPeers {
            from: vec!["10.0.0.0/8".parse().unwrap()],
            others: if served { OtherPeers::Served } else { OtherPeers::Refused },
        });
        let redirect_https = (tls.is_none() && port != 0).then_some(port);
        let plain = Listener::plain("default", "[::1]:80".parse().unwrap());
        let connect = ["db.test:5432", "*.test:443"].map(|target| target.parse().unwrap()).to_vec();
        (Listener { tls, proxy_peers, redirect_https, connect, ..plain }, certificate)
    })
}

fn access_log() -> impl Strategy<Value = AccessLog> {
    let fields = proptest::sample::subsequence(LogField::ALL.to_vec(), 1..LogField::ALL.len()).prop_shuffle();
    let format = prop_oneof![Just(LogFormat::Off), Just(LogFormat::Text), fields.prop_map(LogFormat::Json)];
    (format, sample_share()).prop_map(|(format, sample)| AccessLog { format, sample })
}

fn tracing() -> impl Strategy<Value = Tracing> {
    ("[a-z]{1,8}", sample_share()).prop_map(|(name, sample)| Tracing {
        endpoint: "http://collector:4317".parse().unwrap(),
        sample,
        service_name: name,
    })
}

fn sample_share() -> impl Strategy<Value = SampleShare> {
    (0..=1_000_000_u32).prop_map(|share| SampleShare::per_million(share).unwrap())
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let routes = proptest::collection::vec(route(), 1..8);
    let parts = (upstream(), routes, listener(), access_log(), proptest::option::of(tracing()));
    parts.prop_map(|(upstream, mut routes, (listener, certificate), access_log, tracing)| {
        routes.sort_by(|a, b| a.name.cmp(&b.name));
        routes.dedup_by(|a, b| a.name == b.name);
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let http2 =
            Http2Settings { max_concurrent_streams: 7, stream_window: 70_000, connection_window: 80_000 };
        let settings = Settings {
            http2,
            traffic_sample: TrafficSample { one_in: 3, size: 5 },
            access_log,
            tracing,
            trusted_proxies,
            odd_paths: OddPaths { nul: true, backslash: false, above_root: true },
            ..Settings::with_max_connections(7)
        };
        let resources = Resources {
            settings,
            listeners: vec![listener],
            certificates: certificate.into_iter().collect(),
            authorities: vec![Authority { name: "ca".into(), certificates: vec![[1, 2].into()] }],
            upstreams: vec![upstream],
            routes,
        };
        Snapshot::new(resources).unwrap()
    })
}

proptest! {
    #[test]
    fn the_wire_there_and_back_is_the_identity(snapshot in snapshot()) {
        let encoded = EncodedSnapshot::encode(&snapshot);
        prop_assert_eq!(encoded.decode(), Ok(snapshot));
    }

    #[test]
    fn a_change_applied_to_its_base_is_the_whole(base in snapshot(), target in snapshot()) {
        let (base, target) = (EncodedSnapshot::encode(&base), EncodedSnapshot::encode(&target));
        let received = receive(&target.chunks(FENCE, 1, Some(&base)), Some(&base)).unwrap().unwrap();
        prop_assert_eq!(received.hash(), target.hash());
        prop_assert_eq!(received.resources(), target.resources());
    }

    #[test]
    fn no_bytes_from_the_wire_panic(key in ".{0,20}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let resources = [(key, body.into())].into();
        prop_assert!(EncodedSnapshot::from_resources(resources).decode().is_err());
    }

    #[test]
    fn a_flipped_byte_never_gives_another_snapshot_with_the_same_hash(
        snapshot in snapshot(),
        at in any::<proptest::sample::Index>(),
    ) {
        let encoded = EncodedSnapshot::encode(&snapshot);
        let mut chunks = encoded.chunks(FENCE, 1, None);
        let index = at.index(chunks[0].upserts.len());
        let entry = &mut chunks[0].upserts[index];
        let mut body = entry.body.to_vec();
        let byte = at.index(body.len());
        body[byte] ^= 1;
        entry.body = body.into();
        let mismatch = matches!(receive(&chunks, None), Err(InvalidChunk::HashMismatch { .. }));
        prop_assert!(mismatch);
    }
}

fn receive(
    chunks: &[crate::v1::SnapshotChunk],
    base: Option<&EncodedSnapshot>,
) -> Result<Option<EncodedSnapshot>, InvalidChunk> {
    let mut assembly = Assembly::default();
    let mut received = None;
    for chunk in chunks {
        received = assembly.add(chunk.clone(), base)?;
    }
    Ok(received)
}

fn many_routes(count: usize) -> EncodedSnapshot {
    let resources = (0..count).map(|index| (format!("routes//{index:06}"), vec![0_u8; 1_000].into()));
    EncodedSnapshot::from_resources(resources.collect())
}

#[test]
fn a_large_snapshot_travels_in_pieces() {
    let large = many_routes(3_000);
    let chunks = large.chunks(FENCE, 1, None);
    assert_eq!(chunks.len(), 3);
    assert!(chunks.iter().all(|chunk| prost::Message::encoded_len(chunk) < 2 * CHUNK_BYTES));
    assert_eq!(receive(&chunks, None).unwrap().unwrap().hash(), large.hash());
    assert!(receive(&chunks[..2], None).unwrap().is_none());

    let none = many_routes(0);
    let many = EncodedSnapshot::from_resources(
        (0..3_000).map(|index| (format!("routes//{index:01000}"), vec![0].into())).collect(),
    );
    let removals = none.chunks(FENCE, 1, Some(&many));
    assert_eq!(removals.len(), 3);
    assert_eq!(receive(&removals, Some(&many)).unwrap().unwrap().hash(), none.hash());
}

#[test]
fn a_newer_snapshot_drops_the_one_that_was_on_its_way() {
    let (old, new) = (many_routes(3_000), many_routes(1));
    let mut assembly = Assembly::default();
    let newer = Fence { generation: 2, ..FENCE };
    assert!(assembly.add(old.chunks(FENCE, 1, None).swap_remove(0), None).unwrap().is_none());
    let received = assembly.add(new.chunks(newer, 2, None).swap_remove(0), None).unwrap();
    assert_eq!(received.unwrap().hash(), new.hash());
}

#[test]
fn a_change_against_a_snapshot_that_is_not_served_is_refused() {
    let (base, other, target) = (many_routes(1), many_routes(2), many_routes(3));
    let chunks = target.chunks(FENCE, 1, Some(&base));
    let expected = base.hash().to_string();
    assert_eq!(receive(&chunks, Some(&other)).err(), Some(InvalidChunk::UnknownBase { expected }));
}

#[test]
fn a_resource_under_anothers_key_is_refused() {
    let encoded = many_routes(0);
    assert_eq!(encoded.decode(), Err(InvalidResource::NoSettings));
    let body = crate::v1::Resource {
        kind: Some(crate::v1::resource::Kind::Listener(crate::v1::Listener::default())),
    };
    let resources = [("settings".to_owned(), prost::Message::encode_to_vec(&body).into())].into();
    let refused = EncodedSnapshot::from_resources(resources).decode();
    let (key, found) = ("settings".to_owned(), "listener/".to_owned());
    assert_eq!(refused, Err(InvalidResource::WrongKey { key, found }));
}

#[test]
fn no_message_shows_a_key() {
    let key = PrivateKey::from_der(b"-secret-");
    let certificate = Certificate { name: "a.pem".into(), chain: vec![[1].into()], key };
    let wire = crate::v1::Certificate::from(&certificate);
    let kind = Some(crate::v1::resource::Kind::Certificate(wire));
    let body = prost::Message::encode_to_vec(&crate::v1::Resource { kind: kind.clone() });
    let resources = [("certificate/a.pem".to_owned(), body.into())].into();
    let encoded = EncodedSnapshot::from_resources(resources);
    let chunks = encoded.chunks(FENCE, 1, None);
    let mut assembly = Assembly::default();
    let unfinished = crate::v1::SnapshotChunk { last: false, ..chunks[0].clone() };
    assembly.add(unfinished, None).unwrap();
    let shown = format!("{kind:?} {encoded:?} {chunks:?} {assembly:?}");
    assert!(shown.contains("certificate/a.pem"), "{shown}");
    for secret in ["-secret-", "45, 115, 101, 99"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_snapshot_as_bytes_is_noticed_when_a_byte_is_missing_or_changed() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tree = proptest::strategy::Strategy::new_tree(&snapshot(), &mut runner).unwrap();
    let snapshot = proptest::strategy::ValueTree::current(&tree);
    let encoded = EncodedSnapshot::encode(&snapshot);
    let bytes = encoded.to_bytes();
    let read = |bytes: &[u8]| EncodedSnapshot::from_bytes(bytes.to_vec().into(), encoded.hash());
    assert_eq!(read(&bytes).unwrap().decode().unwrap(), snapshot);
    for at in 0..bytes.len() {
        assert!(read(&bytes[..at]).is_err(), "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        // A bit that means nothing, such as one of the fence, may pass; what it says then is the same.
        assert!(read(&changed).is_ok_and(|read| read.hash() == encoded.hash()) || read(&changed).is_err());
    }
}
