//! A whole controller, as its operators and nodes see it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use harbr_process::{Metrics, probe_readiness};
use harbr_proto::v1::admin_service_client::AdminServiceClient;
use harbr_proto::v1::controller_message::Kind;
use harbr_proto::v1::node_message::Kind as Said;
use harbr_proto::v1::node_service_client::NodeServiceClient;
use harbr_proto::v1::{self, GetStatusRequest, ListNodesRequest, ListRoutesRequest, ListUpstreamsRequest};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use super::{Controller, Reload};
use crate::Options;
use crate::testing::{PATIENCE, config, eventually};

struct Fixture {
    folder: TempDir,
    grpc_addr: SocketAddr,
    http_addr: SocketAddr,
    reload: Reload,
    stop: CancellationToken,
    running: JoinSet<anyhow::Result<()>>,
}

fn options(folder: &TempDir, state_dir: Option<PathBuf>) -> Options {
    let any = "127.0.0.1:0".parse().unwrap();
    let config = folder.path().join("config.yml");
    Options {
        config,
        grpc_addr: any,
        http_addr: any,
        http_token_file: None,
        tls: None,
        tls_ca_key: None,
        state_dir,
        drain_timeout: PATIENCE,
    }
}

async fn bind(options: Options) -> anyhow::Result<Controller> {
    Controller::bind(options, Metrics::detached("test")).await
}

impl Fixture {
    async fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let options = options(&folder, None);
        Self::with(folder, options, None).await
    }

    async fn with(folder: TempDir, options: Options, pipes: Option<mpsc::Receiver<DuplexStream>>) -> Self {
        let controller = bind(options).await.unwrap();
        let (grpc_addr, http_addr) = (controller.grpc_addr(), controller.http_addr());
        let (reload, stop, mut running) = (controller.reload(), CancellationToken::new(), JoinSet::new());
        running.spawn(controller.run(pipes, stop.clone()));
        Self { folder, grpc_addr, http_addr, reload, stop, running }
    }

    fn write(&self, config: &str) {
        fs::write(self.folder.path().join("config.yml"), config).unwrap();
    }

    async fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::connect(format!("http://{}", self.grpc_addr)).await.unwrap()
    }

    async fn status_is(&self, what: &str, wanted: impl Fn(&v1::Status) -> bool) -> v1::Status {
        let mut admin = self.admin().await;
        eventually(what, async || {
            let status = admin.get_status(GetStatusRequest {}).await.unwrap().into_inner();
            wanted(&status).then_some(status)
        })
        .await
    }

    /// Stops it, and gives back the folder.
    async fn stop(mut self) -> TempDir {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.running.join_next()).await;
        ended.unwrap().unwrap().unwrap().unwrap();
        self.folder
    }

    async fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http_addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn one_route(host: &str) -> String {
    config(&[("/api", &format!("http://{host}"))], "")
}

#[tokio::test]
async fn a_bad_file_never_replaces_a_good_one() {
    let fixture = Fixture::new(&one_route("a")).await;
    let good = fixture.status_is("the first revision", |status| status.revision == 1).await;
    assert_eq!(good.config_error, None);
    fixture.write(&one_route("b").replace("upstream:", "upstraem:"));
    let bad = fixture.status_is("the error", |status| status.config_error.is_some()).await;
    assert_eq!((bad.revision, &bad.hash), (1, &good.hash));
    let error = bad.config_error.unwrap();
    assert_eq!((error.line, error.column), (6, 5));
    assert_eq!(error.file, fixture.folder.path().join("config.yml").display().to_string());
    assert!(error.message.contains("upstraem"), "{}", error.message);
    fixture.write(&one_route("b"));
    let mended = fixture.status_is("the mended file", |status| status.revision == 2).await;
    assert_eq!(mended.config_error, None);
    assert!(!mended.converged, "no node has taken it");
}

#[tokio::test]
async fn an_error_that_is_undone_leaves_the_revision_as_it_was() {
    let fixture = Fixture::new(&one_route("a")).await;
    fixture.status_is("the first revision", |status| status.revision == 1).await;
    fs::remove_file(fixture.folder.path().join("config.yml")).unwrap();
    let gone = fixture.status_is("the error", |status| status.config_error.is_some()).await;
    let error = gone.config_error.unwrap();
    assert!(error.message.contains("cannot be read"), "{}", error.message);
    assert_eq!((error.line, error.column), (0, 0), "it is not about a place in the file");
    // What a comment says has no meaning.
    fixture.write(&format!("# new\n{}", one_route("a")));
    let back = fixture.status_is("no error", |status| status.config_error.is_none()).await;
    assert_eq!(back.revision, 1);
}

