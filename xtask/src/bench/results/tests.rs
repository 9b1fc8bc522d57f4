use super::{Ratio, ratio};

#[test]
fn a_ratio_is_of_each_round_by_itself() {
    let found = ratio(&[10.0, 40.0, 9.0], &[10.0, 50.0, 12.0]);
    assert_eq!(found, Some(Ratio { low: 0.75, median: 0.8, high: 1.0 }));
    assert_eq!(ratio(&[], &[]), None);
}
