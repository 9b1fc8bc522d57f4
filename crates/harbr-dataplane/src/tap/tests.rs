use std::time::SystemTime;

use http::{Method, StatusCode, Uri, Version};

use super::*;
use crate::access_log::{Heard, Phases};

const SECOND: Duration = Duration::from_secs(1);

struct Request {
    uri: Uri,
    route: Option<Arc<str>>,
    status: u16,
}

impl Request {
    fn new(uri: &str, route: Option<&str>, status: u16) -> Self {
        Self { uri: uri.parse().unwrap(), route: route.map(Into::into), status }
    }

    fn offer(&self, taps: &Taps) {
        let (host, peer_ip) = (HeaderValue::from_static("a.test:80"), HeaderValue::from_static("10.1.2.3"));
        let upstream = Arc::from("shop");
        taps.offer(&Record {
            peer: "10.1.2.3:4".parse().unwrap(),
            peer_ip: &peer_ip,
            client: None,
            listener: &"public".into(),
            tls: None,
            heard: Some(Heard {
                method: &Method::GET,
                uri: &self.uri,
                version: Version::HTTP_11,
                host: Some(&host),
            }),
            request_id: None,
            retry_end: None,
            trace_id: None,
            status: StatusCode::from_u16(self.status).unwrap(),
            bytes_received: 1,
            bytes_sent: 2,
            ended_at: SystemTime::now(),
            phases: Phases { total: Duration::from_millis(3), ..Phases::default() },
            route: self.route.as_ref(),
            upstream: Some(&upstream),
            endpoint: None,
            attempts: 1,
            reason: None,
        });
    }
}

fn tap(id: u64) -> v1::Tap {
    v1::Tap { id, per_second: 10, ttl: Some(SECOND.try_into().unwrap()), ..v1::Tap::default() }
}

fn paths(messages: &[v1::Tapped]) -> Vec<&str> {
    messages.iter().flat_map(|message| &message.requests).map(|request| request.path.as_str()).collect()
}

#[test]
fn each_tap_is_told_what_it_is_for() {
    let (taps, now) = (Taps::default(), Instant::now());
    assert!(!taps.are_open());
    let by_route = v1::Tap { route: "/api".into(), ..tap(1) };
    let by_path = v1::Tap { path: "/api/v".into(), ..tap(2) };
    let by_status = v1::Tap { min_status: 500, max_status: 599, ..tap(3) };
    taps.set(&[by_route, by_path, by_status, tap(4)], now);
    assert!(taps.are_open());
    for (uri, route, status) in
        [("/api/x", Some("/api"), 200), ("/api/v1", Some("/api"), 502), ("/", None, 404)]
    {
        Request::new(uri, route, status).offer(&taps);
    }
    let told = taps.tell(now);
    let of = |id| paths(&told[told.iter().position(|message| message.tap == id).unwrap()..][..1]);
    assert_eq!((of(1), of(2), of(3)), (vec!["/api/x", "/api/v1"], vec!["/api/v1"], vec!["/api/v1"]));
    assert_eq!(of(4), ["/api/x", "/api/v1", "/"]);
    assert!(taps.tell(now).is_empty(), "each once");
}

#[test]
fn what_is_told_has_no_secrets() {
    let (taps, now) = (Taps::default(), Instant::now());
    taps.set(&[tap(1)], now);
    Request::new("/reset/9f86d081884c7d659a2feaa0c55ad015?user=7&token=s3cret", None, 200).offer(&taps);
    let told = taps.tell(now);
    let request = &told[0].requests[0];
    assert_eq!((request.path.as_str(), request.query.as_str()), ("/reset/*", "user=*&token=*"));
    let text = format!("{request:?}");
    assert!(!text.contains("s3cret") && !text.contains("9f86") && !text.contains("10.1.2.3"), "{text}");
}

#[test]
fn what_is_over_the_rate_is_counted_and_not_told() {
    let (taps, now) = (Taps::default(), Instant::now());
    taps.set(&[tap(1)], now);
    let request = Request::new("/", None, 200);
    (0..25).for_each(|_| request.offer(&taps));
    let told = taps.tell(now);
    assert_eq!((paths(&told).len(), told[0].left_out), (10, 15));
    // A moment brings its part, an hour no more than a second.
    (0..25).for_each(|_| request.offer(&taps));
    assert_eq!(paths(&taps.tell(now + SECOND / 2)).len(), 0);
    (0..25).for_each(|_| request.offer(&taps));
    assert_eq!(paths(&taps.tell(now + SECOND / 2)).len(), 5);
    assert_eq!(taps.counts(), (15, 15 + 25 + 20));
}

#[test]
fn the_rate_is_kept_whatever_the_pace_of_telling() {
    let (taps, now) = (Taps::default(), Instant::now());
    taps.set(&[v1::Tap { ttl: Some((60 * SECOND).try_into().unwrap()), ..tap(1) }], now);
    let request = Request::new("/", None, 200);
    (0..10).for_each(|_| request.offer(&taps));
    assert_eq!(paths(&taps.tell(now)).len(), 10);
    let told = (1..=50).map(|tick| {
        let at = now + tick * Duration::from_millis(199);
        taps.tell(at);
        (0..10).for_each(|_| request.offer(&taps));
        paths(&taps.tell(at)).len()
    });
    // 9.95 s of 10 a second; the last ones are told at the next tick.
    assert_eq!(told.sum::<usize>(), 99);
}

#[test]
fn a_tap_that_goes_on_is_not_begun_again_and_one_that_nobody_names_ends() {
    let (taps, now) = (Taps::default(), Instant::now());
    taps.set(&[tap(1)], now);
    let request = Request::new("/", None, 200);
    (0..10).for_each(|_| request.offer(&taps));
    taps.set(&[tap(1), tap(2)], now);
    (0..10).for_each(|_| request.offer(&taps));
    let told = taps.tell(now);
    assert_eq!((told[0].requests.len(), told[0].left_out), (10, 10), "the rate goes on");
    taps.set(&[tap(2)], now);
    assert_eq!(taps.open(), 1);
    taps.close();
    assert!(!taps.are_open());
}

#[test]
fn a_tap_ends_by_itself() {
    let (taps, now) = (Taps::default(), Instant::now());
    taps.set(&[tap(1)], now);
    taps.tell(now + SECOND - Duration::from_millis(1));
    assert!(taps.are_open());
    taps.tell(now + SECOND);
    assert!(!taps.are_open());
    let forever = v1::Tap { ttl: None, ..tap(2) };
    taps.set(&[forever], now);
    taps.tell(now + MAX_TIME);
    assert!(!taps.are_open());
}

#[test]
fn so_many_at_once_and_no_more() {
    let taps = Taps::default();
    let many: Vec<_> = (0..100).map(tap).collect();
    taps.set(&many, Instant::now());
    assert_eq!(taps.open(), MAX_TAPS);
}
