use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use harbr_model::TimeoutPolicy;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::{BodyProgress, Clocks, Elapsed, shortened_by_client, within};
use crate::alarm::Alarms;
use crate::testing::swept;

const SECOND: Duration = Duration::from_secs(1);

fn clocks(request_began: Instant, attempt_began: Instant) -> Clocks {
    let timeouts = TimeoutPolicy { attempt: 3 * SECOND, request: 5 * SECOND, idle: 60 * SECOND };
    Clocks { timeouts, request_began, attempt_began }
}

async fn swept_within<T>(
    future: impl Future<Output = T>,
    deadline: impl Fn() -> Instant,
    moved: impl AsyncFn(),
) -> Result<T, Elapsed> {
    let alarms = Alarms::default();
    swept(&alarms, within(&alarms, Instant::now(), pin!(future), deadline, moved)).await
}

#[test]
fn without_a_body_the_attempt_and_the_request_bound_the_head() {
    let now = Instant::now();
    assert_eq!(clocks(now, now).deadline(BodyProgress::AtRest), now + 3 * SECOND);
    assert_eq!(clocks(now, now + 4 * SECOND).deadline(BodyProgress::AtRest), now + 5 * SECOND);
}

#[test]
fn while_the_body_moves_at_its_pace_no_clock_runs_out() {
    let now = Instant::now();
    let moving = BodyProgress::Moving { last_moved: now + 150 * SECOND, paced_until: now + 100 * SECOND };
    assert_eq!(clocks(now, now).deadline(moving), now + 160 * SECOND);
}

#[test]
fn after_the_body_the_attempt_has_its_time_anew_and_the_request_what_it_had() {
    let now = Instant::now();
    let ended = BodyProgress::Ended { at: now + 100 * SECOND, receiving: 99 * SECOND };
    assert_eq!(clocks(now, now).deadline(ended), now + 103 * SECOND);
    let late = clocks(now, now + 102 * SECOND);
    assert_eq!(late.deadline(ended), now + 104 * SECOND);
}

#[test]
fn a_client_can_shorten_its_time_and_not_lengthen_it() {
    let timeouts = clocks(Instant::now(), Instant::now()).timeouts;
    let shortened = |value: &'static str| {
        let value = http::HeaderValue::from_static(value);
        let headers = http::HeaderMap::from_iter([(http::HeaderName::from_static("grpc-timeout"), value)]);
        let TimeoutPolicy { attempt, request, .. } = shortened_by_client(timeouts, &headers);
        (attempt, request)
    };
    let unchanged = (3 * SECOND, 5 * SECOND);
    assert_eq!(shortened("1S"), (SECOND, SECOND));
    assert_eq!(shortened("4000m"), (3 * SECOND, 4 * SECOND));
    assert_eq!(shortened("1H"), unchanged);
    for malformed in ["", "S", "1", "1x", "-1S", "123456789S", "1.5S"] {
        assert_eq!(shortened(malformed), unchanged, "{malformed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_comes_nearer_is_obeyed() {
    let began = Instant::now();
    let deadline = Cell::new(began + 60 * SECOND);
    let moved = Notify::new();
    let wait = swept_within(std::future::pending::<()>(), || deadline.get(), async || moved.notified().await);
    let end_of_body = async {
        sleep(SECOND).await;
        deadline.set(began + 4 * SECOND);
        moved.notify_one();
    };
    let (waited, ()) = tokio::join!(wait, end_of_body);
    assert_eq!(waited, Err(Elapsed));
    assert_eq!(began.elapsed(), 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_moves_on_is_waited_for() {
    let began = Instant::now();
    let deadline = || if began.elapsed() < 3 * SECOND { Instant::now() + SECOND } else { began + 4 * SECOND };
    let waited = swept_within(sleep(10 * SECOND), deadline, std::future::pending).await;
    assert_eq!(waited, Err(Elapsed));
    assert_eq!(began.elapsed(), 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_begins_to_move_has_its_own_deadline_at_once() {
    let began = Instant::now();
    let clocks = clocks(began, began);
    let timeouts = TimeoutPolicy { idle: SECOND, ..clocks.timeouts };
    let clocks = super::Clocks { timeouts, ..clocks };
    let body = Cell::new(BodyProgress::AtRest);
    let turned = Notify::new();
    let begin = async {
        sleep(SECOND / 2).await;
        body.set(BodyProgress::Moving { last_moved: Instant::now(), paced_until: Instant::now() });
        turned.notify_one();
    };
    let wait = swept_within(
        std::future::pending::<()>(),
        || clocks.deadline(body.get()),
        async || turned.notified().await,
    );
    let (waited, ()) = tokio::join!(wait, begin);
    assert_eq!(waited, Err(Elapsed));
    assert_eq!(began.elapsed(), SECOND * 3 / 2);
}
