use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::{Alarm, Alarms};
use crate::testing::swept;

async fn rings_after(alarms: &Alarms, time: Duration) -> Duration {
    let began = Instant::now();
    let mut alarm = Alarm::new(alarms, began, began + time);
    swept(alarms, poll_fn(|cx| alarm.poll(began + time, cx))).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn far_and_near_deadlines_are_exact() {
    let alarms = Alarms::default();
    for millis in [1, 250, 299, 301, 477, 12_345] {
        let time = Duration::from_millis(millis);
        assert_eq!(rings_after(&alarms, time).await, time);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_given_up_leaves_its_place() {
    let alarms = Alarms::default();
    let began = Instant::now();
    let far = began + Duration::from_secs(60);
    {
        let mut alarm = Alarm::new(&alarms, began, far);
        poll_fn(|cx| {
            assert!(alarm.poll(far, cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(alarms.0.borrow().len(), 1);
    }
    assert!(alarms.0.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_moves_nearer_is_exact_too() {
    let alarms = Alarms::default();
    let began = Instant::now();
    let mut alarm = Alarm::new(&alarms, began, began + Duration::from_secs(60));
    let nearer = began + Duration::from_millis(30);
    poll_fn(|cx| {
        assert!(alarm.poll(began + Duration::from_secs(60), cx).is_pending());
        Poll::Ready(())
    })
    .await;
    swept(&alarms, poll_fn(|cx| alarm.poll(nearer, cx))).await;
    assert_eq!(began.elapsed(), Duration::from_millis(30));
}
