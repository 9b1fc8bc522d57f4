use std::sync::Arc;

use harbr_config::Files;
use harbr_proto::{Fence, SnapshotHash};

use super::{Ledger, MAX_BASES, Published, Rejected};
use crate::revision::compile;
use crate::store::{Standing, Store};
use crate::testing::compiled;

fn ledger() -> Ledger {
    Ledger::new(Store::open(None).unwrap())
}

fn number(ledger: &Ledger) -> u64 {
    ledger.intent().revision.map_or(0, |revision| revision.number)
}

#[test]
fn new_content_is_a_new_revision_and_the_same_content_is_not() {
    let ledger = ledger();
    assert_eq!(ledger.publish(compiled(&[("/", "http://a")])).unwrap(), Published::New);
    assert_eq!(ledger.publish(compiled(&[("/", "http://a")])).unwrap(), Published::Unchanged);
    assert_eq!(number(&ledger), 1);
    assert_eq!(ledger.publish(compiled(&[("/", "http://b")])).unwrap(), Published::New);
    assert_eq!(ledger.publish(compiled(&[("/", "http://a")])).unwrap(), Published::New);
    assert_eq!(number(&ledger), 3);
}

#[test]
fn an_error_replaces_no_revision_and_goes_with_the_next_good_file() {
    let ledger = ledger();
    ledger.publish(compiled(&[("/", "http://a")])).unwrap();
    ledger.reject(compile("test.yml", b"routes: [", &Files::none()).unwrap_err());
    assert_eq!(number(&ledger), 1);
    assert!(ledger.intent().config_error.is_some());
    ledger.publish(compiled(&[("/", "http://a")])).unwrap();
    assert_eq!(ledger.intent().config_error, None);
}

#[test]
fn the_same_error_again_is_no_news_and_keeps_its_time() {
    let ledger = ledger();
    let error = |text: &str| compile("test.yml", text.as_bytes(), &Files::none()).unwrap_err();
    assert_eq!(ledger.reject(error("routes: [")), Rejected::New);
    let first = ledger.intent().config_error;
    assert_eq!(ledger.reject(error("routes: [")), Rejected::Known);
    assert_eq!(ledger.intent().config_error, first);
    assert_eq!(ledger.reject(error("routes: {")), Rejected::New);
}

#[test]
fn the_last_few_snapshots_are_kept_to_send_changes_against() {
    let ledger = ledger();
    let mut hashes = Vec::new();
    for number in 0..MAX_BASES + 5 {
        ledger.publish(compiled(&[("/", &format!("http://host{number}"))])).unwrap();
        hashes.push(ledger.intent().intended().unwrap());
    }
    let intent = ledger.intent();
    let kept = hashes.iter().filter(|hash| intent.base(**hash).is_some()).count();
    assert_eq!(kept, MAX_BASES);
    assert!(intent.base(hashes[hashes.len() - 2]).is_some());
    assert!(intent.base(hashes[0]).is_none());
}

#[test]
fn a_raised_epoch_reaches_everyone_who_watches() {
    let ledger = Arc::new(ledger());
    ledger.publish(compiled(&[("/", "http://a")])).unwrap();
    let mut intent = ledger.subscribe();
    intent.mark_unchanged();
    let foreign = SnapshotHash::from_slice(&[7; 32]).unwrap();
    let shown = |epoch| ledger.shown(Fence { epoch, generation: 4 }, foreign).unwrap();
    assert_eq!(shown(3), Standing::InOrder);
    assert!(intent.has_changed().unwrap());
    assert_eq!(intent.borrow_and_update().fence, Fence { epoch: 4, generation: 1 });
    assert_eq!(shown(2), Standing::InOrder);
    assert!(!intent.has_changed().unwrap());
}
