//! The rollout alone: a fleet that is made up, a clock that is moved by hand, seeds for what happens by chance.

mod simulation;

use std::time::Duration;

use harbr_model::{RolloutPolicy, Share, Strategy, Wave, WaveNodes, WithoutEvidence};
use harbr_proto::{SnapshotHash, v1};

use super::{Command, Happened, Needs, Offer, Offered, Rollout, State};
use crate::fleet::{Greeting, Node, Quarantined, Refused, Serving};
use crate::gate::Traffic;
use crate::store::{Cause, Fate};

fn hash(byte: u8) -> SnapshotHash {
    SnapshotHash::from_slice(&[byte; 32]).unwrap()
}

fn offer(byte: u8, policy: &RolloutPolicy) -> Offer {
    Offer {
        hash: hash(byte),
        is_same: true,
        cause: Cause::File,
        policy: policy.clone(),
        governed_by: None,
        shrink: None,
        needs: Needs::default(),
    }
}

/// A fleet whose nodes take what they are told, unless a test says otherwise.
struct Fleet {
    rollout: Rollout,
    nodes: Vec<Node>,
    now: Duration,
    happened: Vec<Happened>,
}

impl Fleet {
    /// Everyone serves revision 1, which is proven.
    fn proven(size: usize) -> Self {
        let mut fleet = Self::fresh(size);
        fleet.offer(offer(1, &RolloutPolicy::default()));
        fleet.run(Duration::from_secs(60));
        assert_eq!(fleet.rollout.state.proven.unwrap().hash, hash(1));
        assert_eq!(fleet.serving(1), size);
        fleet.happened.clear();
        fleet
    }

    fn fresh(size: usize) -> Self {
        let nodes = (0..size).map(|number| node(&format!("node-{number}"))).collect();
        let rollout = Rollout::new(State::new(), RolloutPolicy::default());
        Self { rollout, nodes, now: Duration::ZERO, happened: Vec::new() }
    }

    fn offer(&mut self, offer: Offer) -> Offered {
        let (offered, happened) = self.rollout.offer(offer, &self.nodes, self.now);
        self.happened.extend(happened);
        offered
    }

    fn command(&mut self, command: Command) {
        let happened = self.rollout.command(command, &self.nodes, self.now).unwrap();
        self.happened.extend(happened);
    }

    /// Every node takes what it is told, at once.
    fn obey(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| node.is_connected()) {
            if let Some(target) = self.rollout.target(&node.greeting.id) {
                let is_refused =
                    node.refused.as_ref().is_some_and(|refused| refused.hash == target.release.hash);
                if !is_refused {
                    node.serves(Some(Serving { revision: target.release.number, hash: target.release.hash }));
                }
            }
        }
    }

    fn step(&mut self, traffic: &Traffic) {
        self.now += Duration::from_millis(100);
        let happened = self.rollout.observe(&self.nodes, traffic, self.now);
        self.happened.extend(happened);
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.obey();
            self.step(&Traffic::default());
        }
    }

    fn serving(&self, byte: u8) -> usize {
        let serves = |node: &&Node| node.serving.is_some_and(|serving| serving.hash == hash(byte));
        self.nodes.iter().filter(serves).count()
    }

    fn node(&mut self, id: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.greeting.id == id).unwrap()
    }

    fn fate(&self, number: u64) -> Option<(Fate, &str)> {
        self.happened.iter().rev().find_map(|event| match event {
            Happened::Ended { number: of, fate, reason } if *of == number => Some((*fate, reason.as_str())),
            Happened::Made { .. }
            | Happened::Began { .. }
            | Happened::Went { .. }
            | Happened::Ended { .. } => None,
        })
    }
}

