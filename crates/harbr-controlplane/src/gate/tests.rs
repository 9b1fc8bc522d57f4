//! Simulated traffic, with seeds: what is stopped, what is not, and how soon.

use std::sync::Arc;
use std::time::Duration;

use harbr_model::GatePolicy;

use super::{Counts, Evidence, Gate, Tally, Traffic};

/// How often reports come.
const TICK: Duration = Duration::from_millis(250);

/// How the nodes of a group answer: requests a second on each route, and the share of them that fails.
#[derive(Debug, Clone, Copy)]
struct Behaviour {
    per_second: f64,
    failing: f64,
    slow: f64,
}

const FINE: Behaviour = Behaviour { per_second: 100.0, failing: 0.0, slow: 0.0 };

fn counts(random: &mut fastrand::Rng, behaviour: Behaviour, time: Duration) -> Counts {
    let Behaviour { per_second, failing, slow } = behaviour;
    // As many as come by chance, around the average.
    let expected = per_second * time.as_secs_f64();
    let requests = (0..(expected * 2.0).ceil() as u64).filter(|_| random.f64() < 0.5).count() as u64;
    let mut counts = Counts { requests, ..Counts::default() };
    for _ in 0..requests {
        counts.upstream_5xx += u64::from(random.f64() < failing);
        let is_slow = random.f64() < slow;
        counts.latency.record(Duration::from_millis(if is_slow { 300 } else { 1 + random.u64(..20) }));
    }
    counts
}

fn tally(random: &mut fastrand::Rng, routes: &[Behaviour], time: Duration) -> Tally {
    let mut tally = Tally::default();
    for (index, behaviour) in routes.iter().enumerate() {
        let counts = counts(random, *behaviour, time);
        tally.total.merge(&counts);
        if counts.requests > 0 {
            tally.routes.insert(Arc::from(format!("/{index}")), counts);
        }
    }
    tally
}

/// Runs a rollout for so long; gives when it was stopped, and why.
fn run(
    seed: u64,
    past: &[Behaviour],
    rest: Option<&[Behaviour]>,
    wave: &[Behaviour],
    time: Duration,
) -> Option<(Duration, String)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut gate = Gate::new(GatePolicy::default());
    let past = tally(&mut random, past, Duration::from_secs(45));
    let mut traffic = Traffic { past, ..Traffic::default() };
    let mut now = Duration::ZERO;
    while now < time {
        now += TICK;
        traffic.wave = tally(&mut random, wave, TICK);
        traffic.rest = rest.map(|rest| tally(&mut random, rest, TICK)).unwrap_or_default();
        gate.note(&traffic, now);
        traffic.past = Tally::default();
        if let Some(harm) = gate.verdict() {
            return Some((now, harm.to_string()));
        }
    }
    None
}

/// The rest of the fleet has nine times the wave's requests.
fn nine(routes: &[Behaviour]) -> Vec<Behaviour> {
    routes.iter().map(|route| Behaviour { per_second: route.per_second * 9.0, ..*route }).collect()
}

#[test]
fn at_equal_behaviour_at_most_one_rollout_in_a_thousand_is_stopped() {
    // Each with a share of failures and slow answers that is always there, on few routes and on many, busy and idle.
    let kinds: [&[f64]; 4] = [&[0.0, 0.3], &[0.02; 12], &[0.001, 0.5, 0.05], &[0.2]];
    let (mut stopped, mut rollouts) = (Vec::new(), 0);
    for seed in 0..2_000 {
        let shares = kinds[seed as usize % kinds.len()];
        let per_second = [4.0, 12.0, 40.0][seed as usize % 3];
        let routes: Vec<Behaviour> = shares
            .iter()
            .map(|failing| Behaviour { per_second, failing: *failing, slow: *failing / 2.0 })
            .collect();
        let rest = nine(&routes);
        let rest = (seed % 2 == 0).then_some(rest.as_slice());
        rollouts += 1;
        stopped.extend(run(seed, &routes, rest, &routes, Duration::from_secs(15)).map(|harm| (seed, harm)));
    }
    // 2 would be the average at the limit; the bets stay well below it (none of 20,000 seeds).
    assert!(stopped.is_empty(), "of {rollouts}: {stopped:?}");
}

