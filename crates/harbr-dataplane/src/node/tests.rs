use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use harbr_model::{Listener, Resources, Settings, Snapshot};
use harbr_proto::{EncodedSnapshot, Fence};
use tokio::sync::mpsc;

use super::{Node, Offer, Refusal, Serving, Standing};
use crate::access_log::AccessLog;
use crate::disk::{Disk, Slot};
use crate::listener::OpenListener;
use crate::shared::Shared;
use crate::testing::{route, snapshot, upstream};
use crate::tls;
use crate::trace::Spans;

fn node() -> (Node, mpsc::Receiver<OpenListener>) {
    let access_log = AccessLog::start(std::io::sink()).unwrap();
    let shared =
        Arc::new(Shared::new(1, (access_log, Spans::new().0), tls::default_client_config().unwrap()));
    let (worker, opened) = mpsc::channel(8);
    (Node::new(shared, vec![worker], Vec::new(), Disk::open(None).unwrap()), opened)
}

fn revision(path: &str) -> EncodedSnapshot {
    EncodedSnapshot::encode(&snapshot(vec![upstream("u", &[(1, 1)], "/h")], vec![route(path, "u", 0)]))
}

fn number(epoch: u64, generation: u64, snapshot: &EncodedSnapshot) -> Serving {
    Serving { fence: Fence { epoch, generation }, revision: generation, hash: snapshot.hash() }
}

fn offer(epoch: u64, generation: u64, snapshot: &EncodedSnapshot) -> Offer {
    Offer {
        serving: number(epoch, generation, snapshot),
        snapshot: snapshot.clone(),
        standing: Standing::Candidate,
        arrived: Instant::now(),
    }
}

#[tokio::test]
async fn only_what_is_above_the_last_is_obeyed() {
    let (mut node, _opened) = node();
    let (first, second) = (revision("/a"), revision("/b"));
    node.apply(offer(2, 5, &first)).await.unwrap();
    for (epoch, generation) in [(2, 5), (2, 4), (1, 9)] {
        let refused = node.apply(offer(epoch, generation, &second)).await;
        assert!(matches!(refused, Err(Refusal::Local(_))), "{epoch}.{generation}: {refused:?}");
        assert_eq!(node.serving(), Some(number(2, 5, &first)));
    }
    for (epoch, generation) in [(2, 6), (3, 1)] {
        assert_eq!(node.apply(offer(epoch, generation, &second)).await, Ok(()));
    }
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_served_whole_changes_nothing() {
    let (mut node, mut opened) = node();
    let first = revision("/a");
    node.apply(offer(1, 1, &first)).await.unwrap();
    let listener = opened.recv().await.unwrap();

    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = vec![
        Listener::plain("default", "127.0.0.1:0".parse().unwrap()),
        Listener::plain("taken", stranger.local_addr().unwrap()),
    ];
    let (upstreams, routes) = (vec![upstream("u", &[(1, 1)], "/h")], vec![route("/b", "u", 0)]);
    let resources = Resources::new(Settings::with_max_connections(1));
    let second = Snapshot::new(Resources { listeners, upstreams, routes, ..resources }).unwrap();
    let second = EncodedSnapshot::encode(&second);
    let refused = node.apply(offer(1, 2, &second)).await;
    assert!(matches!(refused, Err(Refusal::Local(_))), "{refused:?}");
    assert_eq!(node.serving(), Some(number(1, 1, &first)));
    assert!(node.shared.table.load().by_name.contains_key("/a"));
    assert!(opened.try_recv().is_err());
    assert!(!listener.closed.is_cancelled());

    // What was in the way is gone: the same offer is taken.
    drop(stranger);
    assert_eq!(node.apply(offer(1, 2, &second)).await, Ok(()));
    assert!(node.shared.table.load().by_name.contains_key("/b"));
}

#[tokio::test]
async fn a_new_number_for_what_serves_is_taken_over_and_another_hash_is_not() {
    let (mut node, _opened) = node();
    let first = revision("/a");
    node.apply(offer(1, 1, &first)).await.unwrap();
    node.confirm(number(2, 9, &first), Standing::Candidate).await;
    assert_eq!(node.serving(), Some(number(2, 9, &first)));
    node.confirm(number(3, 1, &revision("/b")), Standing::Proven).await;
    assert_eq!(node.serving(), Some(number(2, 9, &first)));
}

/// A node on a state folder, as each process of it begins.
async fn node_on(folder: &std::path::Path) -> (Node, mpsc::Receiver<OpenListener>) {
    let disk = crate::disk::tests::open(folder).await;
    let (worker, opened) = mpsc::channel(8);
    let mut node = Node::new(node().0.shared.clone(), vec![worker], Vec::new(), disk);
    node.restore().await;
    (node, opened)
}

#[tokio::test]
async fn a_node_that_died_of_a_candidate_serves_the_one_before_and_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad, other) = (revision("/good"), revision("/bad"), revision("/other"));
    let (mut node, _opened) = node_on(folder.path()).await;
    node.apply(offer(1, 1, &good)).await.unwrap();
    node.confirm(number(1, 1, &good), Standing::Proven).await;
    node.apply(offer(1, 2, &bad)).await.unwrap();
    drop(node);

    let (mut node, _opened) = node_on(folder.path()).await;
    assert_eq!(node.serving(), Some(number(1, 1, &good)));
    for again in [offer(1, 2, &bad), offer(1, 3, &bad)] {
        let refused = node.apply(again).await;
        assert!(matches!(&refused, Err(Refusal::Invalid(why)) if why.contains("quarantine")), "{refused:?}");
    }
    // What it obeyed last is not below what it obeys now, though it serves an older one.
    assert!(matches!(node.apply(offer(1, 2, &other)).await, Err(Refusal::Local(_))));
    assert_eq!(node.apply(offer(1, 4, &other)).await, Ok(()));
    // The fleet has proven it: it was something else that the process died of.
    let proven = Offer { standing: Standing::Proven, ..offer(1, 5, &bad) };
    assert_eq!(node.apply(proven).await, Ok(()));
    assert_eq!(node.disk().quarantined(), []);
    assert_eq!(node.disk().slots().of(Slot::Proven), Some(number(1, 5, &bad)));
}

#[tokio::test]
async fn a_proven_snapshot_is_started_from_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, _opened) = node_on(folder.path()).await;
    let good = revision("/good");
    node.apply(Offer { standing: Standing::Proven, ..offer(1, 1, &good) }).await.unwrap();
    drop(node);
    for _kill in 0..4 {
        let (node, _opened) = node_on(folder.path()).await;
        assert_eq!(node.serving(), Some(number(1, 1, &good)));
        assert_eq!(node.disk().quarantined(), []);
        drop(node);
    }
}

#[tokio::test]
async fn a_disk_that_is_gone_never_blocks_an_apply() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (mut node, _opened) = node_on(&state).await;
    std::fs::remove_dir_all(&state).unwrap();
    let first = revision("/a");
    assert_eq!(node.apply(offer(1, 1, &first)).await, Ok(()));
    assert!(node.degraded().is_some_and(|reason| reason.contains("disk")), "{:?}", node.degraded());
}
