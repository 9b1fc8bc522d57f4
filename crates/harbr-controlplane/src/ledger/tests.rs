use std::sync::Arc;
use std::sync::atomic::Ordering;

use harbr_proto::{Fence, SnapshotHash};

use super::intent::MAX_BASES;
use super::{Actor, Ledger, Published, Rejected};
use crate::fleet::Fleet;
use crate::revision::{ConfigError, compile};
use crate::rollout::{Command, Standing};
use crate::store::{Fate, InMemory};
use crate::testing::{Stubborn, compiled, content, publish_everywhere};

fn ledger() -> Ledger {
    crate::testing::ledger(InMemory::default())
}

fn error(text: &str) -> Arc<ConfigError> {
    compile("test.yml", content(text.as_bytes())).unwrap_err()
}

fn number(ledger: &Ledger) -> u64 {
    ledger.intent().newest().map_or(0, |revision| revision.number)
}

fn publish(ledger: &Ledger, host: &str) -> Published {
    publish_everywhere(ledger, compiled(&[("/", &format!("http://{host}"))]), &Fleet::default())
}

fn hash(ledger: &Ledger) -> SnapshotHash {
    ledger.intent().newest().unwrap().hash()
}

#[test]
fn new_content_is_a_new_revision_and_the_same_content_is_not() {
    let ledger = ledger();
    assert_eq!(publish(&ledger, "a"), Published::New);
    assert_eq!(publish(&ledger, "a"), Published::Unchanged);
    assert_eq!(number(&ledger), 1);
    assert_eq!(publish(&ledger, "b"), Published::New);
    assert_eq!(publish(&ledger, "a"), Published::New);
    assert_eq!(number(&ledger), 3);
}

#[test]
fn an_error_replaces_no_revision_and_goes_with_the_next_good_file() {
    let ledger = ledger();
    publish(&ledger, "a");
    ledger.reject(error("routes: ["));
    assert_eq!(number(&ledger), 1);
    assert!(ledger.intent().config_error.is_some());
    publish(&ledger, "a");
    assert_eq!(ledger.intent().config_error, None);
}

#[test]
fn the_same_error_again_is_no_news_and_keeps_its_time() {
    let ledger = ledger();
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
        publish(&ledger, &format!("host{number}"));
        hashes.push(hash(&ledger));
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
    publish(&ledger, "a");
    let mut intent = ledger.subscribe();
    intent.mark_unchanged();
    let foreign = SnapshotHash::from_slice(&[7; 32]).unwrap();
    let shown = |epoch| ledger.shown(Fence { epoch, generation: 4 }, foreign).unwrap();
    assert_eq!(shown(3), Standing::InOrder);
    assert!(intent.has_changed().unwrap());
    let fence = intent.borrow_and_update().target("any").unwrap().fence;
    assert_eq!(fence, Fence { epoch: 4, generation: 1 });
    assert_eq!(shown(2), Standing::InOrder);
    assert!(!intent.has_changed().unwrap());
}

#[test]
fn what_cannot_be_kept_has_not_happened() {
    let store = Stubborn::default();
    let refuses = store.refuses.clone();
    let ledger = crate::testing::ledger(store);
    publish(&ledger, "a");
    refuses.store(true, Ordering::Relaxed);
    let fleet = Fleet::default();
    let again = || ledger.publish(compiled(&[("/", "http://b")]), &fleet);
    assert!(again().is_err());
    assert!(ledger.command(Command::Freeze, Actor::default(), &fleet).is_err());
    assert_eq!((number(&ledger), ledger.history(9).len()), (1, 1));
    refuses.store(false, Ordering::Relaxed);
    assert_eq!(again().unwrap(), Published::New);
    assert_eq!(number(&ledger), 2);
}

