use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

use super::{BoundListener, Sharing};
use crate::live_listener::LiveListener;

fn live() -> Arc<LiveListener> {
    Arc::new(LiveListener {
        name: "a".into(),
        proxy_peers: None,
        tls: None,
        redirect_https: None,
        connect: Vec::new(),
    })
}

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[test]
fn all_workers_share_one_address_that_nobody_else_can_have() {
    let ours = BoundListener::bind("a", any(), 3, &Sharing::No).unwrap();
    let addr = ours.addr;
    let refused = BoundListener::bind("b", addr, 1, &Sharing::No).unwrap_err();
    assert!(refused.to_string().starts_with(&format!("cannot listen on {addr}: ")), "{refused}");

    let opened = ours.open(&live(), &CancellationToken::new()).unwrap();
    assert_eq!(opened.len(), 3);
    assert!(BoundListener::bind("b", addr, 1, &Sharing::No).is_err());
    let stranger = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    assert!(stranger.bind(&addr.into()).is_err());
}

#[test]
fn clients_are_refused_until_it_is_open() {
    let bound = BoundListener::bind("a", any(), 1, &Sharing::No).unwrap();
    let addr = bound.addr;
    assert!(TcpStream::connect(addr).is_err());
    let _opened = bound.open(&live(), &CancellationToken::new()).unwrap();
    assert!(TcpStream::connect(addr).is_ok());
}

#[test]
fn an_address_that_overlaps_our_own_can_be_taken_over() {
    let wide = BoundListener::bind("a", "0.0.0.0:0".parse().unwrap(), 2, &Sharing::No).unwrap();
    let narrow = SocketAddr::from(([127, 0, 0, 1], wide.addr.port()));
    let ours = Sharing::With(vec![wide.addr]);
    let _wide = wide.open(&live(), &CancellationToken::new()).unwrap();
    assert!(BoundListener::bind("a", narrow, 2, &Sharing::No).is_err());
    let narrow = BoundListener::bind("a", narrow, 2, &ours).unwrap();
    assert!(narrow.open(&live(), &CancellationToken::new()).is_ok());
}

#[test]
fn an_address_that_overlaps_our_own_and_a_strangers_is_refused() {
    let stranger = BoundListener::bind("b", "127.0.0.2:0".parse().unwrap(), 2, &Sharing::No).unwrap();
    let theirs = stranger.addr;
    let _stranger = stranger.open(&live(), &CancellationToken::new()).unwrap();
    let ours =
        BoundListener::bind("a", SocketAddr::from(([127, 0, 0, 1], theirs.port())), 2, &Sharing::No).unwrap();
    let sharing = Sharing::With(vec![ours.addr]);
    let _ours = ours.open(&live(), &CancellationToken::new()).unwrap();
    let all = SocketAddr::from(([0, 0, 0, 0], theirs.port()));
    assert!(BoundListener::bind("a", all, 2, &sharing).is_err());
    assert!(BoundListener::bind("a", theirs, 2, &sharing).is_err());
}
