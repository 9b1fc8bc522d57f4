use std::sync::Arc;

use harbr_proto::{SnapshotHash, v1};

use super::greeting::InvalidGreeting;
use super::{Entry, Fleet, Greeting, Node, NodeState, Refused, Seat, Serving};
use crate::gate::Meter;
use crate::observe::Track;

fn hash(byte: u8) -> SnapshotHash {
    SnapshotHash::from_slice(&[byte; 32]).unwrap()
}

fn greeting(id: &str) -> Greeting {
    Greeting::try_from(v1::Hello { node_id: id.to_owned(), ..Default::default() }).unwrap()
}

fn seat(fleet: &Arc<Fleet>, id: &str) -> Seat {
    fleet.seat(&greeting(id))
}

/// The states of all nodes, by id, if revision 1 is intended.
fn states(fleet: &Fleet) -> Vec<(String, NodeState)> {
    let state = |node: Node| (node.greeting.id.clone(), node.state(Some(hash(1))));
    fleet.snapshot().into_iter().map(state).collect()
}

#[test]
fn a_node_goes_through_its_states() {
    let fleet = Arc::new(Fleet::default());
    let state = || states(&fleet)[0].1;
    let seat = seat(&fleet, "a");
    assert_eq!(state(), NodeState::Syncing);
    seat.refused(Refused { hash: hash(1), class: v1::NackClass::Invalid, reason: "no".to_owned() });
    assert_eq!(state(), NodeState::Rejected);
    seat.serves(Serving { revision: 1, hash: hash(1) });
    assert_eq!(state(), NodeState::Ready);
    assert_eq!(fleet.snapshot()[0].last_error, None);
    assert_eq!(fleet.snapshot()[0].state(Some(hash(2))), NodeState::Syncing);
    seat.reported(
        v1::Report { draining: true, requests: 5, ..Default::default() },
        Some(Serving { revision: 1, hash: hash(1) }),
        None,
    );
    assert_eq!(state(), NodeState::Draining);
    assert_eq!(fleet.snapshot()[0].requests, 5);
    drop(seat);
    assert_eq!(state(), NodeState::Disconnected);
}

#[test]
fn a_node_that_takes_nothing_has_not_converged_whatever_it_serves() {
    let fleet = Arc::new(Fleet::default());
    let seat = seat(&fleet, "a");
    seat.serves(Serving { revision: 1, hash: hash(1) });
    seat.withheld(Some("it is ahead".to_owned()));
    assert_eq!(states(&fleet)[0].1, NodeState::Syncing);
    assert!(!fleet.snapshot()[0].has_converged(Some(hash(1))));
    assert!(!fleet.snapshot()[0].has_converged(None));
    seat.withheld(None);
    assert_eq!(states(&fleet)[0].1, NodeState::Ready);
}

#[test]
fn a_node_that_says_goodbye_is_not_missed() {
    let fleet = Arc::new(Fleet::default());
    seat(&fleet, "a").leave();
    assert_eq!(states(&fleet), []);
}

#[test]
fn a_node_that_comes_back_takes_its_old_place() {
    let fleet = Arc::new(Fleet::default());
    drop(seat(&fleet, "a"));
    let _again = seat(&fleet, "a");
    assert_eq!(states(&fleet), [("a".to_owned(), NodeState::Syncing)]);
}

#[test]
fn an_instance_that_is_here_again_is_shown_once() {
    let fleet = Arc::new(Fleet::default());
    let greeting = Greeting { instance: "i".to_owned(), ..greeting("a") };
    let lost = fleet.seat(&greeting);
    let _again = fleet.seat(&greeting);
    assert_eq!(states(&fleet).len(), 1);
    drop(lost);
    assert_eq!(states(&fleet), [("a".to_owned(), NodeState::Syncing)]);
}

#[test]
fn two_nodes_with_one_id_are_both_shown() {
    let fleet = Arc::new(Fleet::default());
    let (_first, _second) = (seat(&fleet, "a"), seat(&fleet, "a"));
    assert_eq!(states(&fleet).len(), 2);
}

#[test]
fn of_two_with_one_id_the_one_that_ends_is_not_missed() {
    let fleet = Arc::new(Fleet::default());
    let (first, _second) = (seat(&fleet, "a"), seat(&fleet, "a"));
    drop(first);
    assert_eq!(states(&fleet), [("a".to_owned(), NodeState::Syncing)]);
}