#[test]
fn a_route_that_turns_to_five_percent_failures_is_caught_within_five_seconds() {
    let good = [FINE; 5];
    let mut bad = good;
    bad[3].failing = 0.05;
    for with_rest in [true, false] {
        let mut late = 0;
        for seed in 0..200 {
            let rest = nine(&good);
            let rest = with_rest.then_some(rest.as_slice());
            match run(seed, &good, rest, &bad, Duration::from_secs(20)) {
                Some((when, why)) => {
                    assert!(why.contains("route `/3`") || why.contains("all routes"), "{why}");
                    late += usize::from(when > Duration::from_secs(5));
                }
                None => panic!("seed {seed} was not caught"),
            }
        }
        // By chance a route may show fewer failures than it has.
        assert!(late <= 10, "{late} of 200 took longer, with a rest: {with_rest}");
    }
}

#[test]
fn a_route_that_fails_altogether_is_caught_within_a_second() {
    let good = [Behaviour { per_second: 20.0, ..FINE }; 3];
    let mut bad = good;
    bad[0].failing = 1.0;
    for seed in 0..100 {
        let (when, why) = run(seed, &good, Some(&nine(&good)), &bad, Duration::from_secs(5)).unwrap();
        assert!(when <= Duration::from_secs(1), "{when:?}: {why}");
        assert!(why.starts_with("route `/0`: "), "{why}");
    }
}

#[test]
fn slow_answers_are_caught_and_named() {
    let good = [FINE; 2];
    let mut bad = good;
    bad[1].slow = 0.5;
    for seed in 0..50 {
        let (_, why) = run(seed, &good, Some(&nine(&good)), &bad, Duration::from_secs(5)).unwrap();
        assert!(why.contains("took longer than"), "{why}");
    }
}

#[test]
fn what_fails_everywhere_at_the_same_time_is_not_the_revisions_fault() {
    let good = [FINE; 2];
    let down = [Behaviour { failing: 1.0, ..FINE }; 2];
    for seed in 0..50 {
        assert_eq!(run(seed, &good, Some(&nine(&down)), &down, Duration::from_secs(10)), None);
    }
}

#[test]
fn a_node_that_was_always_worse_is_not_worse_for_its_revision() {
    let good = [FINE; 2];
    let worse = [Behaviour { failing: 0.1, ..FINE }; 2];
    for seed in 0..50 {
        let stopped = run(seed, &worse, Some(&nine(&good)), &worse, Duration::from_secs(10));
        assert_eq!(stopped, None, "seed {seed}");
    }
}

#[test]
fn a_difference_below_the_tolerance_is_let_pass() {
    let good = [Behaviour { per_second: 2_000.0, ..FINE }];
    let bad = [Behaviour { failing: 0.004, ..good[0] }];
    assert_eq!(run(1, &good, Some(&nine(&good)), &bad, Duration::from_secs(20)), None);
}

#[test]
fn evidence_is_enough_too_little_or_none() {
    let mut gate = Gate::new(GatePolicy::default());
    assert_eq!(gate.evidence(), Evidence::None);
    let mut random = fastrand::Rng::with_seed(1);
    let mut note = |gate: &mut Gate| {
        let wave = tally(&mut random, &[FINE], Duration::from_millis(600));
        gate.note(&Traffic { wave, ..Traffic::default() }, Duration::from_secs(1));
    };
    note(&mut gate);
    assert!(matches!(gate.evidence(), Evidence::NotEnough { .. }));
    note(&mut gate);
    assert!(matches!(gate.evidence(), Evidence::Enough { .. }), "{:?}", gate.evidence());
    gate.next_wave();
    assert_eq!(gate.evidence(), Evidence::None);
}

#[test]
fn routes_beyond_the_limit_count_in_all_only() {
    let mut gate = Gate::new(GatePolicy::default());
    let mut wave = Tally::default();
    for number in 0..super::MAX_ROUTES + 50 {
        let counts = Counts { requests: 1, ..Counts::default() };
        wave.total.merge(&counts);
        wave.routes.insert(Arc::from(format!("/{number}")), counts);
    }
    gate.note(&Traffic { wave, ..Traffic::default() }, Duration::from_secs(1));
    assert_eq!(gate.comparisons.len(), super::MAX_ROUTES + 1);
}
