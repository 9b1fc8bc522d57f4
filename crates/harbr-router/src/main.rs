//! `harbr-router`: both planes in one process, joined by the same session that joins them over a network.

mod controller;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use harbr_controlplane::{ControllerArgs, check_file};
use harbr_dataplane::{ControllerLink, DataPlane, FirstSnapshot, NodeArgs, Options};
use harbr_process::{LogArgs, Metrics, Signals, parse_duration};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A reverse proxy that a bad configuration cannot take down: controller and proxy in one process
#[derive(Debug, Parser)]
#[command(name = "harbr-router", version)]
struct Cli {
    #[command(flatten)]
    controller: ControllerArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Keep revision numbers and the last good snapshot here
    #[arg(long, env = "HARBR_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// How long what runs may take to end after SIGTERM
    #[arg(long, env = "HARBR_DRAIN_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    drain_timeout: Duration,
    /// Check the configuration file and exit
    #[arg(short = 't', long)]
    check: bool,
    /// Ask the running process on --admin-addr whether it is ready, and exit with 0 or 1
    #[arg(long)]
    health_check: bool,
    #[command(flatten)]
    log: LogArgs,
}

fn main() -> ExitCode {
    harbr_process::refuse_huge_pages();
    let cli = Cli::parse();
    if let Err(error) = harbr_process::init_logs(&cli.log) {
        return harbr_process::exit_code(Err(error.into()));
    }
    if cli.health_check {
        return harbr_process::exit_code(health_check(&cli));
    }
    let file = match cli.controller.config_file() {
        Ok(file) => file,
        Err(error) => return harbr_process::exit_code(Err(error.into())),
    };
    match check_file(file) {
        Err(diagnostics) => print_diagnostics(&diagnostics),
        Ok(warnings) if cli.check => print_valid(&file.display().to_string(), &warnings),
        Ok(_) => harbr_process::exit_code(start(cli)),
    }
}

#[expect(clippy::print_stderr, reason = "what is wrong with the file is for the person at the terminal")]
fn print_diagnostics(diagnostics: &str) -> ExitCode {
    eprint!("{diagnostics}");
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "--check asks for this text")]
fn print_valid(file: &str, warnings: &str) -> ExitCode {
    eprint!("{warnings}");
    println!("{file} is valid");
    ExitCode::SUCCESS
}

fn health_check(cli: &Cli) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(harbr_process::probe_readiness(cli.node.admin_addr));
    asked.map_err(anyhow::Error::msg)
}

fn start(cli: Cli) -> anyhow::Result<()> {
    harbr_process::raise_descriptor_limit()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(cli))
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let mut signals = Signals::install()?;
    let metrics = Metrics::install("harbr-router")?;
    let options = Options {
        args: cli.node,
        state_dir: cli.state_dir.as_ref().map(|dir| dir.join("dataplane")),
        drain_timeout: cli.drain_timeout,
        workers: harbr_process::worker_threads()?,
        first_snapshot: FirstSnapshot::Required,
    };
    let controller_state = cli.state_dir.as_ref().map(|dir| dir.join("controlplane"));
    let controller_options = cli.controller.options(controller_state, cli.drain_timeout)?;

    let mut controller = controller::start(controller_options, metrics.clone()).await?;
    let plane = DataPlane::bind(options, ControllerLink::Pipe(controller.pipes.clone()), metrics).await?;
    let stop = CancellationToken::new();
    let mut serving = std::pin::pin!(plane.run(stop.clone()));
    let mut outcome = Ok(());
    let served = loop {
        tokio::select! {
            served = &mut serving => break served,
            ended = controller.ended(), if !stop.is_cancelled() => {
                outcome = ended;
                stop.cancel();
            }
            () = signals.termination.received() => stop.cancel(),
            () = signals.hangup.received() => controller.reload.now(),
        }
    };
    controller.stop().await?;
    served.and(outcome)
}
