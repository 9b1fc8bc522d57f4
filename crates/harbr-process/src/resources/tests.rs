use super::{InvalidThreads, clamp_threads, raise_descriptor_limit};

fn clamp(available: usize, min: &str, max: &str) -> Result<usize, InvalidThreads> {
    let variable = |text: &str| (text != "unset").then(|| text.to_owned());
    clamp_threads(available, variable(min), variable(max))
}

#[test]
fn threads_are_the_cores_held_between_the_bounds() {
    for (available, min, max, expected) in [
        (8, "unset", "unset", 8),
        (8, "4", "32", 8),
        (2, "4", "32", 4),
        (64, "4", "32", 32),
        (64, "unset", "1", 1),
        (2, "3", "unset", 3),
        (2, "5", "5", 5),
        (2, "1024", "1024", 1024),
    ] {
        assert_eq!(clamp(available, min, max), Ok(expected), "{available} in {min}..={max}");
    }
}

#[test]
fn bounds_that_cannot_hold_are_refused() {
    assert_eq!(clamp(8, "4", "2"), Err(InvalidThreads::MinAboveMax { min: 4, max: 2 }));
    // Unset, the lower bound is 1, which no upper bound can be below.
    for value in ["0", "-1", "four", "", "1.5", "1025", "100000", "99999999999999999999"] {
        assert!(matches!(clamp(8, value, "unset"), Err(InvalidThreads::NotANumber { .. })), "min {value}");
        assert!(matches!(clamp(8, "unset", value), Err(InvalidThreads::NotANumber { .. })), "max {value}");
    }
}

#[test]
fn the_descriptor_limit_is_the_hard_one_afterwards() {
    let limit = raise_descriptor_limit().unwrap();
    let now = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    assert_eq!(now.current, now.maximum);
    assert_eq!(now.current.unwrap_or(u64::MAX), limit);
}
