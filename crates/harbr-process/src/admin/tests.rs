use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{AdminPages, AdminServer, MAX_CONNECTIONS};
use crate::{Metrics, probe_readiness};

struct Server {
    addr: SocketAddr,
    ready: Arc<AtomicBool>,
    stop: CancellationToken,
    task: JoinSet<()>,
}

async fn server() -> Server {
    let ready = Arc::new(AtomicBool::new(false));
    let is_ready = ready.clone();
    let pages = AdminPages {
        more: None,
        ready: Arc::new(move || match is_ready.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err("no snapshot yet".to_owned()),
        }),
        info: Arc::new(|| serde_json::json!({"component": "test"})),
        metrics: Metrics::detached("test"),
    };
    let server = AdminServer::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (addr, stop, mut task) = (server.local_addr(), CancellationToken::new(), JoinSet::new());
    task.spawn(server.run(pages, stop.clone()));
    Server { addr, ready, stop, task }
}

async fn ask(addr: SocketAddr, request_line: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("{request_line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn each_page_answers_and_nothing_else_does() {
    let server = server().await;
    for (request, status, content) in [
        ("GET /livez", "200", "ok"),
        ("GET /readyz", "503", "no snapshot yet"),
        ("GET /info", "200", r#"{"component":"test"}"#),
        ("GET /metrics", "200", "harbr_build_info"),
        ("GET /livez?verbose", "200", "ok"),
        ("GET /", "404", ""),
        ("GET /livez/", "404", ""),
        ("POST /livez", "405", "only GET"),
    ] {
        let answer = ask(server.addr, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(answer.contains(content), "{request}: {answer}");
    }
    let head = ask(server.addr, "HEAD /livez").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn the_readiness_probe_says_why_not() {
    let server = server().await;
    let reason = probe_readiness(server.addr).await.unwrap_err();
    assert_eq!(reason, "503 Service Unavailable: no snapshot yet");
    server.ready.store(true, Ordering::Relaxed);
    assert_eq!(probe_readiness(server.addr).await, Ok(()));
}

#[tokio::test]
async fn an_address_in_use_is_told_in_one_line() {
    let server = server().await;
    let error = AdminServer::bind(server.addr).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}: ", server.addr)), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_a_place() {
    let server = server().await;
    let mut idle = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        idle.push(TcpStream::connect(server.addr).await.unwrap());
    }
    // A first answer on each shows that it was accepted, in whatever order.
    for stream in &mut idle {
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
    }
    let late = ask(server.addr, "GET /livez");
    tokio::pin!(late);
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut late).await.is_err());
    idle.pop();
    let answer = tokio::time::timeout(Duration::from_secs(5), late).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_ends_the_server() {
    let mut server = server().await;
    let mut idle = TcpStream::connect(server.addr).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_ne!(idle.read(&mut [0; 1024]).await.unwrap(), 0);
    server.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), server.task.join_next()).await.unwrap().unwrap().unwrap();
    assert_eq!(idle.read(&mut [0; 1024]).await.unwrap(), 0);
}
