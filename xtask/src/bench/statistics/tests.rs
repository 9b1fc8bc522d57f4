use super::{median, quantile};

#[test]
fn quantiles_are_values_of_the_sample() {
    let sample: Vec<f64> = (1..=200).rev().map(f64::from).collect();
    assert_eq!(median(&sample), Some(100.0));
    assert_eq!(quantile(&sample, 0.99), Some(198.0));
    assert_eq!(quantile(&sample, 1.0), Some(200.0));
    assert_eq!(quantile(&sample, 0.0), Some(1.0));
    assert_eq!(median(&[]), None);
}
