use tokio::time::Instant;

use super::{LOG_EVERY, Refusal, Refusals};

#[test]
fn each_kind_is_logged_once_in_a_while_and_says_how_many_there_were() {
    let (refusals, start) = (Refusals::default(), Instant::now());
    assert_eq!(refusals.log_now(Refusal::Garbage, start), Some(0));
    for _ in 0..4_999 {
        assert_eq!(refusals.log_now(Refusal::Garbage, start + LOG_EVERY / 2), None);
    }
    assert_eq!(refusals.log_now(Refusal::Silent, start), Some(0));
    assert_eq!(refusals.log_now(Refusal::Garbage, start + LOG_EVERY), Some(4_999));
    assert_eq!(refusals.log_now(Refusal::Garbage, start + LOG_EVERY), None);
    assert_eq!(refusals.log_now(Refusal::Garbage, start + LOG_EVERY * 2), Some(1));
}

#[test]
fn each_kind_has_a_place_and_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Refusal::ALL.map(Refusal::as_str).into();
    assert_eq!(names.len(), Refusal::ALL.len());
    for (place, refusal) in Refusal::ALL.into_iter().enumerate() {
        assert_eq!(refusal as usize, place);
    }
}
