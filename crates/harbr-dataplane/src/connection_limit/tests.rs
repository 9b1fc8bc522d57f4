use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::ConnectionLimit;

#[tokio::test(start_paused = true)]
async fn who_finds_the_limit_reached_waits_until_a_place_is_free() {
    let limit = Arc::new(ConnectionLimit::new());
    limit.set_max(1);
    let first = limit.acquire().await;
    assert!(timeout(Duration::from_secs(1), limit.acquire()).await.is_err());
    assert!(!limit.is_contended());

    let make_room = async {
        limit.wanted().await;
        assert!(limit.is_contended());
        drop(first);
    };
    let ((), second) = tokio::join!(make_room, limit.acquire());
    assert_eq!(limit.open(), 1);
    drop(second);
    assert_eq!(limit.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_higher_limit_lets_those_who_wait_in() {
    let limit = Arc::new(ConnectionLimit::new());
    limit.set_max(1);
    let _first = limit.acquire().await;
    let (_second, ()) = tokio::join!(limit.acquire(), async {
        tokio::task::yield_now().await;
        limit.set_max(2);
    });
    assert_eq!(limit.open(), 2);
}