#[test]
fn nodes_that_are_gone_are_forgotten_when_they_are_too_many() {
    let fleet = Arc::new(Fleet::default());
    let _here = seat(&fleet, "here");
    for number in 0..super::MAX_DISCONNECTED + 2 {
        drop(fleet.nodes().insert(number as u64 + 10, {
            let mut node = Node::new(greeting(&format!("gone{number}")));
            node.ended = Some(std::time::SystemTime::now());
            Entry { node, meter: Meter::default(), track: Track::default(), behind: None }
        }));
    }
    let states = states(&fleet);
    assert_eq!(states.len(), super::MAX_DISCONNECTED + 1);
    assert!(states.iter().any(|(id, _)| id == "here"));
    assert!(!states.iter().any(|(id, _)| id == "gone0"));
}

#[test]
fn nodes_that_have_been_gone_for_long_are_forgotten() {
    let fleet = Arc::new(Fleet::default());
    drop(seat(&fleet, "a"));
    for Entry { node, .. } in fleet.nodes().values_mut() {
        node.ended = node.ended.map(|ended| ended - super::MEMORY);
    }
    assert_eq!(states(&fleet), []);
}

#[test]
fn a_greeting_is_held_to_its_limits() {
    let hello = |id: &str| v1::Hello { node_id: id.to_owned(), ..Default::default() };
    let refused = |hello: v1::Hello| Greeting::try_from(hello).unwrap_err();
    assert_eq!(refused(hello("")), InvalidGreeting::NoId);
    assert_eq!(refused(hello(&"x".repeat(254))), InvalidGreeting::TooLong("the id"));
    let labels = vec![v1::Label::default(); 65];
    assert_eq!(refused(v1::Hello { labels, ..hello("a") }), InvalidGreeting::TooManyLabels);
    let serving = Some(v1::Serving { hash: vec![1; 31], ..Default::default() });
    assert_eq!(refused(v1::Hello { serving, ..hello("a") }), InvalidGreeting::Hash);
}

fn greeting_of(id: &str, instance: &str) -> Greeting {
    Greeting { instance: instance.to_owned(), ..greeting(id) }
}

#[test]
fn a_process_that_ends_without_a_word_soon_after_it_took_a_snapshot_may_have_died_of_it() {
    let fleet = Arc::new(Fleet::default());
    let serve = |seat: &Seat| seat.serves(Serving { revision: 1, hash: hash(1) });
    let first = fleet.seat(&greeting_of("a", "1"));
    serve(&first);
    drop(first);
    let second = fleet.seat(&greeting_of("a", "2"));
    assert!(fleet.snapshot()[0].died_of(hash(1)).is_some());
    assert!(fleet.snapshot()[0].died_of(hash(2)).is_none());
    // The same process on a new connection is none that has ended, and one that said goodbye meant to.
    serve(&second);
    drop(second);
    let second = fleet.seat(&greeting_of("a", "2"));
    assert!(fleet.snapshot()[0].died_of(hash(1)).is_none());
    serve(&second);
    second.leave();
    let third = fleet.seat(&greeting_of("a", "3"));
    assert!(fleet.snapshot()[0].died_of(hash(1)).is_none());
    // Long after, it is no verdict.
    serve(&third);
    for Entry { node, .. } in fleet.nodes().values_mut() {
        node.serving_since -= super::node::SOON;
    }
    drop(third);
    let _fourth = fleet.seat(&greeting_of("a", "4"));
    assert!(fleet.snapshot()[0].died_of(hash(1)).is_none());
}

#[test]
fn panics_count_from_when_the_node_took_what_it_serves() {
    let fleet = Arc::new(Fleet::default());
    let seat = seat(&fleet, "a");
    let report = |revision: u8, panics| {
        let serving = Serving { revision: 1, hash: hash(revision) };
        seat.reported(v1::Report { panics, ..Default::default() }, Some(serving), None);
        fleet.snapshot()[0].panics
    };
    assert_eq!(report(1, 2), 0, "whenever those were");
    assert_eq!(report(1, 3), 1);
    assert_eq!(report(2, 3), 0);
    assert_eq!(report(2, 4), 1);
    seat.serves(Serving { revision: 1, hash: hash(3) });
    assert_eq!(report(3, 5), 1, "in taking it");
}

#[test]
fn the_lag_is_that_of_the_node_that_is_furthest_behind() {
    let fleet = Arc::new(Fleet::default());
    let seat = seat(&fleet, "a");
    fleet.note_lag(|_| Some(hash(1)));
    assert!(fleet.lag() > std::time::Duration::ZERO);
    seat.serves(Serving { revision: 1, hash: hash(1) });
    fleet.note_lag(|_| Some(hash(1)));
    assert_eq!(fleet.lag(), std::time::Duration::ZERO);
}
