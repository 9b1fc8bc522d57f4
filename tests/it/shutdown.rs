//! A clean end loses nothing.

use std::time::Duration;

use bytes::Bytes;
use harbr_tests::{
    Answer, Client, Fleet, Load, Origin, Plan, RawClient, Shape, Signal, empty, eventually, full, get,
    request, stream,
};
use http::{Method, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use crate::file::File;

over_both_shapes! {
    async fn a_termination_under_load_on_100_connections_loses_no_request(shape: Shape) {
        let origin = Origin::start("a").await;
        origin.answers(Answer::EchoAfter(Duration::from_millis(20)));
        let fleet = Fleet::start(shape, &File::all_to(&origin).text()).await;
        let load = Load::start(&[fleet.addr()], 100, 500, "/");
        load.connected().await;
        load.answers(200).await;
        fleet.node().process.signal(Signal::Terminate);
        let report = load.until_refused().await;
        report.assert_lossless_on_kept_connections(200);
        assert_eq!(fleet.node().process.ended().await.code, Some(0));
    }
}

#[tokio::test]
async fn clients_that_wait_to_be_accepted_when_the_end_comes_are_served() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let process = &fleet.node().process;
    // While it stands still the system takes connections into its queue.
    process.signal(Signal::Stop);
    let mut waiting = Vec::new();
    for number in 0..20 {
        let mut client = RawClient::connect(fleet.addr()).await;
        let request = format!("GET /{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client.send(request).await.unwrap();
        waiting.push(client);
    }
    process.signal(Signal::Terminate);
    process.signal(Signal::Continue);
    for mut client in waiting {
        let answer = client.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    }
    assert_eq!(process.ended().await.code, Some(0));
}

#[tokio::test]
async fn clients_that_are_slow_to_take_the_end_of_an_answer_get_it_whole() {
    const BLOCK: usize = 8 * 1024;

    let origin = Origin::start("a").await;
    // The path is the length of the body, in blocks. Of these lengths some leave their last bytes in the proxy
    // and the rest in the system, whatever its buffers are.
    origin.answers_with(|request| async move {
        let blocks: usize = request.uri().path()[1..].parse().unwrap();
        Response::new(full(vec![b'x'; blocks * BLOCK]))
    });
    let fleet = Plan::new(Shape::Split).drain_timeout("20s").start(&File::all_to(&origin).text()).await;
    let addr = fleet.addr();
    let mut clients = Vec::new();
    for blocks in (200..600).step_by(6) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let mut client = socket.connect(addr).await.unwrap();
        let request = format!("GET /{blocks} HTTP/1.1\r\nHost: a\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        clients.push((blocks, client));
    }
    eventually("all answers are on their way", async || (origin.requests() == clients.len()).then_some(()))
        .await;
    fleet.node().process.signal(Signal::Terminate);
    eventually("nobody is let in any more", async || TcpStream::connect(addr).await.err()).await;
    for (blocks, mut client) in clients {
        let mut answer = Vec::new();
        let read = client.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(15), read).await.expect("the answer ends").unwrap();
        let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(answer.len() - head, blocks * BLOCK);
    }
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
}

#[tokio::test]
async fn a_termination_fails_readiness_finishes_what_runs_and_says_that_it_closes() {
    let origin = Origin::start("a").await;
    origin.answers(Answer::EchoAfter(Duration::from_secs(2)));
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let addr = fleet.addr();
    let mut slow = tokio::task::JoinSet::new();
    slow.spawn(async move { get(addr, "/").await });
    eventually("the request is at its upstream", async || (origin.requests() == 1).then_some(())).await;
    fleet.node().process.signal(Signal::Terminate);
    eventually("it is not ready", async || {
        (get(fleet.node().admin(), "/readyz").await.status == 503).then_some(())
    })
    .await;
    let reply = slow.join_next().await.unwrap().unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("connection").as_deref(), Some("close"));
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
}

