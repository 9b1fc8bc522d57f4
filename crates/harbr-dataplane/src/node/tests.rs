use std::net::TcpListener;
use std::sync::Arc;

use harbr_model::{Listener, Settings, Snapshot};
use harbr_process::StateDir;
use harbr_proto::{EncodedSnapshot, Fence};
use tokio::sync::mpsc;

use super::{Node, Refusal, Serving};
use crate::access_log::AccessLog;
use crate::listener::OpenListener;
use crate::shared::Shared;
use crate::testing::{route, snapshot, upstream};
use crate::tls;

fn node() -> (Node, mpsc::Receiver<OpenListener>) {
    let access_log = AccessLog::start(std::io::sink()).unwrap();
    let shared = Arc::new(Shared::new(1, access_log, tls::client_config().unwrap()));
    let (worker, opened) = mpsc::channel(8);
    (Node::new(shared, vec![worker], Vec::new(), None), opened)
}

fn revision(path: &str) -> EncodedSnapshot {
    EncodedSnapshot::encode(&snapshot(vec![upstream("u", &[(1, 1)], "/h")], vec![route(path, "u", 0)]))
}

fn offer(epoch: u64, generation: u64, snapshot: &EncodedSnapshot) -> Serving {
    Serving { fence: Fence { epoch, generation }, revision: generation, hash: snapshot.hash() }
}

#[tokio::test]
async fn only_what_is_above_the_last_is_obeyed() {
    let (mut node, _opened) = node();
    let (first, second) = (revision("/a"), revision("/b"));
    node.apply(offer(2, 5, &first), first.clone()).await.unwrap();
    for (epoch, generation) in [(2, 5), (2, 4), (1, 9)] {
        let refused = node.apply(offer(epoch, generation, &second), second.clone()).await;
        assert!(matches!(refused, Err(Refusal::Local(_))), "{epoch}.{generation}: {refused:?}");
        assert_eq!(node.serving(), Some(offer(2, 5, &first)));
    }
    for (epoch, generation) in [(2, 6), (3, 1)] {
        assert_eq!(node.apply(offer(epoch, generation, &second), second.clone()).await, Ok(()));
    }
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_served_whole_changes_nothing() {
    let (mut node, mut opened) = node();
    let first = revision("/a");
    node.apply(offer(1, 1, &first), first.clone()).await.unwrap();
    let listener = opened.recv().await.unwrap();

    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = vec![
        Listener { name: "default".into(), addr: "127.0.0.1:0".parse().unwrap() },
        Listener { name: "taken".into(), addr: stranger.local_addr().unwrap() },
    ];
    let (upstreams, routes) = (vec![upstream("u", &[(1, 1)], "/h")], vec![route("/b", "u", 0)]);
    let second = Snapshot::new(Settings::with_max_connections(1), listeners, upstreams, routes).unwrap();
    let second = EncodedSnapshot::encode(&second);
    let refused = node.apply(offer(1, 2, &second), second.clone()).await;
    assert!(matches!(refused, Err(Refusal::Local(_))), "{refused:?}");
    assert_eq!(node.serving(), Some(offer(1, 1, &first)));
    assert!(node.shared.table.load().by_name.contains_key("/a"));
    assert!(opened.try_recv().is_err());
    assert!(!listener.closed.is_cancelled());

    // What was in the way is gone: the same offer is taken.
    drop(stranger);
    assert_eq!(node.apply(offer(1, 2, &second), second.clone()).await, Ok(()));
    assert!(node.shared.table.load().by_name.contains_key("/b"));
}

#[tokio::test]
async fn a_new_number_for_what_serves_is_taken_over_and_another_hash_is_not() {
    let (mut node, _opened) = node();
    let first = revision("/a");
    node.apply(offer(1, 1, &first), first.clone()).await.unwrap();
    node.confirm(offer(2, 9, &first)).await;
    assert_eq!(node.serving(), Some(offer(2, 9, &first)));
    node.confirm(offer(3, 1, &revision("/b"))).await;
    assert_eq!(node.serving(), Some(offer(2, 9, &first)));
}

#[tokio::test]
async fn what_could_not_be_kept_on_disk_is_said_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let shared = node().0.shared.clone();
    let (worker, _opened) = mpsc::channel(8);
    let mut node = Node::new(shared, vec![worker], Vec::new(), Some(StateDir::open(&state).unwrap()));
    std::fs::remove_dir_all(&state).unwrap();

    let first = revision("/a");
    assert_eq!(node.apply(offer(1, 1, &first), first.clone()).await, Ok(()));
    assert!(node.degraded().is_some_and(|reason| reason.contains("disk")), "{:?}", node.degraded());

    std::fs::create_dir(&state).unwrap();
    node.store_if_due().await;
    assert_eq!(node.degraded(), None);
    let kept = crate::disk::load(node.state_dir.as_ref().unwrap()).map(|(serving, _)| serving);
    assert_eq!(kept, Some(offer(1, 1, &first)));
}