#[test]
fn a_rollback_is_a_new_number_with_the_old_hash_and_keeps_the_file_out_until_it_changes() {
    let ledger = ledger();
    let fleet = Fleet::default();
    publish(&ledger, "a");
    let first = hash(&ledger);
    publish(&ledger, "b");
    let actor = Actor { name: "me@here".to_owned(), reason: "b is bad".to_owned() };
    ledger.roll_back(Some(1), actor, &fleet).unwrap();
    assert_eq!((number(&ledger), hash(&ledger)), (3, first));
    let newest = ledger.history(1).remove(0);
    assert_eq!((newest.cause.to_string().as_str(), newest.source), ("rollback to 1", 3));
    assert_eq!((newest.actor.as_str(), newest.reason.as_str()), ("me@here", "b is bad"));
    // The file still says what it did: it is not taken, not even after it was looked at again.
    assert!(matches!(publish(&ledger, "b"), Published::Withheld(reason) if reason.contains("revision 2")));
    assert_eq!(publish(&ledger, "c"), Published::New);
    assert_eq!(publish(&ledger, "b"), Published::New);
    let refused = ledger.roll_back(Some(77), Actor::default(), &fleet).unwrap_err();
    assert_eq!(refused.to_string(), "there is no revision 77");
}

#[test]
fn a_file_that_was_kept_out_is_let_in_by_resume() {
    let ledger = ledger();
    let fleet = Fleet::default();
    publish(&ledger, "a");
    publish(&ledger, "b");
    let said = hash(&ledger);
    ledger.roll_back(Some(1), Actor::default(), &fleet).unwrap();
    let done = ledger.command(Command::Resume, Actor::default(), &fleet).unwrap();
    assert!(done.contains("revision 2 said is let in again, as revision 4"), "{done}");
    assert_eq!(hash(&ledger), said);
}

#[test]
fn what_would_remove_too_much_is_held_until_an_operator_or_the_file_lets_it_through() {
    let ledger = ledger();
    let fleet = Fleet::default();
    let routes: Vec<String> = (0..430).map(|number| format!("/{number}")).collect();
    let routes: Vec<(&str, &str)> = routes.iter().map(|route| (route.as_str(), "http://a")).collect();
    publish_everywhere(&ledger, compiled(&routes), &fleet);
    let small = || compiled(&routes[..18]);
    let Published::Withheld(reason) = ledger.publish(small(), &fleet).unwrap() else {
        panic!("it was taken")
    };
    assert!(reason.contains("it would remove 412 of 430 routes"), "{reason}");
    assert_eq!((number(&ledger), ledger.history(1)[0].fate), (1, Fate::Pending));
    let promote = |allow_shrink| ledger.command(Command::Promote { allow_shrink }, Actor::default(), &fleet);
    assert!(promote(false).unwrap_err().to_string().contains("--allow-shrink"));
    // The file allows just this content.
    let allowed = |of: &str| {
        let mut small = small();
        small.allow_shrink = Some(of[..12].to_owned());
        ledger.publish(small, &fleet).unwrap()
    };
    assert!(matches!(allowed(&"0".repeat(64)), Published::Withheld(_)));
    assert_eq!(allowed(&small().encoded.hash().to_string()), Published::New);
    assert_eq!(number(&ledger), 2);
    publish_everywhere(&ledger, compiled(&routes), &fleet);
    assert!(matches!(ledger.publish(small(), &fleet).unwrap(), Published::Withheld(_)));
    promote(true).unwrap();
    assert_eq!(number(&ledger), 4);
}

#[test]
fn a_frozen_controller_takes_no_file_and_thawed_it_takes_the_newest() {
    let ledger = ledger();
    let fleet = Fleet::default();
    publish(&ledger, "a");
    ledger.command(Command::Freeze, Actor::default(), &fleet).unwrap();
    for host in ["b", "c"] {
        assert!(matches!(publish(&ledger, host), Published::Withheld(_)));
    }
    assert_eq!(number(&ledger), 1);
    ledger.command(Command::Thaw, Actor::default(), &fleet).unwrap();
    assert_eq!(number(&ledger), 3);
    let fates: Vec<Fate> = ledger.history(9).into_iter().map(|record| record.fate).collect();
    assert_eq!(fates, [Fate::Rolling, Fate::Superseded, Fate::Superseded]);
}
