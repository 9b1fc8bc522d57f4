//! What stands behind the proxies that are measured: one thread, as cheap as can be, so that it is never what
//! is slow. The end of the path says how much it answers: `/1k`, `/64k`, `/1m`.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::timeout;

/// Longer than any proxy keeps an unused connection, so that it is the one to close.
const IDLE_LIMIT: Duration = Duration::from_secs(120);
const MAX_HEAD: usize = 64 * 1024;
const BUFFER: usize = 128 * 1024;

#[derive(Args)]
pub(crate) struct Options {
    #[arg(long, default_value = "127.0.0.1:0")]
    addr: SocketAddr,
}

/// Whole responses, made once.
#[derive(Debug)]
struct Answers {
    small: Vec<u8>,
    middle: Vec<u8>,
    large: Vec<u8>,
}

/// Serves until standard input ends, so that it never outlives who started it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener =
            TcpListener::bind(options.addr).await.with_context(|| format!("cannot bind {}", options.addr))?;
        println!("{}", serde_json::json!({ "addr": listener.local_addr()?.to_string() }));
        let answers = Rc::new(Answers {
            small: response(1024),
            middle: response(64 * 1024),
            large: response(1024 * 1024),
        });
        let mut connections = tokio::task::JoinSet::new();
        let mut ended =
            tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    connections.spawn_local(serve(stream, answers.clone()));
                }
                Some(_) = connections.join_next() => {}
                _ = &mut ended => return Ok(()),
            }
        }
    })
}

/// It ends with an error when the peer goes away, which is its right.
async fn serve(mut stream: TcpStream, answers: Rc<Answers>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    loop {
        let head = match end_of_head(&buffer[..filled]) {
            Some(end) => end,
            None => {
                ensure!(filled < MAX_HEAD, "a head of more than {MAX_HEAD} bytes");
                filled += read(&mut stream, &mut buffer[filled..]).await?;
                continue;
            }
        };
        let request = Request::of(&buffer[..head]).context("not a request")?;
        let answer = answers.to(request.target);
        let close = request.close;
        let mut left = head + request.body_bytes;
        // What came after this request stays for the next one.
        while left > filled {
            left -= filled;
            filled = read(&mut stream, &mut buffer).await?;
        }
        buffer.copy_within(left..filled, 0);
        filled -= left;
        stream.write_all(answer).await?;
        if close {
            return Ok(());
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<usize> {
    let count = timeout(IDLE_LIMIT, stream.read(buffer)).await??;
    ensure!(count > 0, "the connection ended");
    Ok(count)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

#[derive(Debug, PartialEq, Eq)]
struct Request<'a> {
    target: &'a str,
    body_bytes: usize,
    close: bool,
}

impl<'a> Request<'a> {
    fn of(head: &'a [u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let target = lines.next()?.split(' ').nth(1)?;
        let mut request = Self { target, body_bytes: 0, close: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                request.body_bytes = value.trim().parse().ok()?;
            } else if name.eq_ignore_ascii_case("connection") {
                request.close = value.trim().eq_ignore_ascii_case("close");
            }
        }
        Some(request)
    }
}

impl Answers {
    fn to(&self, target: &str) -> &[u8] {
        match target.rsplit('/').next() {
            Some("64k") => &self.middle,
            Some("1m") => &self.large,
            _ => &self.small,
        }
    }
}

fn response(body_bytes: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n\
         Content-Type: application/octet-stream\r\nCache-Control: no-store\r\n\
         Content-Length: {body_bytes}\r\n\r\n"
    );
    let mut response = head.into_bytes();
    response.resize(response.len() + body_bytes, b'x');
    response
}

#[cfg(test)]
mod tests;