/// Ends a node with this connection open, and returns how long that took.
async fn time_to_end(fleet: &Fleet, signal: Signal) -> Duration {
    let start = Instant::now();
    fleet.node().process.signal(signal);
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
    start.elapsed()
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut idle = Client::connect(fleet.addr()).await.unwrap();
    idle.get("/").await;
    let took = time_to_end(&fleet, Signal::Interrupt).await;
    assert!(took < Duration::from_secs(8), "the drain timeout of 10 s was waited for");
}

#[tokio::test]
async fn a_connection_that_never_said_anything_does_not_hold_up_the_end() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let silent = RawClient::connect(fleet.addr()).await;
    // Answered on a later connection: the silent one is accepted by now.
    get(fleet.addr(), "/").await;
    let took = time_to_end(&fleet, Signal::Terminate).await;
    assert!(took < Duration::from_secs(8), "the drain timeout of 10 s was waited for");
    drop(silent);
}

#[tokio::test]
async fn a_response_that_never_ends_is_cut_after_the_drain_timeout() {
    let origin = Origin::start("a").await;
    origin.answers_with(|_| async {
        let (tx, body) = stream();
        // Never dropped: the response has no end.
        std::mem::forget(tx);
        Response::new(body)
    });
    let plan = Plan::new(Shape::Split).drain_timeout("1s");
    let fleet = plan.start(&File::all_to(&origin).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let _endless = client.start(request(Method::GET, "/", empty())).await.unwrap();
    let start = Instant::now();
    fleet.node().process.signal(Signal::Terminate);
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test]
async fn an_upload_that_is_under_way_is_finished() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    let mut client = Client::connect(fleet.addr()).await.unwrap();
    let (pieces, body) = stream();
    let upload = client.send(request(Method::POST, "/", body));
    let feed = async {
        pieces.send(Bytes::from_static(b"one")).await.unwrap();
        eventually("the upload is at its upstream", async || (origin.requests() == 1).then_some(())).await;
        fleet.node().process.signal(Signal::Terminate);
        eventually("it drains", async || {
            (get(fleet.node().admin(), "/readyz").await.status == 503).then_some(())
        })
        .await;
        pieces.send(Bytes::from_static(b"two")).await.unwrap();
        drop(pieces);
    };
    let (reply, ()) = tokio::join!(upload, feed);
    assert_eq!(reply.unwrap().echo().body_bytes, 6);
    assert_eq!(fleet.node().process.ended().await.code, Some(0));
}

#[tokio::test]
async fn the_controller_ends_cleanly_and_says_goodbye_to_no_traffic() {
    let origin = Origin::start("a").await;
    let fleet = Fleet::start(Shape::Split, &File::all_to(&origin).text()).await;
    fleet.controller.process.signal(Signal::Terminate);
    assert_eq!(fleet.controller.process.ended().await.code, Some(0));
    assert_eq!(get(fleet.addr(), "/").await.status, 200);
}

#[tokio::test]
async fn a_node_that_said_goodbye_is_gone_and_one_that_was_killed_is_disconnected() {
    let origin = Origin::start("a").await;
    let fleet = Plan::new(Shape::Split).nodes(3).start(&File::all_to(&origin).text()).await;
    fleet.nodes[1].process.signal(Signal::Terminate);
    fleet.nodes[1].process.ended().await;
    fleet.nodes[2].kill().await;
    eventually("the fleet shows it", async || {
        let nodes = fleet.json(&["get", "nodes"]).await;
        let states: Vec<_> = nodes
            .as_array()
            .into_iter()
            .flatten()
            .map(|node| (node["id"].as_str().unwrap_or_default(), node["state"].as_str().unwrap_or_default()))
            .collect();
        (states == [("node-1", "ready"), ("node-3", "disconnected")]).then_some(())
    })
    .await;
    let status = fleet.json(&["status"]).await;
    assert_eq!(status["converged"], true, "the dead hold nobody up: {status}");
}
