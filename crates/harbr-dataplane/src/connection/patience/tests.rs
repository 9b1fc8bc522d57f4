use super::{A_SECOND, Exhausted, MOST, Patience};

#[test]
fn a_burst_is_borne_and_no_more() {
    let patience = Patience::new();
    for _ in 0..MOST {
        assert_eq!(patience.spend(1, 0), Ok(()));
    }
    assert_eq!(patience.spend(1, 0), Err(Exhausted));
}

#[test]
fn time_and_answers_bring_it_back_up_to_its_most() {
    let patience = Patience::new();
    patience.spend(MOST, 0).unwrap();
    assert_eq!(patience.spend(u32::try_from(A_SECOND).unwrap(), 1_000), Ok(()));
    assert_eq!(patience.spend(1, 1_000), Err(Exhausted));
    patience.earn(3);
    assert_eq!(patience.spend(3, 1_000), Ok(()));
    patience.earn(u32::MAX);
    assert_eq!(patience.spend(MOST + 1, 1_000), Err(Exhausted));
    assert_eq!(patience.spend(MOST, 1_000), Ok(()));
}

#[test]
fn what_comes_often_and_slowly_is_borne_for_ever() {
    let patience = Patience::new();
    for step in 0..100_000_u64 {
        assert_eq!(patience.spend(1, step * 20), Ok(()), "{step}");
    }
}
