use super::*;

/// A moment in the middle of a step.
fn moment(step: u64) -> SystemTime {
    UNIX_EPOCH + STEP * u32::try_from(1_000_000 + step).unwrap() + STEP / 2
}

fn counts(requests: u64, failures: u64) -> Counts {
    let mut counts = Counts { requests, own_errors: failures, retries: failures, ..Counts::default() };
    (0..requests).for_each(|_| counts.latency.record(Duration::from_millis(2)));
    counts
}

#[test]
fn a_point_is_what_came_in_its_time() {
    let mut track = Track::default();
    track.add(&counts(30, 0), moment(0));
    track.add(&counts(20, 5), moment(0));
    let points = track.points(moment(1)).points;
    assert_eq!(points.len(), POINTS);
    let last = points.last().unwrap();
    assert_eq!((last.requests, last.failures, last.retries), (10.0, 1.0, 1.0));
    assert!(last.p50.is_some_and(|p50| (2_000..2_300).contains(&p50.as_micros())));
    assert!(points[..POINTS - 1].iter().all(|point| *point == Summary::default()));
}

#[test]
fn a_time_without_traffic_is_empty_points() {
    let mut track = Track::default();
    track.add(&counts(5, 0), moment(0));
    track.add(&counts(10, 0), moment(3));
    let points = track.points(moment(4)).points;
    let rates: Vec<_> = points[POINTS - 5..].iter().map(|point| point.requests).collect();
    assert_eq!(rates, [0.0, 1.0, 0.0, 0.0, 2.0]);
}

#[test]
fn what_is_older_than_the_window_is_gone() {
    let mut track = Track::default();
    track.add(&counts(5, 0), moment(0));
    track.add(&counts(5, 0), moment(10 * POINTS as u64));
    let points = track.points(moment(10 * POINTS as u64 + 1)).points;
    assert_eq!(points.iter().filter(|point| point.requests > 0.0).count(), 1);
}

#[test]
fn now_is_the_point_before_and_what_has_come_since_and_ends() {
    let mut track = Track::default();
    track.add(&counts(30, 15), moment(0));
    // Seven and a half seconds, in the middle of the next point.
    assert_eq!((track.now(moment(1)).requests, track.now(moment(1)).failures), (4.0, 2.0));
    track.add(&counts(15, 0), moment(1));
    assert_eq!((track.now(moment(1)).requests, track.now(moment(1)).failures), (6.0, 2.0));
    assert_eq!(track.now(moment(2)).requests, 2.0);
    assert_eq!(track.now(moment(3)), Summary::default());
}
