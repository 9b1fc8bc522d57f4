use harbr_model::Balance;

use super::Balancer;

fn shares(
    balancer: &Balancer,
    picks: usize,
    eligible: impl Fn(usize) -> bool,
    load: impl Fn(usize) -> u32,
) -> Vec<usize> {
    let mut shares = vec![0; balancer.weights.len()];
    for _ in 0..picks {
        shares[balancer.pick(&eligible, &load).unwrap()] += 1;
    }
    shares
}

#[test]
fn in_turn_is_exact_by_weight_in_each_cycle() {
    for weights in [vec![1, 1], vec![1, 1, 1, 1, 1], vec![5, 1, 2], vec![3, 3, 4]] {
        let balancer = Balancer::new(Balance::RoundRobin, weights.clone());
        let total: usize = weights.iter().map(|weight| *weight as usize).sum();
        let expected: Vec<_> = weights.iter().map(|weight| *weight as usize * 3).collect();
        assert_eq!(shares(&balancer, total * 3, |_| true, |_| 0), expected, "{weights:?}");
    }
}

#[test]
fn the_less_busy_of_two_is_picked() {
    let balancer = Balancer::new(Balance::LeastRequest, [1, 1]);
    assert_eq!(shares(&balancer, 100, |_| true, |index| if index == 0 { 5 } else { 1 })[1..], [100]);
}

#[test]
fn weight_counts_against_load() {
    let balancer = Balancer::new(Balance::LeastRequest, [10, 1]);
    let picked = shares(&balancer, 1_000, |_| true, |index| if index == 0 { 9 } else { 4 });
    assert_eq!(picked, [1_000, 0]);
}

#[test]
fn what_is_not_eligible_is_never_picked() {
    for balance in [Balance::RoundRobin, Balance::LeastRequest] {
        let balancer = Balancer::new(balance, [1_000, 1_000, 1]);
        assert_eq!(shares(&balancer, 50, |index| index == 2, |_| 0), [0, 0, 50]);
        assert_eq!(balancer.pick(|_| false, |_| 0), None);
    }
}

#[test]
fn one_endpoint_is_picked_or_none() {
    let balancer = Balancer::new(Balance::LeastRequest, [1]);
    assert_eq!(balancer.pick(|_| true, |_| 0), Some(0));
    assert_eq!(balancer.pick(|_| false, |_| 0), None);
}
