//! `cargo xtask man`: manual pages and completions of `harbrctl`, as packages ship them.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::{self, Profile, Programs};

/// Each shell's name of the script.
const COMPLETIONS: [(&str, &str); 3] =
    [("bash", "harbrctl"), ("zsh", "_harbrctl"), ("fish", "harbrctl.fish")];

pub(crate) fn run() -> Result<ExitCode> {
    let harbrctl = Programs::build(Profile::Debug, &["harbrctl"])?.path("harbrctl");
    let folder = workspace::target_dir()?.join("man");
    let pages = folder.join("man1");
    let status =
        Command::new(&harbrctl).arg("man").arg(&pages).status().context("harbrctl does not start")?;
    ensure!(status.success(), "harbrctl writes no manual pages");
    let completions = folder.join("completions");
    for (shell, name) in COMPLETIONS {
        complete(&harbrctl, shell, &completions.join(shell).join(name))?;
    }
    println!("manual pages are in {}, completions in {}", pages.display(), completions.display());
    Ok(ExitCode::SUCCESS)
}

fn complete(harbrctl: &Path, shell: &str, script: &Path) -> Result<()> {
    let output =
        Command::new(harbrctl).args(["completion", shell]).output().context("harbrctl does not start")?;
    ensure!(output.status.success(), "harbrctl has no completions for {shell}");
    std::fs::create_dir_all(script.parent().context("the script is in a folder")?)?;
    std::fs::write(script, output.stdout).with_context(|| script.display().to_string())
}
