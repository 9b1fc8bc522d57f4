//! Sessions over a real gRPC connection, with nodes that do just what a test says.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use harbr_model::Health;
use harbr_proto::v1::controller_message::Kind;
use harbr_proto::v1::node_message::Kind as Said;
use harbr_proto::v1::node_service_client::NodeServiceClient;
use harbr_proto::{Assembly, EncodedSnapshot, Fence, SnapshotHash, v1};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

use super::Sessions;
use crate::admin::Admin;
use crate::drains::Drained;
use crate::fleet::{Fleet, Node, NodeState};
use crate::health::{HealthTable, Target};
use crate::inquiry::Inquiries;
use crate::join::Join;
use crate::ledger::Ledger;
use crate::orders::Orders;
use crate::revision::Compiled;
use crate::rollout::{Placement, Release, State};
use crate::server::{self, Listener, Refusals, Security};
use crate::store::{InMemory, RevisionStore};
use crate::testing::{PATIENCE, Stubborn, compiled, compiled_text, config, eventually, publish_everywhere};

/// The part of a controller that nodes talk to.
struct Fixture {
    ledger: Arc<Ledger>,
    fleet: Arc<Fleet>,
    orders: Arc<Orders>,
    health: watch::Sender<Arc<HealthTable>>,
    url: String,
    stop: CancellationToken,
    server: JoinSet<Result<(), tonic::transport::Error>>,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(InMemory::default()).await
    }

    async fn with(store: impl RevisionStore + 'static) -> Self {
        let (ledger, fleet) = (Arc::new(crate::testing::ledger(store)), Arc::new(Fleet::default()));
        let (health, table) = watch::channel(Arc::default());
        let stop = CancellationToken::new();
        let refusals = Arc::<Refusals>::default();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Security::None, refusals.clone());
        let listener = listener.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let orders = Arc::new(Orders::open(None).unwrap());
        let (drains, refused) = (orders.drains(), refusals.clone());
        let inquiries = Arc::<Inquiries>::default();
        let sessions = Sessions::new(
            ledger.clone(),
            fleet.clone(),
            table.clone(),
            refused,
            drains,
            inquiries.clone(),
            stop.clone(),
        );
        let (authority, ca) = (None, Arc::from(""));
        let join = Join {
            authority,
            ca,
            orders: orders.clone(),
            ledger: ledger.clone(),
            fleet: fleet.clone(),
            refusals,
        };
        let admin = Admin {
            config_file: "test.yml".to_owned(),
            ledger: ledger.clone(),
            fleet: fleet.clone(),
            health: table,
            orders: orders.clone(),
            join,
            observed: Arc::default(),
            inquiries,
            stop: stop.clone(),
        };
        let mut server = JoinSet::new();
        server.spawn(server::serve(listener.incoming(), sessions, admin, stop.clone()));
        Self { ledger, fleet, orders, health, url, stop, server }
    }

    /// Publishes a configuration with one route to this host.
    fn publish(&self, host: &str) -> SnapshotHash {
        let url = format!("http://{host}");
        self.take(compiled(&[("/", &url)]));
        self.newest()
    }

    fn take(&self, compiled: Compiled) {
        publish_everywhere(&self.ledger, compiled, &self.fleet);
    }

    fn newest(&self) -> SnapshotHash {
        self.ledger.intent().newest().unwrap().hash()
    }

    fn fence(&self) -> Fence {
        self.ledger.intent().target("any").unwrap().fence
    }

    async fn node(&self, id: &str) -> FakeNode {
        self.node_that_serves(id, None).await
    }

    async fn node_that_serves(&self, id: &str, serving: Option<v1::Serving>) -> FakeNode {
        let mut node = self.silent_node().await;
        node.say(Said::Hello(v1::Hello { node_id: id.to_owned(), serving, ..Default::default() })).await;
        node
    }

    async fn silent_node(&self) -> FakeNode {
        let mut client = NodeServiceClient::connect(self.url.clone()).await.unwrap();
        let (tx, rx) = mpsc::channel(16);
        let inbound = client.session(ReceiverStream::new(rx)).await.unwrap().into_inner();
        FakeNode { outbound: tx, inbound, assembly: Assembly::default(), base: None, directives: None }
    }

    async fn node_is(&self, id: &str, state: NodeState) -> Node {
        eventually(&format!("{id} is {state:?}"), async || {
            let intended = self.ledger.intent().intended(id);
            let is_wanted = |node: &Node| node.greeting.id == id && node.state(intended) == state;
            self.fleet.snapshot().into_iter().find(is_wanted)
        })
        .await
    }

    /// Waits until this node is shown to get nothing, and says why.
    async fn withheld(&self, id: &str) -> String {
        eventually(&format!("{id} gets nothing"), async || {
            let nodes = self.fleet.snapshot();
            nodes.into_iter().find(|node| node.greeting.id == id)?.withheld
        })
        .await
    }
}