#[tokio::test]
async fn an_invalid_file_at_the_start_is_waited_on() {
    let fixture = Fixture::new("listen_addr: [").await;
    fixture.status_is("the error", |status| status.config_error.is_some()).await;
    let reason = probe_readiness(fixture.http_addr).await.unwrap_err();
    assert_eq!(reason, "503 Service Unavailable: no valid configuration yet");
    assert!(fixture.page("/livez").await.starts_with("HTTP/1.1 200"));
    fixture.write(&one_route("a"));
    fixture.status_is("the first revision", |status| status.revision == 1).await;
    assert_eq!(probe_readiness(fixture.http_addr).await, Ok(()));
}

#[tokio::test]
async fn a_restart_with_its_state_keeps_number_and_hash() {
    let state = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder, Some(state.path().to_owned()));
    fs::write(folder.path().join("config.yml"), one_route("a")).unwrap();
    let fixture = Fixture::with(folder, options.clone(), None).await;
    fixture.status_is("revision 1", |status| status.revision == 1).await;
    fixture.write(&one_route("b"));
    let before = fixture.status_is("revision 2", |status| status.revision == 2).await;
    let folder = fixture.stop().await;
    let fixture = Fixture::with(folder, options, None).await;
    let after = fixture.status_is("a revision", |status| status.revision != 0).await;
    assert_eq!((after.revision, after.hash), (2, before.hash));
}

#[tokio::test]
async fn a_restart_goes_on_with_what_served_while_the_file_is_broken() {
    let state = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder, Some(state.path().to_owned()));
    fs::write(folder.path().join("config.yml"), one_route("a")).unwrap();
    let fixture = Fixture::with(folder, options.clone(), None).await;
    let before = fixture.status_is("revision 1", |status| status.revision == 1).await;
    let folder = fixture.stop().await;
    fs::write(folder.path().join("config.yml"), "routes: [").unwrap();
    let fixture = Fixture::with(folder, options, None).await;
    let after = fixture.status_is("the error", |status| status.config_error.is_some()).await;
    assert_eq!((after.revision, after.hash), (1, before.hash));
    assert_eq!(probe_readiness(fixture.http_addr).await, Ok(()));
    // What changed while nobody watched is of another cause.
    fixture.write(&one_route("b"));
    fixture.status_is("revision 2", |status| status.revision == 2).await;
    let listed = fixture.admin().await.list_revisions(v1::ListRevisionsRequest { most: 1 }).await;
    assert_eq!(listed.unwrap().into_inner().revisions[0].cause, "restart");
}

#[tokio::test]
async fn what_another_process_has_is_refused_in_one_line() {
    let state = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(&one_route("a")).await;
    let first = options(&fixture.folder, Some(state.path().to_owned()));
    let _owner = bind(first.clone()).await.unwrap();
    let refusal = async |options| format!("{:#}", bind(options).await.unwrap_err());
    let folder = state.path().display();
    let expected = format!("state directory {folder} is in use by another process");
    assert_eq!(refusal(first).await, expected);
    for taken in [
        Options { grpc_addr: fixture.grpc_addr, ..options(&fixture.folder, None) },
        Options { http_addr: fixture.http_addr, ..options(&fixture.folder, None) },
    ] {
        let line = refusal(taken).await;
        assert!(line.starts_with("cannot listen on 127.0.0.1:"), "{line}");
        assert_eq!(line.matches("in use").count(), 1, "{line}");
    }
}

