use std::io;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::keeper::Keeper;

/// How long a job is waited for. It goes on after that, and the ones behind it wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// Jobs that may wait for a disk that hangs; more are refused.
const MAX_JOBS: usize = 16;

type Job = Box<dyn FnOnce(&Keeper) + Send>;

/// The thread that the disk belongs to: one job after the other, in the order of their asking. It ends with the
/// last of these handles.
#[derive(Debug, Clone)]
pub(crate) struct Writer(mpsc::Sender<Job>);

impl Writer {
    pub(super) fn start(keeper: Keeper) -> io::Result<Self> {
        let (jobs, mut queue) = mpsc::channel::<Job>(MAX_JOBS);
        let work = move || {
            while let Some(job) = queue.blocking_recv() {
                job(&keeper);
            }
        };
        std::thread::Builder::new().name("disk".into()).spawn(work)?;
        Ok(Self(jobs))
    }

    /// The error is for people.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Keeper) -> io::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let (done, result) = oneshot::channel();
        let job = move |keeper: &Keeper| {
            // Whoever asked may have run out of patience.
            let _gone = done.send(job(keeper));
        };
        self.0.try_send(Box::new(job)).map_err(|_| "the disk hangs".to_owned())?;
        match timeout(PATIENCE, result).await {
            Ok(Ok(result)) => result.map_err(|error| error.to_string()),
            Ok(Err(_)) => Err("a fault of ours".to_owned()),
            Err(_) => Err("the disk does not answer in time".to_owned()),
        }
    }

    /// The process ends by its own will: nothing is blamed on what it served.
    pub(crate) async fn leave(self) {
        if let Err(reason) = self.run(Keeper::remove_mark).await {
            tracing::warn!("the next start will take this end for an unclean one: {reason}");
        }
    }
}
