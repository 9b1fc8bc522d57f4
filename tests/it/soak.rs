//! All kinds of traffic at once while the file changes every second: no wrong answer, and memory and descriptors
//! that stay. `cargo xtask soak --minutes 20` runs it on the release build; it prints its verdict.

mod content;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harbr_tests::{Fleet, Origin, Pair, Shape, TestAuthority, eventually};
use rustls::version::{TLS12, TLS13};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use crate::file::{File, to};

use content::{Tunnels, answer};
use traffic::{Tally, Targets};

/// How long it runs, in seconds.
const SECONDS: &str = "HARBR_SOAK_SECONDS";
const RELOAD: Duration = Duration::from_secs(1);
/// Memory and descriptors at the end against those once all kinds of traffic have run for a while.
const GROWTH: f64 = 1.15;
const SLACK_BYTES: f64 = 6.0 * 1024.0 * 1024.0;
const SLACK_DESCRIPTORS: f64 = 24.0;
/// Of each kind at once.
const CLIENTS: usize = 3;

#[derive(Debug, Clone, Copy)]
struct Sample {
    bytes: f64,
    descriptors: f64,
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask soak"]
async fn all_kinds_of_traffic_under_reloads_are_answered_right_and_leave_nothing_behind() {
    let seconds = std::env::var(SECONDS).map_or(60, |text| text.parse().unwrap());
    let (origin, other) = (Origin::start("a").await, Origin::start("b").await);
    for origin in [&origin, &other] {
        let tunnels = Tunnels::default();
        origin.answers_with(move |request| answer(request, tunnels.clone()));
    }
    let authority = TestAuthority::new();
    let pair = authority.issue("soak", &["proxy.test"]);
    let text = |number: u64| file(&origin, &other, &pair, number);
    let fleet = Fleet::start(Shape::AllInOne, &text(0)).await;
    // The access log goes on being written to a pipe that nobody reads: what does not fit must be let go.
    fleet.node().process.stop_reading_stdout();
    let info = fleet.node().info().await;
    let addr = |name: &str| info.listeners.iter().find(|found| found.name == name).unwrap().addr;
    let targets = Arc::new(Targets {
        plain: addr("plain"),
        secure: addr("secure"),
        tls: authority.client(&[&TLS13]),
        old_tls: authority.client(&[&TLS12]),
    });

    let (tally, stop) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
    let mut clients = JoinSet::new();
    for seed in 0..CLIENTS {
        traffic::spawn(&mut clients, &targets, &tally, &stop, seed as u64);
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut samples = Vec::new();
    let mut reload = interval(RELOAD);
    let mut number = 0;
    while Instant::now() < end {
        reload.tick().await;
        number += 1;
        fleet.file.save_by_rename(text(number));
        samples.push(sample(&fleet).await);
    }
    stop.store(true, Ordering::Relaxed);
    // A client that never ends is a request that was never answered.
    let ended = timeout(Duration::from_secs(60), async { while clients.join_next().await.is_some() {} });
    ended.await.expect("all clients have their answers");
    eventually("the clients' connections are gone", async || {
        (fleet.node().metrics().await.value("harbr_downstream_connections", &[]) == Some(0.0)).then_some(())
    })
    .await;
    verdict(&tally, &samples, number, sample(&fleet).await);
}

async fn sample(fleet: &Fleet) -> Sample {
    let metrics = fleet.node().metrics().await;
    let descriptors = metrics.value("process_open_fds", &[]).unwrap();
    Sample { bytes: fleet.node().process.resident_bytes() as f64, descriptors }
}

fn verdict(tally: &Tally, samples: &[Sample], reloads: u64, at_rest: Sample) {
    let middle = |part: &[Sample], of: fn(&Sample) -> f64| {
        let mut values: Vec<f64> = part.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    // The first quarter warms up.
    let (early, late) = (&samples[samples.len() / 4..samples.len() / 2], &samples[samples.len() * 3 / 4..]);
    let bytes = [early, late].map(|part| middle(part, |sample| sample.bytes));
    let descriptors = [early, late].map(|part| middle(part, |sample| sample.descriptors));
    println!("{tally}");
    println!("reloads: {reloads}");
    println!("memory, MiB: {:.1} early, {:.1} late", bytes[0] / 1_048_576.0, bytes[1] / 1_048_576.0);
    println!(
        "descriptors: {} early, {} late, {} at rest",
        descriptors[0], descriptors[1], at_rest.descriptors
    );
    assert_eq!(tally.wrong(), Vec::<String>::new(), "wrong answers");
    assert!(bytes[1] <= bytes[0] * GROWTH + SLACK_BYTES, "memory grew: {bytes:?}");
    assert!(descriptors[1] <= descriptors[0] * GROWTH + SLACK_DESCRIPTORS, "descriptors: {descriptors:?}");
    println!("verdict: every answer was right, and nothing was left behind");
}

/// Every number is another file, of which the routes that are asked stay and change their settings.
fn file(origin: &Origin, other: &Origin, pair: &Pair, number: u64) -> String {
    let both = [origin.url(), other.url()];
    let listeners = format!(
        "listeners: [{{ name: plain, addr: \"127.0.0.1:0\" }}, {{ name: secure, addr: \"127.0.0.1:0\", \
         tls: {{ certificates: [{}] }} }}]",
        pair.yaml()
    );
    File::new()
        .listeners(&listeners)
        .route("/", &format!("upstream: both, retry_count: 1, timeout_ms: {}", 20_000 + number % 100))
        .route(&format!("/only-{number}"), &to(origin))
        .upstream("both", &both, "health_check: { path: /health, interval: 1s }")
        .text()
}