fn node(id: &str) -> Node {
    let hello = v1::Hello { node_id: id.to_owned(), instance_id: format!("{id}-1"), ..Default::default() };
    Node::new(Greeting::try_from(hello).unwrap())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_change_goes_to_one_node_then_to_all_and_is_proven_after_its_trial() {
    let mut fleet = Fleet::proven(10);
    assert_eq!(fleet.offer(offer(2, &RolloutPolicy::default())), Offered::New(2));
    fleet.run(Duration::from_millis(900));
    assert_eq!(fleet.serving(2), 1);
    fleet.run(Duration::from_millis(400));
    assert_eq!(fleet.serving(2), 10);
    fleet.run(seconds(25));
    assert_eq!(fleet.rollout.state.proven.unwrap().number, 1);
    fleet.run(seconds(10));
    assert_eq!(fleet.rollout.state.proven.unwrap().number, 2);
    assert_eq!(fleet.fate(2), Some((Fate::Proven, "")));
    let evidence: Vec<&Happened> =
        fleet.happened.iter().filter(|event| matches!(event, Happened::Went { .. })).collect();
    assert!(format!("{evidence:?}").contains("wave 1: 1 nodes, no_evidence"), "{evidence:?}");
}

#[test]
fn a_fleet_of_one_gets_it_at_once_and_is_watched() {
    let mut fleet = Fleet::fresh(1);
    fleet.offer(offer(1, &RolloutPolicy::default()));
    assert_eq!(fleet.rollout.target("node-0").unwrap().release.number, 1);
    fleet.run(seconds(5));
    assert!(fleet.rollout.state.active.is_some());
}

#[test]
fn with_nothing_proven_one_node_tries_it_for_all() {
    let mut fleet = Fleet::fresh(5);
    fleet.offer(offer(1, &RolloutPolicy::default()));
    fleet.obey();
    assert_eq!(fleet.serving(1), 1);
    fleet.run(seconds(2));
    assert_eq!(fleet.serving(1), 5);
}

#[test]
fn waves_by_count_share_and_label_come_one_after_the_other() {
    let wave = |nodes| Wave { nodes, bake: seconds(5) };
    let labels = WaveNodes::Labels([("zone".to_owned(), "a".to_owned())].into());
    let policy = RolloutPolicy {
        strategy: Strategy::Waves(vec![
            wave(WaveNodes::Share(Share::Count(2))),
            wave(WaveNodes::Share(Share::Percent(50))),
            wave(labels),
        ]),
        ..RolloutPolicy::default()
    };
    let mut fleet = Fleet::proven(10);
    for id in ["node-8", "node-9"] {
        let greeting = Greeting {
            labels: vec![v1::Label { name: "zone".to_owned(), value: "a".to_owned() }],
            ..fleet.node(id).greeting.as_ref().clone()
        };
        fleet.node(id).greeting = greeting.into();
    }
    fleet.offer(offer(2, &policy));
    let mut sizes = Vec::new();
    for _ in 0..5 {
        fleet.run(seconds(4));
        sizes.push(fleet.serving(2));
        fleet.run(Duration::from_millis(1_200));
    }
    assert_eq!(sizes, [2, 5, 7, 10, 10]);
}

#[test]
fn an_invalid_nack_takes_it_back_from_everyone_and_is_remembered() {
    let mut fleet = Fleet::proven(3);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    let class = v1::NackClass::Invalid;
    fleet.node("node-0").refused = Some(Refused { hash: hash(2), class, reason: "no".to_owned() });
    fleet.run(seconds(1));
    assert_eq!((fleet.serving(1), fleet.serving(2)), (3, 0));
    let (fate, reason) = fleet.fate(2).unwrap();
    assert_eq!((fate, reason), (Fate::Rejected, "node node-0 finds it invalid: no"));
    // A new number with the old content, under a higher fence.
    let base = fleet.rollout.state.base.unwrap();
    assert_eq!((base.release.number, base.release.hash, base.generation), (3, hash(1), 3));
    assert!(matches!(fleet.offer(offer(2, &RolloutPolicy::default())), Offered::Refused(_)));
    assert_eq!(fleet.offer(offer(4, &RolloutPolicy::default())), Offered::New(4));
}

#[test]
fn a_local_nack_is_no_verdict_and_another_node_tries_it() {
    let mut fleet = Fleet::proven(20);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    let class = v1::NackClass::Local;
    fleet.node("node-0").refused = Some(Refused { hash: hash(2), class, reason: "disk".to_owned() });
    fleet.run(seconds(3));
    assert_eq!(fleet.serving(2), 19);
    fleet.run(seconds(40));
    assert_eq!(fleet.fate(2).unwrap().0, Fate::Proven);
}

#[test]
fn more_unavailable_nodes_than_allowed_hold_it_and_are_named() {
    let mut fleet = Fleet::proven(3);
    fleet.offer(offer(2, &RolloutPolicy { max_unavailable: Share::Count(0), ..RolloutPolicy::default() }));
    let class = v1::NackClass::Local;
    fleet.node("node-0").refused = Some(Refused { hash: hash(2), class, reason: "disk".to_owned() });
    fleet.run(seconds(30));
    assert_eq!(fleet.serving(2), 0);
    assert_eq!(fleet.rollout.trouble(), Some("waits for node-0"));
    fleet.node("node-0").refused = None;
    fleet.run(seconds(3));
    assert_eq!(fleet.serving(2), 3);
}

fn died_of(number: u8) -> Quarantined {
    Quarantined { hash: hash(number), revision: number.into(), reason: "it aborted".to_owned() }
}

#[test]
fn a_node_that_died_of_it_takes_it_back_also_on_trial() {
    let mut fleet = Fleet::proven(3);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.run(seconds(10));
    assert_eq!(fleet.serving(2), 3);
    let greeting = Greeting {
        instance: "again".to_owned(),
        quarantined: vec![died_of(2)],
        ..fleet.node("node-1").greeting.as_ref().clone()
    };
    *fleet.node("node-1") = Node::new(greeting);
    fleet.run(seconds(1));
    assert_eq!(fleet.serving(2), 0);
    assert_eq!(fleet.fate(2), Some((Fate::Rejected, "node node-1 died of it: it aborted")));
}

#[test]
fn a_node_that_is_lost_soon_after_and_does_not_come_back_takes_it_back() {
    let mut fleet = Fleet::proven(5);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.obey();
    fleet.step(&Traffic::default());
    fleet.node("node-0").ended = Some(std::time::SystemTime::now());
    fleet.run(seconds(9));
    // It may only have lost its connection; nobody else gets it as long as that is not known.
    assert_eq!((fleet.serving(2), fleet.fate(2)), (1, None));
    fleet.run(seconds(2));
    assert_eq!(fleet.fate(2).unwrap().0, Fate::Rejected);
}

#[test]
fn a_node_that_is_back_in_time_goes_on() {
    let mut fleet = Fleet::proven(5);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.obey();
    fleet.step(&Traffic::default());
    fleet.node("node-0").ended = Some(std::time::SystemTime::now());
    fleet.run(seconds(5));
    fleet.node("node-0").ended = None;
    fleet.run(seconds(3));
    assert_eq!(fleet.serving(2), 5);
}

#[test]
fn panics_take_it_back() {
    let mut fleet = Fleet::proven(5);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.run(Duration::from_millis(300));
    fleet.node("node-0").panics = 1;
    fleet.step(&Traffic::default());
    assert_eq!(fleet.fate(2).unwrap().0, Fate::Rejected);
}

#[test]
fn a_newer_file_takes_over_on_the_same_first_node() {
    let mut fleet = Fleet::proven(10);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.run(Duration::from_millis(500));
    let first = fleet.nodes.iter().find(|node| node.serving.unwrap().hash == hash(2)).unwrap();
    let first = first.greeting.id.clone();
    fleet.offer(offer(3, &RolloutPolicy::default()));
    fleet.run(Duration::from_millis(300));
    assert_eq!((fleet.serving(1), fleet.serving(2), fleet.serving(3)), (9, 0, 1));
    assert_eq!(fleet.node(&first).serving.unwrap().hash, hash(3));
    assert_eq!(fleet.fate(2).unwrap().0, Fate::Superseded);
    fleet.run(seconds(40));
    assert_eq!(fleet.rollout.state.proven.unwrap().number, 3);
}

#[test]
fn edits_in_a_row_never_take_the_fleet_back_to_what_was_proven_long_ago() {
    let mut fleet = Fleet::proven(10);
    for byte in 2..6 {
        fleet.offer(offer(byte, &RolloutPolicy::default()));
        fleet.run(Duration::from_millis(500));
        assert_eq!((fleet.serving(byte), fleet.serving(byte - 1)), (1, 9), "{byte}");
        fleet.run(seconds(2));
        assert_eq!(fleet.serving(byte), 10);
    }
    // What fails goes back to what the fleet had, and that goes on being tried, with the proven one behind it.
    fleet.offer(offer(6, &RolloutPolicy::default()));
    fleet.run(Duration::from_millis(300));
    fleet.node("node-0").panics = 1;
    fleet.step(&Traffic::default());
    fleet.node("node-0").panics = 0;
    fleet.run(seconds(1));
    assert_eq!(fleet.serving(5), 10);
    fleet.node("node-3").panics = 1;
    fleet.step(&Traffic::default());
    fleet.node("node-3").panics = 0;
    fleet.run(seconds(1));
    assert_eq!(fleet.serving(1), 10);
    assert_eq!(fleet.rollout.state.active, None);
}

#[test]
fn paused_it_goes_no_further_and_is_still_taken_back() {
    let mut fleet = Fleet::proven(5);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.command(Command::Pause);
    fleet.run(seconds(20));
    assert_eq!(fleet.serving(2), 1);
    fleet.command(Command::Resume);
    fleet.run(seconds(2));
    assert_eq!(fleet.serving(2), 5);
    fleet.command(Command::Pause);
    fleet.node("node-3").panics = 1;
    fleet.run(seconds(1));
    assert_eq!(fleet.serving(2), 0);
}

#[test]
fn promoted_it_is_everywhere_at_once_and_aborted_nowhere() {
    let mut fleet = Fleet::proven(5);
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.command(Command::Promote { allow_shrink: false });
    fleet.obey();
    assert_eq!(fleet.serving(2), 5);
    fleet.command(Command::Abort);
    fleet.obey();
    assert_eq!(fleet.serving(1), 5);
    assert_eq!(fleet.fate(2), Some((Fate::RolledBack, "an operator aborted it")));
    // The file still says it.
    assert!(matches!(fleet.offer(offer(2, &RolloutPolicy::default())), Offered::Refused(_)));
    let refused = fleet.rollout.command(Command::Abort, &fleet.nodes, fleet.now).unwrap_err();
    assert_eq!(refused.to_string(), "no rollout is under way");
}

#[test]
fn too_few_requests_wait_and_then_go_on_or_hold_as_the_policy_says() {
    use crate::gate::{Counts, Tally};

    let mut policy = RolloutPolicy::default();
    policy.gate.evidence_wait = seconds(5);
    let trickle = Traffic {
        wave: Tally { total: Counts { requests: 1, ..Counts::default() }, ..Tally::default() },
        ..Traffic::default()
    };
    let none = Traffic::default();
    for without_evidence in [WithoutEvidence::Continue, WithoutEvidence::Hold] {
        policy.gate.without_evidence = without_evidence;
        let mut fleet = Fleet::proven(5);
        fleet.offer(offer(2, &policy));
        let run = |fleet: &mut Fleet, tenths| {
            for _ in 0..tenths {
                fleet.obey();
                let traffic = if fleet.now.as_secs().is_multiple_of(2) { &trickle } else { &none };
                fleet.step(traffic);
            }
        };
        run(&mut fleet, 50);
        assert_eq!(fleet.serving(2), 1, "it waits");
        run(&mut fleet, 20);
        match without_evidence {
            WithoutEvidence::Continue => assert_eq!(fleet.serving(2), 5),
            WithoutEvidence::Hold => {
                assert_eq!(fleet.serving(2), 1);
                assert!(fleet.rollout.trouble().unwrap().contains("not_enough_evidence"));
                fleet.command(Command::Promote { allow_shrink: false });
                run(&mut fleet, 2);
                assert_eq!(fleet.serving(2), 5);
            }
        }
    }
}

#[test]
fn what_a_node_could_not_take_is_held_until_that_node_is_gone() {
    let mut fleet = Fleet::proven(3);
    let limits = v1::Limits { max_routes: 100, ..v1::Limits::default() };
    let greeting = Greeting { limits, ..fleet.node("node-2").greeting.as_ref().clone() };
    fleet.node("node-2").greeting = greeting.into();
    let needs = Needs { routes: 101, endpoints: 1, bytes: 1, ..Needs::default() };
    let offered = fleet.offer(Offer { needs, ..offer(2, &RolloutPolicy::default()) });
    let Offered::Held { reason, .. } = offered else { panic!("{offered:?}") };
    assert_eq!(reason, "node node-2 takes at most 100 routes, and this has 101");
    fleet.run(seconds(5));
    assert_eq!(fleet.serving(1), 3);
    let held = fleet.rollout.state.pending.clone();
    assert!(held.is_some());
    // It is given nothing anyway, or has left.
    fleet.node("node-2").withheld = Some("it cannot take what the fleet has".to_owned());
    fleet.run(seconds(1));
    assert_eq!(fleet.rollout.state.pending, None);
    fleet.nodes.pop();
    fleet.run(seconds(3));
    assert_eq!(fleet.serving(2), 2);
}

#[test]
fn a_return_bakes_shorter() {
    let bake = seconds(8);
    let waves = vec![Wave { nodes: WaveNodes::Share(Share::Count(1)), bake }];
    let policy = RolloutPolicy { strategy: Strategy::Waves(waves), ..RolloutPolicy::default() };
    let mut fleet = Fleet::proven(5);
    fleet.offer(Offer { cause: Cause::Rollback { to: 1 }, ..offer(2, &policy) });
    fleet.run(Duration::from_millis(1_900));
    assert_eq!(fleet.serving(2), 1);
    fleet.run(Duration::from_millis(500));
    assert_eq!(fleet.serving(2), 5);
}

#[test]
fn a_node_that_obeys_more_than_it_would_be_told_is_told_anew_above_that() {
    let mut fleet = Fleet::proven(2);
    let generation = fleet.rollout.state.generation;
    fleet.rollout.state.generation += 5;
    let shown = v1::Serving {
        fence: Some(v1::Fence { epoch: 1, generation: generation + 3 }),
        revision: 9,
        hash: hash(9).as_bytes().to_vec(),
    };
    let hello = v1::Hello { node_id: "b".to_owned(), serving: Some(shown), ..Default::default() };
    fleet.nodes.push(Node::new(Greeting::try_from(hello).unwrap()));
    fleet.step(&Traffic::default());
    assert!(fleet.rollout.target("b").unwrap().generation > generation + 5);
}

#[test]
fn the_first_revision_has_nothing_to_go_back_to_and_goes_no_further_if_a_node_dies_of_it() {
    let mut fleet = Fleet::fresh(3);
    fleet.offer(offer(1, &RolloutPolicy::default()));
    fleet.obey();
    let greeting =
        Greeting { quarantined: vec![died_of(1)], ..fleet.node("node-0").greeting.as_ref().clone() };
    *fleet.node("node-0") = Node::new(greeting);
    fleet.run(seconds(5));
    assert_eq!(fleet.serving(1), 1);
    assert_eq!(fleet.rollout.trouble(), Some("node node-0 died of it: it aborted"));
    // The next file has its chance.
    fleet.offer(offer(2, &RolloutPolicy::default()));
    fleet.run(seconds(3));
    assert_eq!(fleet.serving(2), 3);
}
