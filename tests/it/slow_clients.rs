//! Slowloris (CVE-2007-6750): very many clients that send a head byte by byte.

use std::time::Duration;

use harbr_tests::{Fleet, Origin, RawClient, Shape, eventually, get};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use crate::file::File;

/// What a test run opens; `HARBR_SLOW_CLIENTS=8000` opens more.
const CLIENTS: u64 = 2_000;
/// Under a second, but for a machine that has much else to do.
const SOON: Duration = Duration::from_secs(5);

/// As many as were asked for, and as this process has descriptors for.
fn clients() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let asked = std::env::var("HARBR_SLOW_CLIENTS").ok().and_then(|text| text.parse().ok());
    let most = limit.maximum.unwrap_or(u64::MAX) / 2;
    usize::try_from(asked.unwrap_or(CLIENTS).min(most)).unwrap()
}

#[tokio::test]
async fn slow_heads_on_many_connections_hurt_nobody() {
    let origin = Origin::start("a").await;
    let text = File::all_to(&origin).max_connections(20_000).set("header_timeout: 600s").text();
    let fleet = Fleet::start(Shape::Split, &text).await;
    let before = fleet.node().process.resident_bytes();
    let mut slow = Vec::new();
    for _ in 0..clients() {
        let mut client = RawClient::connect(fleet.addr()).await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
        slow.push(client);
    }
    let count = slow.len() as u64;
    eventually("all of them are there", async || {
        let open = fleet.node().metrics().await.count("harbr_downstream_connections", &[]);
        (open >= count).then_some(())
    })
    .await;
    let mut longest = Duration::ZERO;
    let share = slow.len().div_ceil(50);
    for clients in slow.chunks_mut(share) {
        for client in clients {
            client.send("x").await.unwrap();
        }
        let start = Instant::now();
        assert_eq!(get(fleet.addr(), "/").await.status, 200);
        longest = longest.max(start.elapsed());
    }
    let grown = fleet.node().process.resident_bytes().saturating_sub(before);
    println!("{count} slow clients: the others waited {longest:?} at most, {} bytes each", grown / count);
    assert!(longest < SOON, "{longest:?} behind {count} slow clients");
    assert!(grown / count < 64 * 1024, "{} bytes for each slow client", grown / count);
    assert!(origin.requests() <= 50, "theirs are no requests: {}", origin.requests());
}