#[tokio::test]
async fn operators_see_routes_and_upstreams_as_the_file_says() {
    let text =
        config(&[("/api", "http://127.0.0.1:1"), ("api.test/v1", "http://127.0.0.1:1/x")], "{path: /h}");
    let fixture = Fixture::new(&text).await;
    fixture.status_is("the revision", |status| status.revision == 1).await;
    let mut admin = fixture.admin().await;
    let routes = admin.list_routes(ListRoutesRequest {}).await.unwrap().into_inner().routes;
    let file = fixture.folder.path().join("config.yml").display().to_string();
    let mut shown: Vec<_> =
        routes.iter().map(|route| (route.host.as_str(), route.path.as_str(), route.source.clone())).collect();
    shown.sort();
    assert_eq!(shown, [("", "/api", format!("{file}:5")), ("api.test", "/v1", format!("{file}:8"))]);
    eventually("both are probed", async || {
        let upstreams = admin.list_upstreams(ListUpstreamsRequest {}).await.unwrap().into_inner().upstreams;
        let unhealthy =
            |upstream: &v1::UpstreamStatus| upstream.endpoints[0].health() == v1::Health::Unhealthy;
        (upstreams.len() == 2 && upstreams.iter().all(unhealthy)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_routes_are_listed() {
    let names: Vec<String> = (0..10_000).map(|number| format!("/{number}")).collect();
    let routes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "http://a")).collect();
    let fixture = Fixture::new(&config(&routes, "")).await;
    fixture.status_is("the revision", |status| status.revision == 1).await;
    let mut admin = fixture.admin().await.max_decoding_message_size(usize::MAX);
    let listed = admin.list_routes(ListRoutesRequest {}).await.unwrap().into_inner().routes;
    assert_eq!(listed.len(), 10_000);
}

#[tokio::test]
async fn metrics_show_the_state_and_the_info_page_the_addresses() {
    let fixture = Fixture::new(&one_route("a")).await;
    fixture.status_is("the revision", |status| status.revision == 1).await;
    let metrics = fixture.page("/metrics").await;
    for line in [
        "harbr_config_revision 1",
        "harbr_config_last_reload_successful 1",
        "harbr_nodes{state=\"ready\"} 0",
        "harbr_endpoints{health=\"unknown\"} 0",
    ] {
        assert!(metrics.lines().any(|shown| shown == line), "no `{line}` in {metrics}");
    }
    let info = fixture.page("/info").await;
    let info: serde_json::Value = serde_json::from_str(info.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(info["component"], "harbr-controlplane");
    assert_eq!(info["grpc_addr"], fixture.grpc_addr.to_string());
    assert_eq!(info["http_addr"], fixture.http_addr.to_string());
    assert_eq!(info["pid"], std::process::id());
}

#[tokio::test]
async fn asking_for_a_reload_harms_nothing() {
    let fixture = Fixture::new(&one_route("a")).await;
    fixture.status_is("the revision", |status| status.revision == 1).await;
    fixture.reload.now();
    fixture.write(&one_route("b"));
    fixture.reload.now();
    fixture.status_is("the next revision", |status| status.revision == 2).await;
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_hold_up_the_end() {
    let fixture = Fixture::new(&one_route("a")).await;
    fixture.status_is("the revision", |status| status.revision == 1).await;
    let _grpc = TcpStream::connect(fixture.grpc_addr).await.unwrap();
    let _http = TcpStream::connect(fixture.http_addr).await.unwrap();
    let stopped = tokio::time::timeout(PATIENCE / 2, fixture.stop()).await;
    assert!(stopped.is_ok());
}

#[tokio::test]
async fn a_node_in_the_same_process_is_a_node_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{}rollout: {{proving_time: 100ms}}\n", one_route("a"));
    fs::write(folder.path().join("config.yml"), text).unwrap();
    let options = options(&folder, None);
    let (pipes, incoming) = mpsc::channel(1);
    let fixture = Fixture::with(folder, options, Some(incoming)).await;
    let connector = tower::service_fn(move |_| {
        let pipes = pipes.clone();
        async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            pipes.send(theirs).await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(TokioIo::new(ours))
        }
    });
    let channel = Endpoint::from_static("http://pipe").connect_with_connector(connector).await;
    let mut client = NodeServiceClient::new(channel.unwrap());
    let (tx, rx) = mpsc::channel(4);
    let say = async |kind| tx.send(v1::NodeMessage { kind: Some(kind) }).await.unwrap();
    say(Said::Hello(v1::Hello { node_id: "here".to_owned(), ..Default::default() })).await;
    let mut inbound = client.session(ReceiverStream::new(rx)).await.unwrap().into_inner();
    let chunk = loop {
        let message = tokio::time::timeout(PATIENCE, inbound.message()).await.unwrap().unwrap().unwrap();
        match message.kind {
            Some(Kind::SnapshotChunk(chunk)) => break chunk,
            Some(Kind::Directives(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(chunk.last);
    let serving = v1::Serving { fence: chunk.fence, revision: chunk.revision, hash: chunk.hash };
    say(Said::Ack(v1::Ack { serving: Some(serving) })).await;
    let status = fixture.status_is("converged", |status| status.converged).await;
    assert_eq!((status.nodes_total, status.nodes_ready, status.nodes_converged), (1, 1, 1));
    assert_eq!(status.rollout.unwrap().revision, 1, "it is watched");
    let status = fixture.status_is("proven", |status| status.proven_revision == 1).await;
    assert_eq!(status.rollout, None);
    let nodes = fixture.admin().await.list_nodes(ListNodesRequest {}).await.unwrap().into_inner().nodes;
    assert_eq!((nodes[0].id.as_str(), nodes[0].state()), ("here", v1::NodeState::Ready));
    assert_eq!((nodes[0].serving_revision, &nodes[0].serving_hash), (1, &status.hash));
    // It stops although the node would stay.
    let stopped = tokio::time::timeout(Duration::from_secs(10), fixture.stop()).await;
    assert!(stopped.is_ok());
}
