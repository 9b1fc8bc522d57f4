//! A small HTTP/1.1 server for the demo and the fleet bench: it answers every request with its name and the
//! request's path, and `/health` with `ok`.

use std::borrow::Cow;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::http::{header, read_head};

/// A thread for each connection: three proxies with a few workers keep far fewer.
const MAX_CONNECTIONS: usize = 512;
/// Longer than a proxy keeps an unused connection, so that it is the one to close.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
const MAX_BODY: u64 = 1024 * 1024;

#[derive(Args)]
pub(crate) struct Options {
    /// What it calls itself
    #[arg(long)]
    name: String,
    #[arg(long, default_value = "127.0.0.1:0")]
    addr: SocketAddr,
    /// Answer with a body of so many bytes instead of the name
    #[arg(long, value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    body_bytes: Option<u32>,
}

/// Serves until standard input ends, so that it never outlives who started it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let listener =
        TcpListener::bind(options.addr).with_context(|| format!("cannot bind {}", options.addr))?;
    println!("{}", serde_json::json!({ "addr": listener.local_addr()?.to_string() }));
    let answer = Arc::new(Answer {
        name: options.name.clone(),
        fixed_body: options.body_bytes.map(|bytes| "x".repeat(bytes as usize)),
    });
    std::thread::Builder::new().name("accept".to_owned()).spawn(move || accept(&listener, &answer))?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

struct Answer {
    name: String,
    fixed_body: Option<String>,
}

fn accept(listener: &TcpListener, answer: &Arc<Answer>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming().flatten() {
        if open.load(Ordering::Relaxed) >= MAX_CONNECTIONS {
            continue;
        }
        let (answer, counted) = (Arc::clone(answer), Arc::clone(&open));
        open.fetch_add(1, Ordering::Relaxed);
        let thread = std::thread::Builder::new().name("connection".to_owned()).spawn(move || {
            // It ends with an error when the peer goes away, which is its right.
            let _ = serve(stream, &answer);
            counted.fetch_sub(1, Ordering::Relaxed);
        });
        if thread.is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn serve(stream: TcpStream, answer: &Answer) -> Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE_LIMIT))?;
    stream.set_write_timeout(Some(IDLE_LIMIT))?;
    let mut stream = BufReader::new(stream);
    loop {
        let head = read_head(&mut stream)?;
        let mut line = head.first().context("an empty head")?.split(' ');
        let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        if let Some(length) = header(&head, "content-length") {
            let length = length.parse()?;
            ensure!(length <= MAX_BODY, "a body of {length} bytes");
            std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
        }
        let body = match (target, &answer.fixed_body) {
            ("/health", _) => Cow::Borrowed("ok\n"),
            (_, Some(body)) => Cow::Borrowed(body.as_str()),
            (_, None) => Cow::Owned(format!("{} answers {method} {target}\n", answer.name)),
        };
        let close = header(&head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let connection = if close { "Connection: close\r\n" } else { "" };
        let content = if method == "HEAD" { "" } else { body.as_ref() };
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Served-By: {}\r\nContent-Length: {}\r\n\
             {connection}\r\n{content}",
            answer.name,
            body.len()
        );
        stream.get_mut().write_all(response.as_bytes())?;
        if close {
            return Ok(());
        }
    }
}
