//! Nodes that come, go, refuse and die, operators, edits, and a controller that is started again: whatever happens in
//! whatever order, what must never happen does not, and what must come in the end does.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use harbr_model::RolloutPolicy;
use harbr_proto::{SnapshotHash, v1};

use super::{Command, Fleet, Greeting, Node, Quarantined, Refused, Rollout, Serving, hash, node, offer};
use crate::gate::Traffic;

/// What is wrong with a content, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    Invalid,
    Kills,
}

struct World {
    fleet: Fleet,
    random: fastrand::Rng,
    flaws: Vec<Flaw>,
    /// The last thing that each node obeyed, by id: it takes nothing at or below it.
    fences: std::collections::HashMap<String, u64>,
    /// Who a bad content was given to before it was known to be bad, by content.
    known_bad: BTreeSet<SnapshotHash>,
    next_id: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let fleet = Fleet::proven(random.usize(1..12));
        let next_id = fleet.nodes.len();
        let generation = fleet.rollout.state.generation;
        let fences = fleet.nodes.iter().map(|node| (node.greeting.id.clone(), generation)).collect();
        Self { fleet, random, flaws: vec![Flaw::None; 2], fences, known_bad: BTreeSet::new(), next_id }
    }

    fn flaw(&self, hash: SnapshotHash) -> Flaw {
        self.flaws[usize::from(hash.as_bytes()[0])]
    }

    /// Some nodes do what they are told; they check that they may be told it.
    fn obey(&mut self) {
        for index in 0..self.fleet.nodes.len() {
            if self.random.u8(..4) == 0 || !self.fleet.nodes[index].is_connected() {
                continue;
            }
            let id = self.fleet.nodes[index].greeting.id.clone();
            let Some(target) = self.fleet.rollout.target(&id) else { continue };
            let (hash, number) = (target.release.hash, target.release.number);
            let is_there = self.fleet.nodes[index].serving.is_some_and(|serving| serving.hash == hash);
            let fence = self.fences.entry(id.clone()).or_insert(0);
            if is_there {
                *fence = (*fence).max(target.generation);
                continue;
            }
            // Never forked: one generation is one content.
            assert!(target.generation > *fence, "{id} obeys {fence} and is told {target:?}");
            // No node is given what another one found invalid or died of.
            assert!(!self.known_bad.contains(&hash), "{id} is given {target:?}, which is known to be bad");
            *fence = target.generation;
            match self.flaw(hash) {
                Flaw::None => self.fleet.nodes[index].serves(Some(Serving { revision: number, hash })),
                Flaw::Invalid => {
                    let class = v1::NackClass::Invalid;
                    self.fleet.nodes[index].refused = Some(Refused { hash, class, reason: "bad".to_owned() });
                }
                Flaw::Kills => {
                    let greeting = Greeting {
                        instance: format!("{id}-{}", self.random.u64(..)),
                        quarantined: vec![Quarantined {
                            hash,
                            revision: number,
                            reason: "it aborted".to_owned(),
                        }],
                        ..self.fleet.nodes[index].greeting.as_ref().clone()
                    };
                    let before = self.fleet.nodes[index].serving;
                    self.fleet.nodes[index] = Node::new(greeting);
                    self.fleet.nodes[index].serves(before);
                }
            }
        }
    }

    fn look(&mut self) {
        // The controller learns of what nodes found out when it looks, and acts on it before it tells anyone.
        self.fleet.step(&Traffic::default());
        for node in &self.fleet.nodes {
            let refused = node.refused.iter().map(|refused| refused.hash);
            let died = node.greeting.quarantined.iter().map(|found| found.hash);
            self.known_bad.extend(refused.chain(died));
        }
    }

    fn disturb(&mut self) {
        match self.random.u8(..60) {
            0 => {
                self.flaws.push([Flaw::None, Flaw::Invalid, Flaw::Kills][self.random.usize(..3)]);
                let byte = u8::try_from(self.flaws.len() - 1).unwrap();
                self.fleet.offer(offer(byte, &RolloutPolicy::default()));
            }
            1 => {
                self.fleet.nodes.push(node(&format!("node-{}", self.next_id)));
                self.next_id += 1;
            }
            2 if self.fleet.nodes.len() > 1 => {
                let index = self.random.usize(..self.fleet.nodes.len());
                self.fleet.nodes.remove(index);
            }
            3 => {
                // A connection breaks, or comes back.
                let index = self.random.usize(..self.fleet.nodes.len());
                let ended = self.fleet.nodes[index].ended.is_none().then(SystemTime::now);
                self.fleet.nodes[index].ended = ended;
            }
            4 => {
                // The controller is started again: only its state is left.
                self.fleet.rollout = Rollout::new(self.fleet.rollout.state.clone(), RolloutPolicy::default());
            }
            5 => {
                let commands = [
                    Command::Pause,
                    Command::Resume,
                    Command::Promote { allow_shrink: false },
                    Command::Abort,
                ];
                let command = commands[self.random.usize(..commands.len())];
                let _ = self.fleet.rollout.command(command, &self.fleet.nodes, self.fleet.now);
            }
            _ => {}
        }
    }

    /// Once nothing disturbs it any more.
    fn settle(&mut self) {
        for node in &mut self.fleet.nodes {
            node.ended = None;
        }
        if self.fleet.rollout.state.active.as_ref().is_some_and(|active| active.paused) {
            self.fleet.command(Command::Resume);
        }
        let end = self.fleet.now + Duration::from_secs(200);
        while self.fleet.now < end {
            self.obey();
            self.look();
        }
    }
}

#[test]
fn whatever_happens_the_fleet_ends_on_one_good_revision() {
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..600 {
            world.obey();
            world.look();
            world.disturb();
        }
        world.settle();
        let state = &world.fleet.rollout.state;
        assert_eq!(state.active, None, "seed {seed}: {:?}", world.fleet.rollout.trouble());
        let base = state.base.unwrap().release;
        assert_eq!(state.proven, Some(base), "seed {seed}");
        assert_eq!(world.flaw(base.hash), Flaw::None, "seed {seed}");
        for node in &world.fleet.nodes {
            assert_eq!(node.serving.map(|serving| serving.hash), Some(base.hash), "seed {seed}");
        }
        assert_ne!(hash(0), base.hash);
    }
}
