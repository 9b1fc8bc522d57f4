use std::time::Duration;

use super::{Draining, Place};

#[test]
fn connections_end_in_turn_over_the_grace_time() {
    let draining = Draining::new();
    let places = [0, 1, u16::MAX / 2, u16::MAX].map(Place);
    let reached = || places.map(|place| draining.reaches(place));
    assert_eq!((draining.is_on(), reached()), (false, [false; 4]));
    draining.set(Some(Duration::from_secs(3_600)));
    assert_eq!((draining.is_on(), reached()), (true, [true, false, false, false]));
    // The controller says again what it said, with less time.
    draining.set(Some(Duration::ZERO));
    assert_eq!((draining.is_over(), reached()), (true, [true; 4]));
    draining.set(None);
    assert_eq!((draining.is_on(), draining.is_over(), reached()), (false, false, [false; 4]));
}

#[test]
fn a_grace_time_beyond_all_counting_is_no_harm() {
    let draining = Draining::new();
    draining.set(Some(Duration::MAX));
    assert!(!draining.is_over());
}
