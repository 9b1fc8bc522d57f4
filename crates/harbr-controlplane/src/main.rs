//! `harbr-controlplane`: the controller as a process of its own.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use harbr_controlplane::{Controller, ControllerArgs, check_file};
use harbr_process::{FailureRule, LogArgs, Metrics, Signals, Tasks, parse_duration};
use tokio_util::sync::CancellationToken;

/// Watches a configuration file and tells the fleet what to serve.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    controller: ControllerArgs,
    /// Where revision numbers outlive a restart; memory only if unset.
    #[arg(long, env = "HARBR_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// How long what runs may take to end after SIGTERM.
    #[arg(long, env = "HARBR_DRAIN_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    drain_timeout: Duration,
    /// Check the configuration file and exit.
    #[arg(short = 't', long)]
    check: bool,
    /// Ask the controller at --http-addr whether it is ready, and exit.
    #[arg(long)]
    health_check: bool,
    #[command(flatten)]
    logs: LogArgs,
}

fn main() -> ExitCode {
    harbr_process::refuse_huge_pages();
    let cli = Cli::parse();
    if cli.check {
        return check(&cli.controller);
    }
    let started = match harbr_process::init_logs(&cli.logs) {
        Ok(()) => start(cli),
        Err(error) => Err(error.into()),
    };
    harbr_process::exit_code(started)
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what is asked for is this text")]
fn check(controller: &ControllerArgs) -> ExitCode {
    let checked = controller.config_file().map(|path| (path.display(), check_file(path)));
    match checked {
        Ok((path, Ok(warnings))) => {
            eprint!("{warnings}");
            println!("{path} is valid");
            ExitCode::SUCCESS
        }
        Ok((_, Err(diagnostics))) => {
            eprint!("{diagnostics}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    let threads = harbr_process::worker_threads()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    if cli.health_check {
        let asked = runtime.block_on(harbr_process::probe_readiness(cli.controller.http_addr));
        return asked.map_err(anyhow::Error::msg);
    }
    harbr_process::raise_descriptor_limit().context("cannot raise the limit of open files")?;
    runtime.block_on(run(cli))
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let options = cli.controller.options(cli.state_dir, cli.drain_timeout)?;
    let Signals { mut termination, mut hangup } = Signals::install()?;
    let metrics = Metrics::install("harbr-controlplane")?;
    let controller = Controller::bind(options, metrics.clone()).await?;
    let (reload, stop) = (controller.reload(), CancellationToken::new());

    let mut tasks = Tasks::new(stop.clone());
    let upkeep = metrics.run_upkeep(stop.clone());
    tasks.spawn("metrics upkeep", FailureRule::Optional, async {
        upkeep.await;
        Ok(())
    });
    let signals = stop.clone();
    tasks.spawn("signals", FailureRule::Critical, async move {
        loop {
            tokio::select! {
                () = hangup.received() => reload.now(),
                () = termination.received() => break signals.cancel(),
            }
        }
        Ok(())
    });
    tasks.spawn("controller", FailureRule::Critical, controller.run(None, stop));
    // The controller keeps to the drain time itself; this only bounds what it might forget.
    tasks.run(cli.drain_timeout + Duration::from_secs(5)).await?;
    tracing::info!("harbr-controlplane ends");
    Ok(())
}
