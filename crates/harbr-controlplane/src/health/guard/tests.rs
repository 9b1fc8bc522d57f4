use std::sync::Arc;
use std::time::Duration;

use harbr_model::{Health, HealthCheck, Probe};
use tokio::time::Instant;

use super::{AT_ONCE, Belief, Guard, Target, WINDOW};
use crate::health::Link;

/// This many upstreams with this many endpoints each, all healthy so far.
struct Fleet {
    guard: Guard,
    targets: Vec<(Arc<Target>, Health)>,
    now: Instant,
}

impl Fleet {
    fn new(upstreams: usize, endpoints: usize) -> Self {
        let target = |index: usize| {
            let url = format!("http://10.0.{}.{}", index / endpoints, index % endpoints + 1);
            Arc::new(Target {
                url: url.parse().unwrap(),
                check: HealthCheck::new(Probe::Tcp),
                link: Link::default(),
            })
        };
        let targets: Vec<_> =
            (0..upstreams * endpoints).map(|index| (target(index), Health::Healthy)).collect();
        let mut guard = Guard::default();
        let named = targets.iter().enumerate();
        guard.set_targets(
            named.map(|(index, (target, _))| (target.clone(), vec![format!("u{}", index / endpoints)])),
        );
        Self { guard, targets, now: Instant::now() }
    }

    /// A failed probe of each of these; whether each is out after it.
    fn fail(&mut self, indices: impl IntoIterator<Item = usize>) -> Vec<bool> {
        self.probe(indices, Health::Unhealthy)
    }

    fn probe(&mut self, indices: impl IntoIterator<Item = usize>, found: Health) -> Vec<bool> {
        let mut out = Vec::new();
        for index in indices {
            let (target, health) = &mut self.targets[index];
            if self.guard.weigh(target, *health, found, self.now) == Belief::Believed {
                *health = found;
            }
            out.push(*health == Health::Unhealthy);
        }
        out
    }

    fn out(&self) -> usize {
        self.targets.iter().filter(|(_, health)| *health == Health::Unhealthy).count()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
}

#[test]
fn on_a_small_file_a_failed_probe_takes_an_endpoint_out_whatever_the_others_do() {
    for (upstreams, endpoints) in [(1, 1), (3, 3), (9, 1), (2, 50)] {
        let mut fleet = Fleet::new(upstreams, endpoints);
        assert!(fleet.fail(0..upstreams * endpoints).iter().all(|out| *out), "{upstreams} of {endpoints}");
        assert!(!fleet.guard.suspects_itself());
    }
}

#[test]
fn only_so_much_of_all_is_taken_out_within_the_window_and_the_rest_after_it() {
    // 20 endpoints: 4 within a window.
    let mut fleet = Fleet::new(10, 2);
    let failing: Vec<_> = (0..8).map(|index| index * 2).collect();
    fleet.fail(failing.clone());
    assert_eq!(fleet.out(), 4);
    fleet.fail(failing.clone());
    assert_eq!(fleet.out(), 4);
    fleet.pass(WINDOW);
    fleet.fail(failing);
    assert_eq!(fleet.out(), 8);
    assert!(!fleet.guard.suspects_itself());
}

#[test]
fn only_so_much_of_an_upstream_is_taken_out_within_the_window() {
    // 4 of an upstream: 2 within a window.
    let mut fleet = Fleet::new(5, 4);
    assert_eq!(fleet.fail([0, 1, 2, 3]), [true, true, false, false]);
    assert_eq!(fleet.fail([4]), [true]);
    fleet.pass(WINDOW);
    assert_eq!(fleet.fail([2, 3]), [true, true]);
    // One is always taken out, also where that is all.
    let mut single = Fleet::new(10, 1);
    assert_eq!(single.fail([0]), [true]);
}

#[test]
fn when_most_fail_at_once_nothing_more_is_taken_out_until_that_has_passed() {
    let mut fleet = Fleet::new(5, 4);
    fleet.fail(0..11);
    assert!(fleet.guard.suspects_itself());
    let out = fleet.out();
    assert!(out <= 4, "{out}");
    fleet.pass(WINDOW * 100);
    fleet.fail(0..20);
    assert_eq!(fleet.out(), out);
    assert!(fleet.guard.suspects_itself());
    // What recovers is believed at once.
    fleet.probe(0..10, Health::Healthy);
    assert!(!fleet.guard.suspects_itself());
    assert_eq!(fleet.fail([10]), [true]);
}

#[test]
fn a_slow_decline_is_no_reason_for_suspicion() {
    let mut fleet = Fleet::new(5, 4);
    for index in 0..20 {
        fleet.fail([index]);
        fleet.pass(AT_ONCE / 2);
    }
    assert!(!fleet.guard.suspects_itself());
    assert_eq!(fleet.out(), 20);
}

#[test]
fn what_is_probed_no_more_counts_no_more() {
    let mut fleet = Fleet::new(5, 4);
    fleet.fail(0..11);
    assert!(fleet.guard.suspects_itself());
    let left = fleet.targets.split_off(9);
    fleet.guard.set_targets(
        left.iter().enumerate().map(|(i, (target, _))| (target.clone(), vec![format!("u{}", i % 3)])),
    );
    fleet.targets = left;
    fleet.probe([10], Health::Healthy);
    assert!(!fleet.guard.suspects_itself());
}
