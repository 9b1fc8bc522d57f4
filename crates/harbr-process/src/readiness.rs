use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(2);
const MAX_REASON_BYTES: usize = 4 * 1024;

/// Asks the admin server at `addr` whether its process is ready: what `--health-check` does, for containers that
/// have no other client. An address that stands for all interfaces is asked on loopback.
///
/// # Errors
/// Why it is not ready, in one line.
pub async fn probe_readiness(addr: SocketAddr) -> Result<(), String> {
    let addr = SocketAddr::new(reachable(addr.ip()), addr.port());
    match tokio::time::timeout(TIMEOUT, ask(addr)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer from {addr} within {TIMEOUT:?}")),
    }
}

async fn ask(addr: SocketAddr) -> Result<(), String> {
    let unreachable = |error: &dyn std::error::Error| format!("cannot ask {addr}: {error}");
    let stream = TcpStream::connect(addr).await.map_err(|error| unreachable(&error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
    let request = Request::get("/readyz")
        .header(http::header::HOST, addr.to_string())
        .body(Empty::<Bytes>::new())
        .expect("an address is a valid header");
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_REASON_BYTES).collect().await;
        let reason = body.map(|body| body.to_bytes()).unwrap_or_default();
        match status {
            StatusCode::OK => Ok(()),
            _ => Err(format!("{status}: {}", String::from_utf8_lossy(&reason).trim())),
        }
    };
    // The connection is driven only while the answer is awaited, and ends with it.
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => ip,
    }
}
