use std::time::Duration;

use proptest::prelude::*;

use super::{InvalidHistogram, LatencyHistogram};
use crate::v1;

fn histogram(micros: &[u64]) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::default();
    micros.iter().for_each(|micros| histogram.record(Duration::from_micros(*micros)));
    histogram
}

fn micros() -> impl Strategy<Value = Vec<u64>> {
    let latency = prop_oneof![0..20_u64, 20..100_000_u64, 0..1_u64 << 27];
    proptest::collection::vec(latency, 0..200)
}

#[test]
fn the_first_buckets_are_a_microsecond_wide_and_the_last_takes_the_rest() {
    let bucket = |micros| LatencyHistogram::bucket_of(Duration::from_micros(micros));
    assert_eq!((0..17).map(bucket).collect::<Vec<_>>(), (0..16).chain([16]).collect::<Vec<_>>());
    assert_eq!(bucket(17), 16);
    let last = LatencyHistogram::BUCKETS - 1;
    assert_eq!((bucket((1 << 27) - 1), bucket(1 << 27), bucket(u64::MAX)), (last, last, last));
    assert_eq!(LatencyHistogram::bucket_of(Duration::MAX), last);
}

#[test]
fn buckets_follow_each_other_without_a_gap() {
    for bucket in 0..LatencyHistogram::BUCKETS - 1 {
        let bound = LatencyHistogram::upper_bound(bucket);
        assert_eq!(LatencyHistogram::bucket_of(bound), bucket + 1);
        assert_eq!(LatencyHistogram::bucket_of(bound - Duration::from_micros(1)), bucket);
    }
    let end = LatencyHistogram::upper_bound(LatencyHistogram::BUCKETS - 1);
    assert_eq!(end, Duration::from_micros(1 << 27));
}

#[test]
fn what_is_no_histogram_is_refused() {
    let refused = |buckets: &[u32], counts: &[u64]| {
        let wire = v1::LatencyHistogram { buckets: buckets.into(), counts: counts.into() };
        LatencyHistogram::try_from(wire).unwrap_err()
    };
    assert_eq!(refused(&[1], &[]), InvalidHistogram::Lengths { buckets: 1, counts: 0 });
    assert_eq!(refused(&[200], &[1]), InvalidHistogram::Bucket(200));
    assert_eq!(histogram(&[]).quantile(0.5), None);
}

proptest! {
    #[test]
    fn histograms_add_up_as_what_they_hold(first in micros(), second in micros()) {
        let both = histogram(&[&first[..], &second[..]].concat());
        let mut merged = histogram(&first);
        merged.merge(&histogram(&second));
        prop_assert_eq!(&merged, &both);
        prop_assert_eq!(both.since(&histogram(&first)), histogram(&second));
        prop_assert_eq!(both.count(), (first.len() + second.len()) as u64);
    }

    #[test]
    fn a_quantile_is_at_most_an_eighth_above_the_latency(mut micros in micros(), sixteenths in 0..=16_usize) {
        let found = histogram(&micros).quantile(sixteenths as f64 / 16.0);
        micros.sort_unstable();
        let rank = (micros.len() * sixteenths).div_ceil(16).max(1);
        prop_assert_eq!(found.is_some(), !micros.is_empty());
        if let Some(found) = found {
            let exact = micros[rank - 1];
            let found = found.as_micros() as u64;
            prop_assert!(exact < found && found <= exact + (exact / 8).max(1), "{} for {}", found, exact);
        }
    }

    #[test]
    fn the_wire_brings_it_over_as_it_is(micros in micros()) {
        let sent = histogram(&micros);
        prop_assert_eq!(LatencyHistogram::try_from(v1::LatencyHistogram::from(&sent)), Ok(sent));
    }

    #[test]
    fn nothing_that_comes_over_the_wire_panics(
        buckets in proptest::collection::vec(0..300_u32, 0..20),
        counts in proptest::collection::vec(any::<u64>(), 0..20),
        share in any::<f64>(),
    ) {
        if let Ok(histogram) = LatencyHistogram::try_from(v1::LatencyHistogram { buckets, counts }) {
            let _any = (histogram.count(), histogram.quantile(share));
        }
    }
}
