use proptest::prelude::*;

use super::{Trials, Wager, upper_bound};

fn trials(count: u64, bad: u64) -> Trials {
    Trials { count, bad }
}

#[test]
fn nothing_is_won_without_bad_requests() {
    let mut wager = Wager::default();
    wager.stake_against(trials(1_000, 0), trials(9_000, 0));
    assert!(wager.gain().abs() < 1e-9);
}

#[test]
fn failures_on_the_wave_alone_win_and_on_all_do_not() {
    let mut alone = Wager::default();
    alone.stake_against(trials(100, 10), trials(900, 0));
    assert!(alone.gain() > 15.0, "{}", alone.gain());
    let mut everywhere = Wager::default();
    everywhere.stake_against(trials(100, 100), trials(900, 900));
    assert!(everywhere.gain() < 0.0, "{}", everywhere.gain());
}

#[test]
fn a_bound_holds_what_was_seen_and_tightens_with_more() {
    assert!(upper_bound(trials(100, 0), 0.001) < 0.07);
    assert!(upper_bound(trials(10_000, 0), 0.001) < 0.0007);
    let bound = upper_bound(trials(1_000, 100), 0.001);
    assert!(bound > 0.1 && bound < 0.15, "{bound}");
    assert!(upper_bound(trials(10, 10), 0.001) > 0.999);
}

proptest! {
    /// What a fair bet multiplies its stake by is 1 on average: summed over all ways in which the bad requests may fall
    /// on the two sides, each with its chance. (Binomial: the true chances are less spread.)
    #[test]
    fn the_bet_against_the_rest_is_fair(wave in 1..60_u64, rest in 1..60_u64, bad in 0..12_u64) {
        let bad = bad.min(wave).min(rest);
        let part = wave as f64 / (wave + rest) as f64;
        let mut average = 0.0;
        for on_wave in 0..=bad {
            let mut wager = Wager::default();
            wager.stake_against(trials(wave, on_wave), trials(rest, bad - on_wave));
            let ways: f64 = (0..on_wave).map(|index| (bad - index) as f64 / (index + 1) as f64).product();
            let chance = ways * part.powf(on_wave as f64) * (1.0 - part).powf((bad - on_wave) as f64);
            average += chance * wager.gain().exp();
        }
        prop_assert!((average - 1.0).abs() < 1e-6, "{average}");
    }

    #[test]
    fn the_bet_above_a_bound_is_fair_there_and_loses_below(count in 1..40_u64, bound in 0.01..0.9_f64, times in 0.1..1.0_f64) {
        let share = bound * times;
        let mut average = 0.0;
        for bad in 0..=count {
            let mut wager = Wager::default();
            wager.stake_above(trials(count, bad), bound);
            let ways: f64 = (0..bad).map(|index| (count - index) as f64 / (index + 1) as f64).product();
            average += ways * share.powf(bad as f64) * (1.0 - share).powf((count - bad) as f64) * wager.gain().exp();
        }
        prop_assert!(average < 1.0 + 1e-6, "{average}");
    }

    #[test]
    fn a_bound_is_never_below_what_was_seen(count in 1..100_000_u64, share in 0.0..1.0_f64) {
        let seen = trials(count, (count as f64 * share) as u64);
        prop_assert!(upper_bound(seen, 1e-4) >= seen.share());
    }
}
