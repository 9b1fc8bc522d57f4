//! `harbr-dataplane`: a proxy of the fleet.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use harbr_dataplane::{ControllerLink, DataPlane, FirstSnapshot, NodeArgs, Options, Proof, ProofArgs};
use harbr_process::{LogArgs, Metrics, Signals, parse_duration};
use tokio_util::sync::CancellationToken;
use tonic::transport::Uri;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A stateless proxy that serves what its controller says
#[derive(Debug, Parser)]
#[command(name = "harbr-dataplane", version)]
struct Cli {
    /// The controller; several are tried in turn
    #[arg(
        long,
        env = "HARBR_CONTROLLER",
        value_name = "URL",
        value_delimiter = ',',
        value_parser = harbr_trust::controller_url,
        default_value = "http://127.0.0.1:7400"
    )]
    controller: Vec<Uri>,
    #[command(flatten)]
    proof: ProofArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Keep the last good snapshot here, to start from when no controller answers
    #[arg(long, env = "HARBR_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// How long what runs may take to end after SIGTERM
    #[arg(long, env = "HARBR_DRAIN_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    drain_timeout: Duration,
    /// Ask the running process on --admin-addr whether it is ready, and exit with 0 or 1
    #[arg(long)]
    health_check: bool,
    #[command(flatten)]
    log: LogArgs,
}

pub(crate) fn main() -> ExitCode {
    harbr_process::refuse_huge_pages();
    let cli = Cli::parse();
    let started = match harbr_process::init_logs(&cli.log) {
        Ok(()) => start(cli),
        Err(error) => Err(error.into()),
    };
    harbr_process::exit_code(started)
}

fn start(cli: Cli) -> anyhow::Result<()> {
    // Traffic has threads of its own; this one waits, applies and answers scrapes.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(cli))
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    if cli.health_check {
        return harbr_process::probe_readiness(cli.node.admin_addr).await.map_err(anyhow::Error::msg);
    }
    let mut signals = Signals::install()?;
    harbr_process::raise_descriptor_limit()?;
    let mut node = cli.node;
    let proof = tokio::select! {
        proof = Proof::open(cli.proof, &cli.controller, &mut node, cli.state_dir.as_deref()) => proof?,
        // It may wait for a controller to let it in.
        () = signals.termination.received() => return Ok(()),
    };
    let link = ControllerLink::urls(cli.controller, proof)?;
    let options = Options {
        args: node,
        state_dir: cli.state_dir,
        drain_timeout: cli.drain_timeout,
        workers: harbr_process::worker_threads()?,
        first_snapshot: FirstSnapshot::Awaited,
    };
    let metrics = Metrics::install("harbr-dataplane")?;
    let plane = DataPlane::bind(options, link, metrics).await?;
    let stop = CancellationToken::new();
    let running = plane.run(stop.clone());
    tokio::pin!(running);
    loop {
        tokio::select! {
            ended = &mut running => return ended,
            () = signals.termination.received() => stop.cancel(),
            // A node reads no file; the signal that others use for that must not end it.
            () = signals.hangup.received() => tracing::info!("SIGHUP: nothing to read again"),
        }
    }
}
