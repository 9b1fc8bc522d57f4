//! `cargo xtask check`: everything that must hold before a change goes in, tests last.

mod test_results;
mod tools;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace;
use test_results::TestResults;

pub(crate) fn run() -> Result<ExitCode> {
    let mut stages = Stages::default();
    stages.run("format", || succeed(workspace::cargo(&["fmt", "--all", "--check"])));
    stages.run("lints", || {
        succeed(workspace::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    });
    stages.run("documentation", || {
        let mut doc = workspace::cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
        doc.env("RUSTDOCFLAGS", "-D warnings");
        succeed(doc)
    });
    stages.run("outside tools", tools::check);
    // Programs and tests in one go: built for themselves, the programs would be built twice, as tests switch
    // on more features of the same crates.
    stages.run("build", || {
        succeed(workspace::cargo(&["build", "--workspace", "--all-targets", "--locked"]))?;
        succeed(workspace::cargo(&FAULTY))
    });
    let mut results = TestResults::default();
    stages.run("tests", || run_tests(&mut results));
    if !stages.failed.is_empty() {
        println!("\nfailed: {}", stages.failed.join(", "));
    }
    println!("{results}");
    Ok(if stages.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The program that dies on request. Only its own crate is compiled anew: a test target beside it has all others be as
/// they were built with the tests.
const FAULTY: [&str; 9] = [
    "build",
    "--workspace",
    "--bin",
    "harbr-dataplane-faulty",
    "--test",
    "it",
    "--features",
    "harbr-dataplane/fault-injection",
    "--locked",
];

/// Each stage runs, whatever became of those before it.
#[derive(Debug, Default)]
struct Stages {
    failed: Vec<&'static str>,
}

impl Stages {
    fn run(&mut self, name: &'static str, stage: impl FnOnce() -> Result<()>) {
        println!("── {name}");
        let start = Instant::now();
        let outcome = stage();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => println!("── {name}: ok ({seconds:.1} s)\n"),
            Err(error) => {
                println!("── {name}: FAILED ({seconds:.1} s): {error:#}\n");
                self.failed.push(name);
            }
        }
    }
}

fn succeed(mut command: Command) -> Result<()> {
    let status =
        command.status().with_context(|| format!("{} does not start", command.get_program().display()))?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(())
}

/// Streams the output, and counts on the way.
fn run_tests(results: &mut TestResults) -> Result<()> {
    let mut tests = workspace::cargo(&["test", "--workspace", "--locked", "--no-fail-fast"])
        .env("HARBR_BIN_DIR", workspace::target_dir()?.join("debug"))
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo test does not start")?;
    let stdout = tests.stdout.take().context("its output is piped")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        results.add_line(&line);
    }
    let status = tests.wait()?;
    if !status.success() {
        // It did not build, or it died before it could say how it went.
        results.note_failure();
        bail!("cargo test ended with {status}");
    }
    Ok(())
}