struct FakeNode {
    outbound: mpsc::Sender<v1::NodeMessage>,
    inbound: Streaming<v1::ControllerMessage>,
    assembly: Assembly,
    /// What it serves.
    base: Option<EncodedSnapshot>,
    /// The last that it was given.
    directives: Option<v1::Directives>,
}

/// A snapshot as it arrived.
struct Received {
    fence: Fence,
    revision: u64,
    was_change: bool,
    snapshot: EncodedSnapshot,
}

impl FakeNode {
    async fn say(&mut self, kind: Said) {
        self.outbound.send(v1::NodeMessage { kind: Some(kind) }).await.unwrap();
    }

    async fn hear(&mut self) -> Result<Option<Kind>, Status> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.inbound.message()).await.expect("in time")?;
            match message.map(|message| message.kind.unwrap()) {
                Some(Kind::Directives(directives)) => self.directives = Some(directives),
                kind => return Ok(kind),
            }
        }
    }

    /// The next message, which has to be a snapshot's.
    async fn receive(&mut self) -> Received {
        loop {
            let Some(Kind::SnapshotChunk(chunk)) = self.hear().await.unwrap() else {
                panic!("something else than a snapshot came")
            };
            let (fence, revision) = (chunk.fence.unwrap().into(), chunk.revision);
            let was_change = !chunk.base_hash.is_empty();
            if let Some(snapshot) = self.assembly.add(chunk, self.base.as_ref()).unwrap() {
                return Received { fence, revision, was_change, snapshot };
            }
        }
    }

    async fn ack(&mut self, received: &Received) {
        self.base = Some(received.snapshot.clone());
        let serving = Some(serving(received.fence, received.revision, received.snapshot.hash()));
        self.say(Said::Ack(v1::Ack { serving })).await;
    }

    async fn take(&mut self) -> Received {
        let received = self.receive().await;
        self.ack(&received).await;
        received
    }

    async fn nack(&mut self, received: &Received, class: v1::NackClass, reason: &str) {
        let (fence, reasons) = (Some(received.fence.into()), vec![reason.to_owned()]);
        self.say(Said::Nack(v1::Nack { fence, revision: received.revision, class: class.into(), reasons }))
            .await;
    }

    /// Nothing comes for a moment, which a wrong message would not wait for.
    async fn hears_nothing(&mut self) {
        let heard = tokio::time::timeout(Duration::from_millis(150), self.hear()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

fn serving(fence: Fence, revision: u64, hash: SnapshotHash) -> v1::Serving {
    v1::Serving { fence: Some(fence.into()), revision, hash: hash.as_bytes().to_vec() }
}

/// One that does not give way any more, at 1.1.
fn old_store() -> Stubborn {
    let release = Release { number: 1, hash: foreign_hash() };
    let base = Some(Placement { release, generation: 1 });
    Stubborn::with(State { generation: 1, number: 1, created: 0, base, ..State::new() })
}

fn foreign_hash() -> SnapshotHash {
    SnapshotHash::from_slice(&[9; 32]).unwrap()
}

#[tokio::test]
async fn a_node_gets_all_at_first_and_changes_from_then_on() {
    let fixture = Fixture::new().await;
    let routes: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
    let publish = |url| {
        let mut routes: Vec<(&str, &str)> = routes.iter().map(|route| (route.as_str(), "http://x")).collect();
        routes[0].1 = url;
        fixture.take(compiled(&routes));
    };
    publish("http://a");
    let mut node = fixture.node("a").await;
    let first = node.take().await;
    assert_eq!((first.was_change, first.revision), (false, 1));
    let shown = fixture.node_is("a", NodeState::Ready).await;
    assert_eq!((shown.sent, shown.serving.unwrap().revision), (1, 1));
    publish("http://b");
    let second = node.take().await;
    assert_eq!((second.was_change, second.revision), (true, 2));
    assert!(second.fence > first.fence);
    assert_eq!(second.snapshot.hash(), fixture.newest());
    fixture.node_is("a", NodeState::Ready).await;
}

#[tokio::test]
async fn a_node_that_waits_gets_the_first_revision_when_there_is_one() {
    let fixture = Fixture::new().await;
    let mut node = fixture.node("a").await;
    fixture.node_is("a", NodeState::Syncing).await;
    let hash = fixture.publish("a");
    assert_eq!(node.take().await.snapshot.hash(), hash);
}

#[tokio::test]
async fn a_current_node_is_told_so_and_gets_nothing() {
    let fixture = Fixture::new().await;
    let hash = fixture.publish("a");
    let fence = fixture.fence();
    let mut node = fixture.node_that_serves("a", Some(serving(fence, 1, hash))).await;
    let expected = v1::UpToDate { serving: Some(serving(fence, 1, hash)), ..Default::default() };
    assert_eq!(node.hear().await.unwrap(), Some(Kind::UpToDate(expected)));
    fixture.node_is("a", NodeState::Ready).await;
    node.hears_nothing().await;
}

#[tokio::test]
async fn a_slow_node_skips_to_the_newest() {
    let fixture = Fixture::new().await;
    fixture.publish("a");
    let mut node = fixture.node("a").await;
    let first = node.receive().await;
    for host in ["b", "c", "d", "e"] {
        fixture.publish(host);
    }
    // One at a time: what comes next is against what this node will serve.
    node.hears_nothing().await;
    node.ack(&first).await;
    assert_eq!(node.take().await.revision, 5);
    node.hears_nothing().await;
}

#[tokio::test]
async fn a_refused_revision_is_shown_and_not_repeated() {
    let fixture = Fixture::new().await;
    fixture.publish("a");
    let mut node = fixture.node("a").await;
    node.take().await;
    fixture.publish("b");
    let second = node.receive().await;
    node.nack(&second, v1::NackClass::Invalid, "upstream `x` is\nodd").await;
    let shown = fixture.node_is("a", NodeState::Rejected).await;
    assert_eq!(shown.last_error.as_deref(), Some("upstream `x` is odd"));
    assert_eq!(shown.serving.unwrap().revision, 1);
    node.hears_nothing().await;
    fixture.publish("c");
    assert_eq!(node.take().await.revision, 3);
    assert_eq!(fixture.node_is("a", NodeState::Ready).await.last_error, None);
}

#[tokio::test]
async fn a_lost_store_rises_above_what_its_nodes_obey() {
    let fixture = Fixture::new().await;
    fixture.publish("a");
    let mut first = fixture.node("first").await;
    let given = first.take().await;
    let foreign = serving(Fence { epoch: 5, generation: 77 }, 77, foreign_hash());
    let mut second = fixture.node_that_serves("second", Some(foreign)).await;
    let received = second.take().await;
    assert_eq!(received.fence, Fence { epoch: 6, generation: 1 });
    // The others obey the new epoch too, and need nothing for it but the word.
    let expected = serving(received.fence, 1, given.snapshot.hash());
    let heard = first.hear().await.unwrap();
    assert_eq!(heard, Some(Kind::UpToDate(v1::UpToDate { serving: Some(expected), ..Default::default() })));
}

#[tokio::test]
async fn a_node_that_obeys_another_controller_gets_nothing_and_is_shown() {
    let fixture = Fixture::with(old_store()).await;
    let hash = fixture.publish("a");
    // What it serves happens to be right; what comes next it would not take.
    let ahead = serving(Fence { epoch: 3, generation: 1 }, 1, hash);
    let mut node = fixture.node_that_serves("a", Some(ahead)).await;
    let reason = fixture.withheld("a").await;
    assert!(reason.contains("obeys 3.1, which this controller never gave"), "{reason}");
    fixture.node_is("a", NodeState::Syncing).await;
    node.hears_nothing().await;
}

#[tokio::test]
async fn a_node_that_was_ahead_is_served_once_the_controller_is_above_it() {
    let fixture = Fixture::with(old_store()).await;
    fixture.publish("a");
    let ahead = serving(Fence { epoch: 1, generation: 3 }, 3, foreign_hash());
    let mut node = fixture.node_that_serves("a", Some(ahead)).await;
    fixture.withheld("a").await;
    fixture.publish("b");
    node.hears_nothing().await;
    fixture.publish("c");
    let received = node.take().await;
    assert_eq!(received.fence, Fence { epoch: 1, generation: 4 });
    assert_eq!(fixture.node_is("a", NodeState::Ready).await.withheld, None);
}

#[tokio::test]
async fn an_epoch_that_could_not_be_kept_is_tried_again() {
    let store = Stubborn::default();
    let refuses = store.refuses.clone();
    let fixture = Fixture::with(store).await;
    fixture.publish("a");
    refuses.store(true, Ordering::Relaxed);
    let foreign = serving(Fence { epoch: 5, generation: 7 }, 7, foreign_hash());
    let mut node = fixture.node_that_serves("a", Some(foreign)).await;
    let reason = fixture.withheld("a").await;
    assert!(reason.contains("cannot be kept"), "{reason}");
    refuses.store(false, Ordering::Relaxed);
    assert_eq!(node.take().await.fence, Fence { epoch: 6, generation: 1 });
}

#[tokio::test]
async fn health_comes_before_the_snapshot_and_then_only_as_it_changes() {
    let fixture = Fixture::new().await;
    let text = config(&[("/a", "http://a"), ("/b", "http://b")], "{path: /health}");
    fixture.take(compiled_text(&text));
    let revision = fixture.ledger.intent().newest().unwrap().clone();
    let target = |host: &str| -> Arc<Target> {
        let is_host = |target: &&Target| target.url.host() == host;
        Arc::new(revision.health.targets().find(is_host).unwrap().clone())
    };
    let (a, b) = (target("a"), target("b"));
    let mut table = HealthTable::default();
    table.insert(a.clone());
    table.insert(b.clone());
    table.note(&a, Health::Unhealthy, Some("refused".into()));
    fixture.health.send_replace(Arc::new(table.clone()));

    let mut node = fixture.node("a").await;
    let update = |url: &str, upstream: &str, health: v1::Health| v1::EndpointHealth {
        upstream: upstream.to_owned(),
        url: url.to_owned(),
        check: a.check.to_string(),
        health: health.into(),
    };
    let only = |endpoint| Some(Kind::Health(v1::HealthUpdate { endpoints: vec![endpoint] }));
    // Nothing is said of what was not probed yet.
    let baseline = only(update("http://a", "/a", v1::Health::Unhealthy));
    assert_eq!(node.hear().await.unwrap(), baseline);
    node.take().await;

    table.note(&b, Health::Healthy, None);
    fixture.health.send_replace(Arc::new(table.clone()));
    assert_eq!(node.hear().await.unwrap(), only(update("http://b", "/b", v1::Health::Healthy)));
    table.note(&a, Health::Unhealthy, Some("another reason".into()));
    fixture.health.send_replace(Arc::new(table.clone()));
    node.hears_nothing().await;

    // A new route to a known endpoint: its health is known, and comes first.
    let text = config(&[("/a", "http://a"), ("/b", "http://b"), ("/c", "http://b")], "{path: /health}");
    fixture.take(compiled_text(&text));
    assert_eq!(node.hear().await.unwrap(), only(update("http://b", "/c", v1::Health::Healthy)));
    node.take().await;
}

#[tokio::test]
async fn a_node_that_reports_something_else_than_it_acknowledged_is_noticed() {
    let fixture = Fixture::new().await;
    fixture.publish("a");
    let mut node = fixture.node("a").await;
    node.take().await;
    fixture.node_is("a", NodeState::Ready).await;
    let report = v1::Report { requests: 7, ..Default::default() };
    node.say(Said::Report(report)).await;
    let shown = fixture.node_is("a", NodeState::Syncing).await;
    assert_eq!((shown.requests, shown.serving), (7, None));
}

#[tokio::test]
async fn goodbye_is_forgotten_and_a_broken_stream_is_remembered() {
    let fixture = Fixture::new().await;
    let mut clean = fixture.node("clean").await;
    let broken = fixture.node("broken").await;
    fixture.node_is("clean", NodeState::Syncing).await;
    fixture.node_is("broken", NodeState::Syncing).await;
    clean.say(Said::Goodbye(v1::Goodbye {})).await;
    drop(broken);
    fixture.node_is("broken", NodeState::Disconnected).await;
    eventually("clean is forgotten", async || {
        let nodes = fixture.fleet.snapshot();
        (!nodes.iter().any(|node| node.greeting.id == "clean")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_that_does_not_start_with_a_valid_hello_ends() {
    let fixture = Fixture::new().await;
    for said in [Said::Goodbye(v1::Goodbye {}), Said::Hello(v1::Hello::default())] {
        let mut node = fixture.silent_node().await;
        node.say(said).await;
        assert_eq!(node.hear().await.unwrap_err().code(), Code::InvalidArgument);
    }
    assert!(fixture.fleet.snapshot().is_empty());
}

#[tokio::test]
async fn nonsense_in_a_session_harms_nobody() {
    let fixture = Fixture::new().await;
    fixture.publish("a");
    let mut node = fixture.node("a").await;
    let received = node.receive().await;
    let odd = v1::Serving { hash: vec![1], ..Default::default() };
    node.say(Said::Ack(v1::Ack { serving: None })).await;
    node.say(Said::Ack(v1::Ack { serving: Some(odd.clone()) })).await;
    node.say(Said::Ack(v1::Ack { serving: Some(serving(received.fence, 9, foreign_hash())) })).await;
    node.say(Said::Nack(v1::Nack { class: 99, ..Default::default() })).await;
    node.say(Said::Hello(v1::Hello::default())).await;
    node.say(Said::Report(v1::Report { serving: Some(odd), ..Default::default() })).await;
    node.outbound.send(v1::NodeMessage { kind: None }).await.unwrap();
    assert_eq!(fixture.node_is("a", NodeState::Syncing).await.serving, None);
    node.ack(&received).await;
    fixture.node_is("a", NodeState::Ready).await;
}

#[tokio::test]
async fn stopping_ends_sessions_and_the_server() {
    let mut fixture = Fixture::new().await;
    fixture.publish("a");
    let mut node = fixture.node("a").await;
    node.take().await;
    fixture.stop.cancel();
    assert!(matches!(node.hear().await, Ok(None)));
    let ended = tokio::time::timeout(PATIENCE, fixture.server.join_next()).await;
    ended.unwrap().unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn three_hundred_nodes_follow() {
    let fixture = Fixture::new().await;
    fixture.publish("0");
    let mut nodes = JoinSet::new();
    for number in 0..300 {
        let mut node = fixture.node(&format!("node{number}")).await;
        nodes.spawn(async move {
            while node.take().await.revision < 4 {}
            node
        });
    }
    let ready = |count: usize| {
        let intent = fixture.ledger.intent();
        let all = fixture.fleet.count(|id| intent.intended(id));
        (all[&NodeState::Ready] >= count).then_some(())
    };
    for host in ["1", "2", "3"] {
        fixture.publish(host);
        eventually("some node follows", async || ready(1)).await;
    }
    // Kept, so that none leaves before all are there.
    let nodes = nodes.join_all().await;
    eventually("all nodes serve the last", async || ready(nodes.len())).await;
    assert_eq!(nodes.len(), 300);
}

#[tokio::test]
async fn a_node_is_told_what_it_has_to_do_besides_whenever_that_changes() {
    let fixture = Fixture::new().await;
    fixture.publish("a");
    let mut node = fixture.node("a").await;
    node.take().await;
    let told = node.directives.take().unwrap();
    assert_eq!((told.drain, told.drained_endpoints), (None, Vec::new()));
    let order =
        |since| Drained { grace: Duration::from_secs(7), actor: String::new(), reason: String::new(), since };
    let drain = |id: &str, since| {
        let changed = fixture.orders.change(|book| {
            book.drains.nodes.insert(id.to_owned(), order(since));
            book.drains.endpoints.insert(format!("http://{id}"), order(since));
            Ok::<_, Infallible>(())
        });
        changed.unwrap();
    };
    drain("a", 1);
    node.hears_nothing().await;
    let drain_of = |grace| v1::Drain { grace: Duration::from_secs(grace).try_into().ok() };
    let told = node.directives.take().unwrap();
    assert_eq!((told.drain, told.drained_endpoints), (Some(drain_of(7)), vec!["http://a".to_owned()]));
    // Another node's drain is of no concern, its endpoints are; what has not changed is not said again.
    drain("b", 1);
    node.hears_nothing().await;
    let told = node.directives.take().unwrap();
    assert_eq!((told.drain, told.drained_endpoints.len()), (Some(drain_of(7)), 2));
    drain("b", 2);
    node.hears_nothing().await;
    assert_eq!(node.directives, None);
    // Who comes later is told at once.
    let mut late = fixture.node("b").await;
    late.take().await;
    assert_eq!(late.directives.unwrap().drain, Some(drain_of(7)));
}
