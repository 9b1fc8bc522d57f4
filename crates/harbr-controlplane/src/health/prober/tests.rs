use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use harbr_model::Health;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Prober;
use crate::fleet::Fleet;
use crate::health::HealthTable;
use crate::ledger::Ledger;
use crate::store::InMemory;
use crate::testing::{compiled_text, config, eventually, publish_everywhere};

const CHECK: &str = "{path: /health, interval: 100ms, timeout: 10s}";

/// An endpoint that answers as a test says, and counts.
#[derive(Clone)]
struct Endpoint {
    status: Arc<AtomicU16>,
    delay_ms: Arc<AtomicU64>,
    connections: Arc<AtomicUsize>,
    probes: Arc<AtomicUsize>,
    last: Arc<std::sync::Mutex<String>>,
}

struct Fixture {
    ledger: Ledger,
    table: watch::Receiver<Arc<HealthTable>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Fixture {
    fn new() -> Self {
        let ledger = crate::testing::ledger(InMemory::default());
        let (published, table) = watch::channel(Arc::default());
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(Prober::new(ledger.subscribe(), published).run(stop.clone()));
        Self { ledger, table, stop, tasks }
    }

    fn publish(&self, routes: &[(&str, &str)], check: &str) {
        let compiled = compiled_text(&config(routes, check));
        publish_everywhere(&self.ledger, compiled, &Fleet::default());
    }

    /// Waits until the only target of the revision is this.
    async fn comes_to_be(&self, health: Health) {
        eventually(health.as_str(), async || (self.health()? == health).then_some(())).await;
    }

    fn health(&self) -> Option<Health> {
        let revision = self.ledger.intent().newest()?.clone();
        let target = revision.health.targets().next()?;
        self.table.borrow().get(target).map(|known| known.health)
    }

    fn last_error(&self) -> Option<String> {
        let revision = self.ledger.intent().newest()?.clone();
        let target = revision.health.targets().next()?;
        let error = self.table.borrow().get(target)?.last_error.clone();
        error.map(|error| error.to_string())
    }

    /// Serves on a port of its own until the fixture is dropped.
    async fn endpoint(&mut self) -> (Endpoint, SocketAddr) {
        let endpoint = Endpoint {
            status: Arc::new(AtomicU16::new(200)),
            delay_ms: Arc::default(),
            connections: Arc::default(),
            probes: Arc::default(),
            last: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        self.tasks.spawn(endpoint.clone().serve(listener));
        (endpoint, addr)
    }
}

impl Endpoint {
    async fn serve(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.connections.fetch_add(1, Ordering::SeqCst);
            let endpoint = self.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let response = endpoint.answer(&request);
                let delay = Duration::from_millis(endpoint.delay_ms.load(Ordering::SeqCst));
                async move {
                    tokio::time::sleep(delay).await;
                    Ok::<_, Infallible>(response)
                }
            });
            connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        self.probes.fetch_add(1, Ordering::SeqCst);
        let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
        *self.last.lock().unwrap() =
            format!("{} {} {} {}", request.method(), request.uri(), header("host"), header("user-agent"));
        let mut response = Response::new(Full::from("some body"));
        *response.status_mut() = StatusCode::from_u16(self.status.load(Ordering::SeqCst)).unwrap();
        response
    }

    async fn probed(&self, times: usize) {
        let goal = self.probes.load(Ordering::SeqCst) + times;
        eventually("enough probes", async || (self.probes.load(Ordering::SeqCst) >= goal).then_some(()))
            .await;
    }
}

