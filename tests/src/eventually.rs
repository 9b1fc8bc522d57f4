use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Long enough that a machine under load is not a failure; what waits is done as soon as it can be.
pub const GENEROUS: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer, and returns it.
///
/// # Panics
/// If there is none within [`GENEROUS`].
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + GENEROUS;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "after {GENEROUS:?} still not so: {what}");
        sleep(POLL).await;
    }
}

/// Asks for as long as said, and wants `false` each time. For what must not happen, where there is no event
/// that shows that it did not.
///
/// # Panics
/// If it happens.
pub async fn never(what: &str, within: Duration, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        assert!(!happened().await, "it happened: {what}");
        sleep(POLL).await;
    }
}
