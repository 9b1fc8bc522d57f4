use std::future::pending;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{FailureRule, Tasks};

const DRAIN: Duration = Duration::from_secs(5);

fn tasks() -> (Tasks, CancellationToken) {
    let stop = CancellationToken::new();
    (Tasks::new(stop.clone()), stop)
}

/// A task that ends when it is told to.
async fn obedient(stop: CancellationToken) -> anyhow::Result<()> {
    stop.cancelled().await;
    Ok(())
}

#[tokio::test]
async fn stopping_ends_all_tasks_without_an_error() {
    let (mut tasks, stop) = tasks();
    tasks.spawn("a", FailureRule::Critical, obedient(stop.clone()));
    tasks.spawn("b", FailureRule::Optional, obedient(stop.clone()));
    stop.cancel();
    tasks.run(DRAIN).await.unwrap();
}

#[tokio::test]
async fn a_critical_task_takes_the_others_with_it_and_its_error_is_returned() {
    let (mut tasks, stop) = tasks();
    tasks.spawn("server", FailureRule::Critical, obedient(stop.clone()));
    tasks.spawn("watcher", FailureRule::Critical, async { anyhow::bail!("no such folder") });
    let error = tasks.run(DRAIN).await.unwrap_err();
    assert_eq!(error.to_string(), "watcher failed: no such folder");
    assert!(stop.is_cancelled());
}

#[tokio::test]
async fn a_panic_is_reported_by_the_name_of_its_task() {
    let (mut tasks, _stop) = tasks();
    tasks.spawn("prober", FailureRule::Critical, async { panic!("of this test") });
    assert_eq!(tasks.run(DRAIN).await.unwrap_err().to_string(), "prober panicked");
}

#[tokio::test]
async fn a_critical_task_that_ends_by_itself_is_an_error() {
    let (mut tasks, _stop) = tasks();
    tasks.spawn("server", FailureRule::Critical, async { Ok(()) });
    assert_eq!(tasks.run(DRAIN).await.unwrap_err().to_string(), "server ended by itself");
}

#[tokio::test]
async fn the_failure_of_an_optional_task_stops_nothing() {
    let (mut tasks, stop) = tasks();
    let (tx, rx) = tokio::sync::oneshot::channel::<()>();
    tasks.spawn("optional", FailureRule::Optional, async move {
        drop(tx);
        anyhow::bail!("of this test")
    });
    let token = stop.clone();
    tasks.spawn("server", FailureRule::Critical, async move {
        let _ = rx.await;
        assert!(!token.is_cancelled());
        token.cancel();
        Ok(())
    });
    tasks.run(DRAIN).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_is_dropped_after_the_drain_time() {
    let (mut tasks, stop) = tasks();
    tasks.spawn("stuck", FailureRule::Critical, pending());
    stop.cancel();
    let begin = tokio::time::Instant::now();
    tasks.run(DRAIN).await.unwrap();
    assert_eq!(begin.elapsed(), DRAIN);
}