#[tokio::test]
async fn an_endpoint_is_asked_and_its_health_follows_its_answers() {
    let mut fixture = Fixture::new();
    let (endpoint, addr) = fixture.endpoint().await;
    fixture.publish(&[("/", &format!("http://{addr}/base"))], CHECK);
    fixture.comes_to_be(Health::Healthy).await;
    endpoint.status.store(503, Ordering::SeqCst);
    fixture.comes_to_be(Health::Unhealthy).await;
    assert_eq!(fixture.last_error().as_deref(), Some("answered 503 Service Unavailable"));
    endpoint.status.store(204, Ordering::SeqCst);
    fixture.comes_to_be(Health::Healthy).await;
    assert_eq!(fixture.last_error(), None);
    endpoint.status.store(302, Ordering::SeqCst);
    fixture.comes_to_be(Health::Unhealthy).await;
    // The path of the check is absolute: the URL's own is not put before it.
    let expected = format!("GET /health {addr} harbr-health/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(*endpoint.last.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_few_probes_share_a_connection_and_then_take_a_fresh_one() {
    let mut fixture = Fixture::new();
    let (endpoint, addr) = fixture.endpoint().await;
    fixture.publish(&[("/", &format!("http://{addr}"))], CHECK);
    endpoint.probed(25).await;
    let (probes, connections) =
        (endpoint.probes.load(Ordering::SeqCst), endpoint.connections.load(Ordering::SeqCst));
    assert!((3..=probes / 5).contains(&connections), "{connections} connections for {probes} probes");
}

#[tokio::test]
async fn an_endpoint_that_no_new_connection_reaches_is_unhealthy_although_the_old_one_answers() {
    let mut fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    fixture.tasks.spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        drop(listener);
        let answer = || Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("ok"))));
        let service = service_fn(|_: Request<hyper::body::Incoming>| async move { answer() });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    fixture.publish(&[("/", &url)], CHECK);
    fixture.comes_to_be(Health::Healthy).await;
    fixture.comes_to_be(Health::Unhealthy).await;
    assert!(fixture.last_error().unwrap().starts_with("cannot connect: "));
}

#[tokio::test]
async fn a_connection_that_leads_nowhere_any_more_costs_no_probe() {
    let mut fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answered = Arc::new(AtomicUsize::new(0));
    let count = answered.clone();
    fixture.tasks.spawn(async move {
        let mut silent = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            count.fetch_add(1, Ordering::SeqCst);
            // Not closed, and not answered a second time.
            silent.push(stream);
        }
    });
    fixture.publish(&[("/", &url)], "{path: /health, interval: 100ms, timeout: 1s}");
    fixture.comes_to_be(Health::Healthy).await;
    let mut table = fixture.table.clone();
    table.mark_unchanged();
    eventually("five answers", async || (answered.load(Ordering::SeqCst) >= 5).then_some(())).await;
    assert!(!table.has_changed().unwrap(), "{:?}", fixture.last_error());
}

#[tokio::test]
async fn a_slow_endpoint_has_its_whole_time_on_a_connection_that_it_has() {
    let mut fixture = Fixture::new();
    let (endpoint, addr) = fixture.endpoint().await;
    fixture.publish(&[("/", &format!("http://{addr}"))], "{path: /health, interval: 100ms, timeout: 2s}");
    fixture.comes_to_be(Health::Healthy).await;
    let mut table = fixture.table.clone();
    table.mark_unchanged();
    endpoint.delay_ms.store(1_300, Ordering::SeqCst);
    endpoint.probed(3).await;
    assert!(!table.has_changed().unwrap(), "{:?}", fixture.last_error());
}

#[tokio::test]
async fn one_result_is_not_enough_where_more_are_asked_for() {
    let mut fixture = Fixture::new();
    let (endpoint, addr) = fixture.endpoint().await;
    let check = "{path: /health, interval: 100ms, timeout: 10s, fall: 100}";
    fixture.publish(&[("/", &format!("http://{addr}"))], check);
    fixture.comes_to_be(Health::Healthy).await;
    endpoint.status.store(500, Ordering::SeqCst);
    endpoint.probed(3).await;
    assert_eq!(fixture.health(), Some(Health::Healthy));
}

