//! Random requests, and what must hold of every one of them. A short seeded run is a test; `cargo xtask fuzz` is a
//! long one. A failure names its seed: `HARBR_FUZZ_SEED` runs that one input again.

mod heads;
mod input;
mod paths;
mod streams;

use fastrand::Rng;

/// Runs of each target in an ordinary test run.
const RUNS: u64 = 20_000;

/// Gives `target` as many inputs as the environment says.
fn run(target: impl Fn(&mut Rng)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("HARBR_FUZZ_SEED") {
        return target(&mut Rng::with_seed(seed));
    }
    let runs = number("HARBR_FUZZ_RUNS").unwrap_or(RUNS);
    let first = number("HARBR_FUZZ_FIRST").unwrap_or(0);
    for seed in first..first + runs {
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&mut Rng::with_seed(seed))));
        assert!(outcome.is_ok(), "HARBR_FUZZ_SEED={seed} fails");
    }
    println!("{runs} runs from seed {first} on are clean");
}
