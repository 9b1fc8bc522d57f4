//! The controller on a thread and a runtime of its own, so that its work never waits for the proxy's, nor the
//! other way round.

use anyhow::Context as _;
use harbr_controlplane::{Controller, Options, Reload};
use harbr_process::Metrics;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Sessions on their way to the controller: there is one node.
const PIPES: usize = 1;

#[derive(Debug)]
pub(crate) struct RunningController {
    pub reload: Reload,
    /// Where the node opens its sessions. Open as long as the controller runs, which takes its end for a fault.
    pub pipes: mpsc::Sender<DuplexStream>,
    stop: CancellationToken,
    ended: oneshot::Receiver<anyhow::Result<()>>,
}

/// Binds the controller, and returns it running.
pub(crate) async fn start(options: Options, metrics: Metrics) -> anyhow::Result<RunningController> {
    let (pipes, opened) = mpsc::channel(PIPES);
    let (bound_tx, bound) = oneshot::channel();
    let (ended_tx, ended) = oneshot::channel();
    let stop = CancellationToken::new();
    let run = {
        let stop = stop.clone();
        async move {
            match Controller::bind(options, metrics).await {
                Ok(controller) => {
                    // Nobody waits any more only if the process ends already.
                    let _gone = bound_tx.send(Ok(controller.reload()));
                    let _gone = ended_tx.send(controller.run(Some(opened), stop).await);
                }
                Err(error) => drop(bound_tx.send(Err(error))),
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("controlplane".into()).spawn(move || runtime.block_on(run))?;
    let reload = bound.await.context("the controller did not start")??;
    Ok(RunningController { reload, pipes, stop, ended })
}

impl RunningController {
    /// Resolves when the controller has ended by itself. Call no more after that.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        (&mut self.ended).await.context("the controller panicked")?.context("the controller ended")?;
        anyhow::bail!("the controller ended by itself")
    }

    /// Tells it to end, if it has not, and waits.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        if self.ended.is_terminated() {
            return Ok(());
        }
        self.ended.await.context("the controller panicked")?
    }
}
