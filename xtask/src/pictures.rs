//! `cargo xtask pictures`: the pictures of the documentation, taken of a real fleet by the tests that look at it.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

/// Larger ones make a repository slow to clone.
const MAX_BYTES: u64 = 150 * 1024;
/// Of the tests that take pictures, the one that is run for each, and what is kept of it.
const TAKEN: [(&str, &[&str]); 1] = [(
    "dashboard_views::each_view_shows_the_fleet_in_both_schemes",
    &[
        "fleet-light",
        "fleet-dark",
        "rollout-light",
        "rollout-dark",
        "routes-light",
        "upstreams-light",
        "revisions-light",
        "explain-light",
        "events-light",
    ],
)];

pub(crate) fn run() -> Result<ExitCode> {
    let (taken, shown) = (workspace::target_dir()?.join("pictures"), workspace::root().join("docs/pictures"));
    std::fs::create_dir_all(&shown).with_context(|| shown.display().to_string())?;
    for (test, names) in TAKEN {
        take(test, &taken)?;
        for name in names {
            keep(&taken, &shown, &format!("{name}.png"))?;
        }
    }
    println!("the pictures are in {}", shown.display());
    Ok(ExitCode::SUCCESS)
}

/// It takes a few minutes, so that there is something in the charts.
fn take(test: &str, folder: &Path) -> Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--locked", "-p", "harbr-tests", "--test", "it", "--", "--exact", test]);
    command.env("HARBR_PICTURES", folder).env("HARBR_REQUIRE_TOOLS", "1").current_dir(workspace::root());
    ensure!(command.status().context("cargo does not start")?.success(), "{test} fails");
    Ok(())
}

fn keep(taken: &Path, shown: &Path, name: &str) -> Result<()> {
    let from = taken.join(name);
    let bytes = std::fs::metadata(&from).with_context(|| from.display().to_string())?.len();
    if bytes > MAX_BYTES {
        bail!("{name} has {bytes} bytes, more than {MAX_BYTES}");
    }
    std::fs::copy(&from, shown.join(name)).with_context(|| name.to_owned())?;
    Ok(())
}
