use std::collections::HashMap;

use harbr_model::HeaderMatch;
use http::{HeaderMap, HeaderValue};

use super::*;
use crate::testing::route;

const SECOND: Duration = Duration::from_secs(1);

fn sampled(at: Instant, weight: u32) -> Sampled {
    let headers = HeaderMap::new();
    let head = RequestHead { host: "a.test", path: "/x", method: &Method::GET, headers: &headers };
    Sampled::new(&head, &MatchedHeaders::default(), at, weight)
}

fn limits(one_in: u32, requests: usize) -> RingLimits {
    RingLimits { one_in, requests, bytes: 1 << 30 }
}

fn weight(ring: &Ring) -> u64 {
    ring.iter().map(|sampled| u64::from(sampled.weight)).sum()
}

/// Requests with this path, from one worker that sweeps after each `sweep_every`.
fn run(samples: &Samples, settings: TrafficSample, paths: impl Iterator<Item = String>, sweep_every: usize) {
    let (sampler, headers) = (Sampler::default(), HeaderMap::new());
    samples.tend(0, &sampler, settings);
    for (count, path) in paths.enumerate() {
        if count % sweep_every == 0 {
            samples.tend(0, &sampler, settings);
        }
        let head = RequestHead { host: "a.test", path: &path, method: &Method::GET, headers: &headers };
        if sampler.is_due() {
            sampler.remember(&head, &MatchedHeaders::default(), Instant::now());
        }
    }
    samples.tend(0, &sampler, settings);
}

fn told(samples: &Samples, most: u32) -> Vec<v1::SampledRequest> {
    samples.told(v1::SampleRequest { id: 1, most }).into_iter().flat_map(|chunk| chunk.requests).collect()
}

#[test]
fn with_one_in_one_each_request_is_there_once() {
    let samples = Samples::new(1);
    run(&samples, TrafficSample { one_in: 1, size: 1_000 }, (0..500).map(|n| format!("/{n}")), 50);
    let told = told(&samples, 1_000);
    let paths: HashMap<_, _> = told.iter().map(|request| (&request.path, request.weight)).collect();
    assert_eq!((told.len(), paths.len()), (500, 500));
    assert!(paths.values().all(|weight| *weight == 1.0));
}

#[test]
fn what_is_remembered_stands_for_all_requests_whatever_their_rhythm() {
    const REQUESTS: usize = 400_000;
    for (one_in, size, sweep_every) in [(10, 10_000, 1_000), (1, 2_000, 500), (3, 5_000, 20_000)] {
        let samples = Samples::new(1);
        // One in four, and always the same one.
        let paths = (0..REQUESTS).map(|n| if n % 4 == 0 { "/rare" } else { "/usual" }.to_owned());
        run(&samples, TrafficSample { one_in, size }, paths, sweep_every);
        let told = told(&samples, u32::MAX);
        assert!(told.len() <= size as usize, "{} of {size}", told.len());
        let of = |path: &str| -> f64 {
            told.iter().filter(|request| request.path == path).map(|request| request.weight).sum()
        };
        let (rare, all) = (of("/rare"), of("/rare") + of("/usual"));
        assert!((all / REQUESTS as f64 - 1.0).abs() < 0.2, "{all} of {REQUESTS}, one in {one_in}");
        assert!((rare / all - 0.25).abs() < 0.06, "{rare} of {all}, one in {one_in}");
    }
}

#[test]
fn a_part_of_it_stands_for_all_of_it() {
    let samples = Samples::new(2);
    run(&samples, TrafficSample { one_in: 1, size: 10_000 }, (0..4_000).map(|n| format!("/{n}")), 100);
    let told = told(&samples, 100);
    let weight: f64 = told.iter().map(|request| request.weight).sum();
    assert_eq!(told.len(), 100);
    assert!((weight - 4_000.0).abs() < 0.001, "{weight}");
}

#[test]
fn what_is_told_comes_in_messages_of_which_the_last_says_so() {
    let samples = Samples::new(1);
    let chunks = samples.told(v1::SampleRequest { id: 7, most: 10 });
    assert_eq!((chunks.len(), chunks[0].id, chunks[0].last), (1, 7, true));
    let long = |n| format!("/{n}/{}", "x".repeat(400));
    run(&samples, TrafficSample { one_in: 1, size: 10_000 }, (0..2_000).map(long), 100);
    let chunks = samples.told(v1::SampleRequest { id: 7, most: 10_000 });
    assert!(chunks.len() > 3, "{}", chunks.len());
    assert_eq!(chunks.iter().filter(|chunk| chunk.last).count(), 1);
    assert!(chunks.last().unwrap().last && chunks.iter().all(|chunk| chunk.id == 7));
    assert_eq!(chunks.iter().map(|chunk| chunk.requests.len()).sum::<usize>(), 2_000);
}

