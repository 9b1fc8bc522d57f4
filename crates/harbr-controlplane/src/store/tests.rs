use std::fs;
use std::path::Path;

use harbr_process::StateDir;
use harbr_proto::{Fence, SnapshotHash};

use super::{FILE, MAX_NUMBER, OPEN, Origin, Standing, Store, now};

fn hash(byte: u8) -> SnapshotHash {
    SnapshotHash::from_slice(&[byte; 32]).unwrap()
}

fn fence(epoch: u64, generation: u64) -> Fence {
    Fence { epoch, generation }
}

fn open(path: &Path) -> Store {
    Store::open(Some(StateDir::open(path).unwrap())).unwrap()
}

#[test]
fn the_same_content_keeps_its_number_and_new_content_gets_the_next() {
    let mut store = Store::open(None).unwrap();
    let numbers = [1, 1, 2, 1, 3].map(|byte| store.number(hash(byte)).unwrap());
    assert_eq!(numbers, [1, 1, 2, 3, 4]);
    assert_eq!(store.fence(), fence(1, 4));
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.number(hash(1)).unwrap();
    store.number(hash(2)).unwrap();
    drop(store);
    let mut store = open(folder.path());
    assert_eq!(store.origin(), &Origin::Loaded);
    assert_eq!(store.number(hash(2)).unwrap(), 2);
    assert_eq!(store.number(hash(1)).unwrap(), 3);
}

#[test]
fn a_created_store_rises_above_what_nodes_show() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.number(hash(1)).unwrap();
    assert_eq!(store.shown(fence(1, 9), hash(9)).unwrap(), Standing::InOrder);
    assert_eq!(store.fence(), fence(2, 1));
    // What it gave itself, before or now, raises nothing.
    assert_eq!(store.shown(fence(2, 1), hash(1)).unwrap(), Standing::InOrder);
    assert_eq!(store.shown(fence(1, 1), hash(1)).unwrap(), Standing::InOrder);
    assert_eq!(store.fence(), fence(2, 1));
    // The same place with another content is not ours.
    assert_eq!(store.shown(fence(2, 1), hash(7)).unwrap(), Standing::InOrder);
    assert_eq!(store.fence(), fence(3, 1));
    drop(store);
    assert_eq!(open(folder.path()).fence(), fence(3, 1));
}

#[test]
fn a_store_rises_before_its_first_revision_too() {
    let mut store = Store::open(None).unwrap();
    assert_eq!(store.shown(fence(4, 2), hash(9)).unwrap(), Standing::InOrder);
    store.number(hash(1)).unwrap();
    assert!(store.fence() > fence(4, 2));
}

#[test]
fn a_created_store_still_rises_after_restarts() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).number(hash(1)).unwrap();
    open(folder.path()).number(hash(2)).unwrap();
    let mut store = open(folder.path());
    assert_eq!(store.shown(fence(1, 9), hash(9)).unwrap(), Standing::InOrder);
    assert_eq!(store.fence(), fence(2, 2));
    // A node that was away for longer shows an even higher epoch.
    drop(store);
    let mut store = open(folder.path());
    assert_eq!(store.shown(fence(4, 1), hash(9)).unwrap(), Standing::InOrder);
    assert_eq!(store.fence(), fence(5, 2));
}

#[test]
fn an_old_store_does_not_give_way_to_a_node_that_is_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let created = |seconds: u64| {
        let hash = hash(1);
        let content = format!(r#"{{"epoch":1,"number":1,"hash":"{hash}","created":{seconds}}}"#);
        fs::write(folder.path().join(FILE), content).unwrap();
        open(folder.path())
    };
    let mut store = created(now() - OPEN.as_secs());
    assert_eq!(store.shown(fence(1, 2), hash(2)).unwrap(), Standing::Ahead);
    assert_eq!(store.shown(fence(1, 1), hash(2)).unwrap(), Standing::Ahead);
    assert_eq!(store.shown(fence(1, 1), hash(1)).unwrap(), Standing::InOrder);
    assert_eq!(store.fence(), fence(1, 1));
    drop(store);
    // One whose time lies ahead, because the clock was set back, is a young one.
    let mut store = created(now() + OPEN.as_secs());
    assert_eq!(store.shown(fence(1, 2), hash(2)).unwrap(), Standing::InOrder);
}

#[test]
fn the_last_epoch_there_is_does_not_overflow() {
    let mut store = Store::open(None).unwrap();
    assert_eq!(store.shown(fence(u64::MAX, 1), hash(1)).unwrap(), Standing::Ahead);
}

#[test]
fn what_makes_no_sense_on_disk_is_started_anew() {
    let hash = hash(1);
    for content in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        r#"{"epoch":1}"#.to_owned(),
        format!(r#"{{"epoch":0,"number":1,"hash":"{hash}","created":1}}"#),
        format!(r#"{{"epoch":-1,"number":1,"hash":"{hash}","created":1}}"#),
        format!(r#"{{"epoch":1,"number":1,"hash":"{hash}"}}"#),
        format!(r#"{{"epoch":1,"number":{},"hash":"{hash}","created":1}}"#, u64::MAX),
        format!(r#"{{"epoch":1,"number":{},"hash":"{hash}","created":1}}"#, MAX_NUMBER + 1),
        r#"{"epoch":1,"number":1,"hash":null,"created":1}"#.to_owned(),
        r#"{"epoch":1,"number":1,"hash":"ää","created":1}"#.to_owned(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), &content).unwrap();
        let store = open(folder.path());
        assert!(matches!(store.origin(), Origin::Unreadable(_)), "{content}");
        assert_eq!(store.fence(), fence(1, 0), "{content}");
    }
}

#[test]
fn a_number_that_cannot_be_kept_is_not_given_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.number(hash(1)).unwrap();
    // A folder in the file's place makes the write fail, also for root.
    fs::remove_file(folder.path().join(FILE)).unwrap();
    fs::create_dir(folder.path().join(FILE)).unwrap();
    assert!(store.number(hash(2)).is_err());
    assert_eq!(store.fence(), fence(1, 1));
    fs::remove_dir(folder.path().join(FILE)).unwrap();
    assert_eq!(store.number(hash(2)).unwrap(), 2);
}
