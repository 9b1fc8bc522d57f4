use std::sync::Arc;
use std::time::Duration;

use super::{Histogram, MAX_ROUTE_SERIES, PerWorker, RouteSeries, RouteStats};

#[test]
fn a_duration_on_a_bound_counts_below_it() {
    let histogram = Histogram::default();
    histogram.record(Duration::from_micros(500));
    histogram.record(Duration::from_micros(501));
    histogram.record(Duration::from_secs(3_600));
    let counts: Vec<_> = histogram.buckets.iter().map(super::Counter::value).collect();
    assert_eq!((counts[0], counts[1], counts[16]), (1, 1, 1));
}

#[test]
fn the_sum_is_over_all_workers() {
    let cells: PerWorker<super::Counter> = PerWorker::new(3);
    cells.of(0).add(2);
    cells.of(2).add(3);
    assert_eq!(cells.sum(|counter| counter), 5);
}

#[test]
fn routes_beyond_the_limit_share_one_series_until_others_go() {
    let series = Arc::new(RouteSeries::new(1));
    let hit = || {
        let stats = RouteStats::new("/".into(), 1, series.clone());
        stats.of(0, &PerWorker::new(1)).0.success.increment();
        stats
    };
    let mut own: Vec<_> = (0..MAX_ROUTE_SERIES).map(|_| hit()).collect();
    assert!(own.iter().all(|stats| stats.own().is_some()));
    assert!(hit().own().is_none());
    assert_eq!(series.others.sum(|cells| &cells.success), 1);
    own.pop();
    assert!(hit().own().is_some());
}