#[tokio::test]
async fn the_same_check_of_the_same_endpoint_is_made_once() {
    let mut fixture = Fixture::new();
    let (endpoint, addr) = fixture.endpoint().await;
    let url = format!("http://{addr}");
    fixture.publish(&[("/a", &url), ("/b", &url), ("/c", &url)], CHECK);
    fixture.comes_to_be(Health::Healthy).await;
    endpoint.probed(3).await;
    let (probes, connections) =
        (endpoint.probes.load(Ordering::SeqCst), endpoint.connections.load(Ordering::SeqCst));
    assert!(connections <= probes / 4, "{connections} connections for {probes} probes");
    assert_eq!(fixture.table.borrow().count(Health::Healthy), 1);
}

#[tokio::test]
async fn what_did_not_change_keeps_its_health() {
    let mut fixture = Fixture::new();
    let (endpoint, addr) = fixture.endpoint().await;
    let (other, other_addr) = fixture.endpoint().await;
    let (url, other_url) = (format!("http://{addr}"), format!("http://{other_addr}"));
    fixture.publish(&[("/", &url)], CHECK);
    fixture.comes_to_be(Health::Healthy).await;
    let target = fixture.ledger.intent().newest().unwrap().health.targets().next().unwrap().clone();
    let since = fixture.table.borrow().get(&target).unwrap().since;
    fixture.publish(&[("/", &url), ("/new", &other_url)], CHECK);
    other.probed(2).await;
    endpoint.probed(2).await;
    assert_eq!(fixture.table.borrow().get(&target).unwrap().since, since);
    // What is gone from all that a node may serve, or go back to, is asked no more, and nothing is known of it.
    fixture.publish(&[("/new", &other_url)], CHECK);
    fixture.publish(&[("/newer", &other_url)], CHECK);
    eventually("the first is gone", async || fixture.table.borrow().get(&target).is_none().then_some(()))
        .await;
    let probes = endpoint.probes.load(Ordering::SeqCst);
    other.probed(5).await;
    assert!(endpoint.probes.load(Ordering::SeqCst) <= probes + 1);
}

#[tokio::test]
async fn an_endpoint_that_closes_after_each_answer_stays_healthy() {
    let mut fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let count = answered.clone();
    fixture.tasks.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // It promises to stay, and closes: the next probe finds its connection dead.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    fixture.publish(&[("/", &format!("http://{addr}"))], CHECK);
    fixture.comes_to_be(Health::Healthy).await;
    let mut table = fixture.table.clone();
    table.mark_unchanged();
    eventually("ten answers", async || (answered.load(Ordering::SeqCst) >= 10).then_some(())).await;
    assert!(!table.has_changed().unwrap(), "{:?}", fixture.last_error());
}

#[tokio::test]
async fn an_endpoint_that_accepts_and_says_nothing_times_out() {
    let fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    fixture.publish(&[("/", &url)], "{path: /health, interval: 100ms, timeout: 50ms}");
    fixture.comes_to_be(Health::Unhealthy).await;
    assert_eq!(fixture.last_error().as_deref(), Some("no answer in time"));
    // For TCP, that the connection opens is enough.
    fixture.publish(&[("/", &url)], "{interval: 100ms, timeout: 50ms}");
    fixture.comes_to_be(Health::Healthy).await;
}

#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_unhealthy_and_says_why() {
    let fixture = Fixture::new();
    let addr = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    fixture.publish(&[("/", &format!("http://{addr}"))], CHECK);
    fixture.comes_to_be(Health::Unhealthy).await;
    assert!(fixture.last_error().unwrap().starts_with("cannot connect: "));
    fixture.publish(&[("/", "http://does-not-exist.invalid")], CHECK);
    fixture.comes_to_be(Health::Unhealthy).await;
    assert!(fixture.last_error().unwrap().starts_with("cannot resolve the name: "));
}

#[tokio::test]
async fn stopping_ends_the_prober() {
    let mut fixture = Fixture::new();
    fixture.stop.cancel();
    fixture.tasks.join_next().await.unwrap().unwrap();
}