#[test]
fn off_means_that_nothing_is_remembered_and_what_was_is_forgotten() {
    let samples = Samples::new(1);
    run(&samples, TrafficSample { one_in: 1, size: 100 }, (0..50).map(|n| format!("/{n}")), 10);
    assert_eq!((samples.size().requests, samples.size().one_in), (50, 1));
    run(&samples, TrafficSample { one_in: 0, size: 100 }, (0..50).map(|n| format!("/{n}")), 10);
    assert_eq!((samples.size(), told(&samples, 100).len()), (SampleSize::default(), 0));
}

#[test]
fn the_window_moves_on_and_stays_whole() {
    let (mut ring, begin) = (Ring::default(), Instant::now());
    let limits = limits(1, 1_000);
    let mut stride = ring.tend(Vec::new(), 0, &limits, begin);
    for second in 1..=1_500 {
        let now = begin + SECOND * second;
        // Ten requests a second, of which so many are taken.
        let fresh = (0..10).filter(|_| fastrand::u32(..stride) == 0).map(|_| sampled(now, stride)).collect();
        stride = ring.tend(fresh, stride, &limits, now);
    }
    let now = begin + SECOND * 1_500;
    assert!((8..=32).contains(&stride), "{stride}");
    assert!((200..=1_000).contains(&ring.size().requests), "{:?}", ring.size());
    assert!((4_000..=8_500).contains(&weight(&ring)), "{}", weight(&ring));
    assert_eq!(ring.covered(now), WINDOW);
    let oldest = ring.iter().map(|sampled| now - sampled.at).max().unwrap();
    assert!(oldest <= WINDOW && oldest > WINDOW - SECOND * 60, "{oldest:?}");
    // The traffic ends: what there was grows old, and the next requests are all taken again.
    let later = now + WINDOW + SECOND;
    assert_eq!((ring.tend(Vec::new(), stride, &limits, later), ring.size().requests), (1, 0));
}

#[test]
fn its_bytes_have_a_limit_too() {
    let mut ring = Ring::default();
    let now = Instant::now();
    let limits = RingLimits { one_in: 1, requests: 10_000, bytes: 20_000 };
    let stride = ring.tend((0..1_000).map(|_| sampled(now, 1)).collect(), 1, &limits, now);
    let SampleSize { requests: count, bytes, .. } = ring.size();
    assert!(bytes <= 20_000 && count > 10 && stride >= 4, "{count} {bytes} {stride}");
    assert_eq!(bytes, ring.iter().map(Sampled::bytes).sum::<usize>());
}

#[test]
fn headers_are_remembered_that_routes_match_on_and_no_secret_but_the_configurations_own() {
    let on = |name: &'static str, value| HeaderMatch {
        name: HeaderName::from_static(name),
        value: HeaderValue::from_static(value),
    };
    let mut plain = route("/", "u", 0);
    plain.matches.headers = vec![on("x-version", "2"), on("x-api-key", "partner-a")];
    let matched = MatchedHeaders::of_routes([&plain]);
    let of = |sent: &[(&'static str, &'static str)]| -> Vec<String> {
        let sent: HeaderMap = sent
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let kept = matched.of(&sent);
        kept.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
    };
    assert_eq!(of(&[("x-version", "3"), ("accept", "*/*"), ("cookie", "id=1")]), ["x-version: 3"]);
    assert_eq!(of(&[("x-api-key", "partner-a")]), ["x-api-key: partner-a"]);
    assert_eq!(of(&[("x-api-key", "somebody-elses")]), [""; 0]);
}

#[test]
fn what_is_remembered_of_one_request_has_a_limit() {
    let (headers, long) = (HeaderMap::new(), "x".repeat(20_000));
    let method = Method::from_bytes(long.as_bytes()).unwrap();
    let (host, path) = (format!("{long}.a.test"), format!("/{long}"));
    let head = RequestHead { host: &host, path: &path, method: &method, headers: &headers };
    let sampled = Sampled::new(&head, &MatchedHeaders::default(), Instant::now(), 1);
    assert!(sampled.bytes() < 1_100, "{}", sampled.bytes());
    assert!(sampled.host.ends_with(".a.test") && sampled.path.starts_with("/xxx"));
}
