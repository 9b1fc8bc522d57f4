use harbr_model::{Health, HealthCheck, Probe};

use super::{Standing, Verdict};

/// Plays results (`+` and `-`) and gives the health after each (`h`, `u`).
fn play(rise: u32, fall: u32, results: &str) -> String {
    let check = HealthCheck { rise, fall, ..HealthCheck::new(Probe::Tcp) };
    let mut standing = Standing::UNKNOWN;
    let step = |result| {
        let verdict = if result == '+' { Verdict::Success } else { Verdict::Failure };
        standing = standing.after(verdict, &check);
        match standing.health {
            Health::Unknown => '?',
            Health::Healthy => 'h',
            Health::Unhealthy => 'u',
        }
    };
    results.chars().map(step).collect()
}

#[test]
fn the_first_result_decides_whatever_the_counts() {
    assert_eq!(play(3, 3, "+"), "h");
    assert_eq!(play(3, 3, "-"), "u");
}

#[test]
fn one_result_is_enough_by_default() {
    assert_eq!(play(1, 1, "+-+--+"), "huhuuh");
}

#[test]
fn only_results_in_a_row_count() {
    assert_eq!(play(1, 3, "+--+---"), "hhhhhhu");
    assert_eq!(play(2, 1, "-+-++"), "uuuuh");
}

#[test]
fn counting_begins_anew_after_each_turn() {
    assert_eq!(play(2, 2, "+--++--"), "hhuuhhu");
}
