use std::net::SocketAddr;

use harbr_model::Protocol;

use super::{Addrs, LiveEndpoint};
use crate::link::Link;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn endpoint(url: &str) -> LiveEndpoint {
    LiveEndpoint::new(url.parse().unwrap(), Protocol::Http1, Link::default())
}

fn known(endpoint: &LiveEndpoint) -> Vec<SocketAddr> {
    match endpoint.addrs() {
        Addrs::Known(addrs) => addrs.to_vec(),
        Addrs::Pending | Addrs::Unknown => Vec::new(),
    }
}

#[test]
fn an_address_needs_no_look_up() {
    assert_eq!(known(&endpoint("http://127.0.0.1:80")), [addr("127.0.0.1:80")]);
    assert_eq!(known(&endpoint("http://[::1]:80")), [addr("[::1]:80")]);
}

#[test]
fn the_address_that_answered_stays_in_front_while_the_name_has_it() {
    let endpoint = endpoint("http://a.test:1");
    endpoint.set_addrs(vec![addr("127.0.0.1:1"), addr("127.0.0.2:1"), addr("127.0.0.3:1")]);
    endpoint.prefer(addr("127.0.0.3:1"));
    assert_eq!(known(&endpoint), [addr("127.0.0.3:1"), addr("127.0.0.1:1"), addr("127.0.0.2:1")]);
    endpoint.set_addrs(vec![addr("127.0.0.1:1"), addr("127.0.0.3:1")]);
    assert_eq!(known(&endpoint), [addr("127.0.0.3:1"), addr("127.0.0.1:1")]);
    endpoint.set_addrs(vec![addr("127.0.0.2:1"), addr("127.0.0.1:1")]);
    assert_eq!(known(&endpoint), [addr("127.0.0.2:1"), addr("127.0.0.1:1")]);
}

#[test]
fn a_name_that_stops_resolving_keeps_its_addresses_and_one_that_never_did_is_news_once() {
    let never = endpoint("http://a.test");
    assert!(never.note_unresolved());
    assert!(!never.note_unresolved());
    assert_eq!(never.addrs(), Addrs::Unknown);

    let once = endpoint("http://a.test:1");
    once.set_addrs(vec![addr("127.0.0.1:1")]);
    assert!(!once.note_unresolved());
    assert_eq!(known(&once), [addr("127.0.0.1:1")]);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_first_look_up_and_for_no_other() {
    let slow = endpoint("http://a.test:1");
    let found = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        slow.set_addrs(vec![addr("127.0.0.1:1")]);
    };
    let (resolved, ()) = tokio::join!(slow.resolved(), found);
    assert_eq!(resolved.as_deref(), Some(&[addr("127.0.0.1:1")][..]));

    let never = endpoint("http://b.test");
    never.note_unresolved();
    assert_eq!(never.resolved().await, None);
}
