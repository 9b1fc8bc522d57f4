use std::time::Duration;

use harbr_proto::v1::controller_message::Kind as FromController;
use harbr_proto::v1::node_message::Kind as ToController;
use harbr_proto::v1::node_service_client::NodeServiceClient;
use harbr_proto::{FEATURES, LatencyHistogram, v1};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::eventually::GENEROUS;

/// Sessions that share a connection; the controller takes a few more.
const SESSIONS_PER_CONNECTION: usize = 25;
/// As nodes report while no rollout runs.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// Routes in one report, as nodes have it.
const ROUTES_PER_REPORT: usize = 64;

/// Many nodes in one process, as the controller sees them: each has a session, takes what it is given, and reports
/// traffic of the routes that it was told of. They proxy nothing. All end when this is dropped.
#[derive(Debug)]
pub struct SimulatedNodes(JoinSet<()>);

/// What a node counts, and says.
struct Node {
    index: usize,
    to_controller: mpsc::Sender<v1::NodeMessage>,
    serving: Option<v1::Serving>,
    routes: Vec<String>,
    requests: u64,
}

impl SimulatedNodes {
    /// Connects `count` nodes, `sim-1` and on, in two zones. The first takes the snapshot; the others begin with what
    /// it took, so that it travels once. `routes`: the names of those that they report traffic of, in turn.
    ///
    /// # Panics
    /// If there is no controller, or it gives the first node nothing.
    pub async fn start(url: &str, count: usize, routes: &[String]) -> Self {
        let mut nodes = JoinSet::new();
        let mut serving = None;
        let mut channel: Option<Channel> = None;
        for index in 0..count {
            if index % SESSIONS_PER_CONNECTION == 0 {
                let endpoint = Endpoint::from_shared(url.to_owned()).expect("a URL");
                channel = Some(endpoint.connect().await.expect("the controller takes connections"));
            }
            let channel = channel.clone().expect("opened for the first");
            let (mut node, mut from_controller) =
                Node::connect(index, channel, serving.clone(), routes.to_vec()).await;
            if serving.is_none() {
                let given = node.wait_for_snapshot(&mut from_controller);
                timeout(GENEROUS, given).await.expect("the controller gives the first node something");
                serving.clone_from(&node.serving);
            }
            nodes.spawn(async move { node.run(from_controller).await });
        }
        Self(nodes)
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl Node {
    async fn connect(
        index: usize,
        channel: Channel,
        serving: Option<v1::Serving>,
        routes: Vec<String>,
    ) -> (Self, Streaming<v1::ControllerMessage>) {
        let (to_controller, messages) = mpsc::channel(16);
        let zone = ["a", "b"][index % 2].to_owned();
        let hello = v1::Hello {
            node_id: format!("sim-{}", index + 1),
            instance_id: format!("simulated-{index}"),
            labels: vec![v1::Label { name: "zone".to_owned(), value: zone }],
            build: "simulated".to_owned(),
            schema_version: 1,
            serving: serving.clone(),
            admin_addr: "127.0.0.1:0".to_owned(),
            features: FEATURES.map(str::to_owned).to_vec(),
            ..v1::Hello::default()
        };
        let node = Self { index, to_controller, serving, routes, requests: 0 };
        node.say(ToController::Hello(hello)).await;
        let session = NodeServiceClient::new(channel).session(ReceiverStream::new(messages)).await;
        (node, session.expect("the controller takes the node").into_inner())
    }

    async fn wait_for_snapshot(&mut self, from_controller: &mut Streaming<v1::ControllerMessage>) {
        while self.serving.is_none() {
            let message = from_controller.message().await.expect("the session lasts");
            self.take(message.expect("the session lasts")).await;
        }
    }

    async fn run(mut self, mut from_controller: Streaming<v1::ControllerMessage>) {
        // Spread over the time between two reports.
        let part = u32::try_from(self.index % 100).expect("below 100");
        let mut report = interval_at(tokio::time::Instant::now() + REPORT_EVERY * part / 100, REPORT_EVERY);
        report.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = from_controller.message() => match message {
                    Ok(Some(message)) => self.take(message).await,
                    Ok(None) | Err(_) => return,
                },
                _tick = report.tick() => self.report().await,
            }
        }
    }

    async fn take(&mut self, message: v1::ControllerMessage) {
        let serving = match message.kind {
            Some(FromController::SnapshotChunk(chunk)) if chunk.last => {
                v1::Serving { fence: chunk.fence, revision: chunk.revision, hash: chunk.hash }
            }
            Some(FromController::UpToDate(v1::UpToDate { serving: Some(serving), .. })) => serving,
            _ => return,
        };
        self.serving = Some(serving.clone());
        self.requests = 0;
        self.say(ToController::Ack(v1::Ack { serving: Some(serving) })).await;
    }

    /// 100 requests a second, of which 1 % fail, at the next of its routes.
    async fn report(&mut self) {
        let turn = usize::try_from(self.requests / 200).expect("a small number");
        self.requests += 200;
        let counts = |requests: u64| {
            let mut latency = LatencyHistogram::default();
            latency.add(LatencyHistogram::bucket_of(Duration::from_millis(3)), requests - requests / 50);
            latency.add(LatencyHistogram::bucket_of(Duration::from_millis(40)), requests / 50);
            let own_errors = requests / 100;
            Some(v1::Counts {
                requests,
                own_errors,
                latency: Some((&latency).into()),
                ..v1::Counts::default()
            })
        };
        let first = (self.index * 7 + turn) * ROUTES_PER_REPORT;
        let routes = (0..ROUTES_PER_REPORT.min(self.routes.len())).map(|place| {
            let route = self.routes[(first + place) % self.routes.len()].clone();
            v1::RouteTraffic { route, counts: counts(self.requests / 20) }
        });
        let report = v1::Report {
            serving: self.serving.clone(),
            connections: 50,
            requests: self.requests,
            failures: self.requests / 100,
            traffic: Some(v1::Traffic { total: counts(self.requests), routes: routes.collect() }),
            ..v1::Report::default()
        };
        self.say(ToController::Report(report)).await;
    }

    /// Whoever is not listened to any more ends with its session.
    async fn say(&self, kind: ToController) {
        let _gone = self.to_controller.send(v1::NodeMessage { kind: Some(kind) }).await;
    }
}
