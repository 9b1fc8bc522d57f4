use std::collections::BTreeSet;

use harbr_model::{
    Balance, Endpoint, Listener, OutlierPolicy, Protocol, ProxyProtocol, Upstream, UpstreamTls, Verification,
};

use super::{FEATURES, of_listener, of_upstream};

fn upstream() -> Upstream {
    Upstream {
        name: "a".to_owned(),
        endpoints: vec![Endpoint { url: "http://a".parse().unwrap(), weight: 1 }],
        protocol: Protocol::Http1,
        balance: Balance::RoundRobin,
        health_check: None,
        panic_threshold: 0,
        outlier: OutlierPolicy::default(),
        tls: None,
        proxy_protocol: None,
    }
}

#[test]
fn what_is_plain_needs_nothing_and_what_is_used_is_named() {
    let plain = Listener::plain("a", "127.0.0.1:0".parse().unwrap());
    assert_eq!(of_listener(&plain).count(), 0);
    let redirects = Listener { redirect_https: Some(443), ..plain };
    assert_eq!(of_listener(&redirects).collect::<Vec<_>>(), ["redirect_https"]);
    let mut upstream = upstream();
    assert_eq!(of_upstream(&upstream).count(), 0);
    upstream.protocol = Protocol::Http2Cleartext;
    upstream.proxy_protocol = Some(ProxyProtocol::V2);
    let (authority, server_name, certificate) = (None, None, None);
    upstream.tls =
        Some(UpstreamTls { authority, server_name, certificate, verification: Verification::Full });
    let named: BTreeSet<_> = of_upstream(&upstream).collect();
    assert_eq!(named, ["http2_upstreams", "upstream_proxy_protocol", "upstream_tls"].into());
    assert!(named.iter().all(|name| FEATURES.contains(name)));
}
