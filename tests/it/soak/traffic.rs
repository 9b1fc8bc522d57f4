use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use harbr_tests::{
    Client, NotAnswered, RawClient, Reply, TestBody, TlsClient, empty, fnv1a, full, request, stream,
};
use http::{Method, Request};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::content::{self, MOST};

const MAX_REPORTED: usize = 10;
const UPGRADE: &str =
    "GET /tunnel HTTP/1.1\r\nHost: proxy.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// Where the proxy is, and how it is trusted.
pub(super) struct Targets {
    pub plain: SocketAddr,
    pub secure: SocketAddr,
    pub tls: TlsClient,
    pub old_tls: TlsClient,
}

/// What was done, by kind, and what went wrong.
#[derive(Default)]
pub(super) struct Tally(Mutex<(BTreeMap<&'static str, u64>, Vec<String>)>);

impl Tally {
    pub(super) fn wrong(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }

    fn note(&self, kind: &'static str, outcome: Result<(), String>) {
        let mut tally = self.0.lock().unwrap();
        *tally.0.entry(kind).or_default() += 1;
        if let Err(problem) = outcome
            && tally.1.len() < MAX_REPORTED
        {
            tally.1.push(format!("{kind}: {problem}"));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.0.lock().unwrap();
        let kinds: Vec<_> = tally.0.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        write!(f, "answered: {}; wrong: {}", kinds.join(", "), tally.1.len())
    }
}

/// A client of each kind, each of which goes on until it is stopped.
pub(super) fn spawn(
    clients: &mut JoinSet<()>,
    targets: &Arc<Targets>,
    tally: &Arc<Tally>,
    stop: &Arc<AtomicBool>,
    seed: u64,
) {
    macro_rules! kinds {
        ($($kind:ident),+) => {$({
            let (targets, tally, stop) = (targets.clone(), tally.clone(), stop.clone());
            clients.spawn(async move {
                let mut round = seed << 32;
                while !stop.load(Ordering::Relaxed) {
                    round += 1;
                    tally.note(stringify!($kind), $kind(&targets, round).await);
                }
            });
        })+};
    }
    kinds!(kept, fresh, tls, http2, upload, websocket, abort, slow);
}

/// Several requests on one connection, with pauses that are sometimes long enough for it to be put to rest.
async fn kept(targets: &Targets, round: u64) -> Result<(), String> {
    let mut client = Client::connect(targets.plain).await.map_err(|error| error.to_string())?;
    for number in 0..20 {
        let (seed, length) = (round * 100 + number, (round * 7_919 + number * 104_729) % MOST);
        let kind = if number % 2 == 0 { "bytes" } else { "pieces" };
        let path = format!("/{kind}/{seed}/{length}");
        let reply = match again(&mut client, targets.plain, || request(Method::GET, &path, empty())).await {
            Ok(reply) => reply,
            Err(error) => return Err(format!("{path}: {error}")),
        };
        check(&reply, seed, length)?;
        sleep(Duration::from_millis(if number == 10 { round % 3_000 } else { 2 })).await;
    }
    Ok(())
}

/// As any client: what was not written because the kept connection was closed is sent on a new one.
async fn again(
    client: &mut Client,
    addr: SocketAddr,
    request: impl Fn() -> Request<TestBody>,
) -> Result<Reply, String> {
    let response = match client.try_start(request()).await {
        Ok(response) => response,
        Err(NotAnswered::Unsent(_)) => {
            *client = Client::connect(addr).await.map_err(|error| error.to_string())?;
            client.start(request()).await.map_err(|error| error.to_string())?
        }
        Err(NotAnswered::Lost(error)) => return Err(error.to_string()),
    };
    Reply::collect(response).await.map_err(|error| error.to_string())
}

async fn fresh(targets: &Targets, round: u64) -> Result<(), String> {
    let (seed, length) = (round, round * 31 % 2_000);
    let mut client = Client::connect(targets.plain).await.map_err(|error| error.to_string())?;
    let reply = client.send(request(Method::GET, &format!("/bytes/{seed}/{length}"), empty())).await;
    check(&reply.map_err(|error| error.to_string())?, seed, length)?;
    sleep(Duration::from_millis(5)).await;
    Ok(())
}

async fn tls(targets: &Targets, round: u64) -> Result<(), String> {
    let connector = if round.is_multiple_of(4) { &targets.old_tls } else { &targets.tls };
    let stream = connector.connect(targets.secure, "proxy.test").await.map_err(|error| error.to_string())?;
    let mut client = Client::over(stream).await.map_err(|error| error.to_string())?;
    for number in 0..5 {
        let (seed, length) = (round * 10 + number, (round * 1_009 + number * 65_537) % MOST);
        let sent = request(Method::GET, &format!("/pieces/{seed}/{length}"), empty());
        check(&client.send(sent).await.map_err(|error| error.to_string())?, seed, length)?;
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn http2(targets: &Targets, round: u64) -> Result<(), String> {
    if round.is_multiple_of(2) {
        let stream = targets.tls.offering(&[b"h2"]).connect(targets.secure, "proxy.test").await;
        together(stream.map_err(|error| error.to_string())?, round).await
    } else {
        let stream = TcpStream::connect(targets.plain).await;
        together(stream.map_err(|error| error.to_string())?, round).await
    }
}

/// Several requests at once over one connection of HTTP/2.
async fn together(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    round: u64,
) -> Result<(), String> {
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(|error| error.to_string())?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let ask = async |number: u64| {
        let (seed, length) = (round * 10 + number, (round * 1_013 + number * 32_771) % MOST);
        let uri = format!("http://proxy.test/pieces/{seed}/{length}");
        let request = Request::builder().uri(uri).body(empty()).map_err(|error| error.to_string())?;
        let answer = sender.clone().send_request(request).await.map_err(|error| error.to_string())?;
        let reply = Reply::collect(answer).await.map_err(|error| error.to_string())?;
        check(&reply, seed, length)
    };
    try_join_all((0..8).map(ask)).await?;
    sleep(Duration::from_millis(10)).await;
    Ok(())
}

/// With a length, and in pieces that come slowly.
async fn upload(targets: &Targets, round: u64) -> Result<(), String> {
    let body = content::bytes(round, round * 4_099 % MOST + 1);
    let mut client = Client::connect(targets.plain).await.map_err(|error| error.to_string())?;
    let hash = fnv1a(0, &body).to_string();
    let reply = if round.is_multiple_of(2) {
        client.send(request(Method::PUT, "/hash", full(body))).await
    } else {
        let (pieces, sent) = stream();
        let feed = async move {
            for piece in body.chunks(9_973) {
                if pieces.send(Bytes::copy_from_slice(piece)).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::join!(client.send(request(Method::POST, "/hash", sent)), feed).0
    };
    let reply = reply.map_err(|error| error.to_string())?;
    if reply.text() == hash { Ok(()) } else { Err(format!("{} {}", reply.status, reply.text())) }
}

async fn websocket(targets: &Targets, round: u64) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(targets.plain).await.map_err(io)?;
    stream.write_all(UPGRADE.as_bytes()).await.map_err(io)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.map_err(io)?);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(String::from_utf8_lossy(&head).into_owned());
    }
    for number in 0..40 {
        let sent = content::bytes(round * 100 + number, 1 + (round + number * 997) % 20_000);
        let mut received = vec![0; sent.len()];
        let (mut reader, mut writer) = stream.split();
        let both = tokio::try_join!(reader.read_exact(&mut received), writer.write_all(&sent));
        both.map_err(io)?;
        if received.iter().zip(&sent).any(|(received, sent)| *received != !*sent) {
            return Err("other bytes than were sent".to_owned());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Leaves in the middle: of a head, of a body, of an answer. Nothing is owed to it.
async fn abort(targets: &Targets, round: u64) -> Result<(), String> {
    let mut client = RawClient::connect(targets.plain).await;
    let sent = match round % 4 {
        0 => "GET /bytes/1/100 HT",
        1 => "POST /hash HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nnot all of it",
        2 => "POST /hash HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nnot all",
        _ => "GET /bytes/1/300000 HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    client.send(sent).await.map_err(|error| error.to_string())?;
    sleep(Duration::from_millis(round % 20)).await;
    if round % 8 < 4 {
        client.reset();
    }
    Ok(())
}

/// Sends its head a byte at a time, and reads its answer as slowly.
async fn slow(targets: &Targets, round: u64) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(targets.plain).await.map_err(io)?;
    let head = format!("GET /bytes/{round}/20000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for byte in head.bytes() {
        stream.write_all(&[byte]).await.map_err(io)?;
        sleep(Duration::from_millis(3)).await;
    }
    let mut answer = Vec::new();
    let mut buffer = [0; 512];
    loop {
        let count = stream.read(&mut buffer).await.map_err(io)?;
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..count]);
        sleep(Duration::from_millis(5)).await;
    }
    let expected = content::bytes(round, 20_000);
    if answer.ends_with(&expected) {
        Ok(())
    } else {
        Err(format!("{} bytes, not the right ones", answer.len()))
    }
}

fn check(reply: &Reply, seed: u64, length: u64) -> Result<(), String> {
    let expected = fnv1a(0, &content::bytes(seed, length));
    if reply.status == 200 && reply.body.len() as u64 == length && fnv1a(0, &reply.body) == expected {
        return Ok(());
    }
    Err(format!("{} with {} bytes, not {length} of {seed}", reply.status, reply.body.len()))
}
