//! Just enough of an HTTP/1.1 client: a GET at a time on a kept-alive connection, bodies by `Content-Length`
//! or by the connection's end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Larger answers are an error: what we talk to sends a few hundred bytes.
const MAX_BODY: u64 = 1024 * 1024;
const MAX_HEAD: u64 = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// One request on a connection of its own.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Result<Response> {
    Connection::open(addr, Duration::from_secs(5))?.get(path)
}

/// As `get`, and asks the server to close the connection after it.
pub(crate) fn get_and_close(addr: SocketAddr, path: &str) -> Result<Response> {
    Connection::open(addr, Duration::from_secs(5))?.ask(path, "Connection: close\r\n")
}

/// A 200 and its JSON.
pub(crate) fn get_json(addr: SocketAddr, path: &str) -> Result<serde_json::Value> {
    let response = get(addr, path).with_context(|| format!("GET http://{addr}{path}"))?;
    ensure!(response.status == 200, "GET http://{addr}{path} answered {}", response.status);
    serde_json::from_str(&response.body).with_context(|| format!("http://{addr}{path} is not JSON"))
}

/// The first address where a proxy takes traffic, which its admin address tells.
pub(crate) fn listener_addr(admin_addr: SocketAddr) -> Result<SocketAddr> {
    let info = get_json(admin_addr, "/info")?;
    addr_of(&info["listeners"][0])
}

/// The address of the listener of this name.
pub(crate) fn listener(admin_addr: SocketAddr, name: &str) -> Result<SocketAddr> {
    let info = get_json(admin_addr, "/info")?;
    let listeners = info["listeners"].as_array().context("/info has no listeners")?;
    addr_of(listeners.iter().find(|listener| listener["name"] == name).context("no such listener yet")?)
}

fn addr_of(listener: &Value) -> Result<SocketAddr> {
    Ok(listener["addr"].as_str().context("no listener yet")?.parse()?)
}

#[derive(Debug)]
pub(crate) struct Connection {
    addr: SocketAddr,
    stream: BufReader<TcpStream>,
    /// The server has said that its last answer was the last.
    closes: bool,
}

impl Connection {
    /// `timeout` holds for the connect and for each read and write.
    pub(crate) fn open(addr: SocketAddr, timeout: Duration) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self { addr, stream: BufReader::new(stream), closes: false })
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Response> {
        self.ask(path, "")
    }

    pub(crate) fn closes(&self) -> bool {
        self.closes
    }

    fn ask(&mut self, path: &str, more: &str) -> Result<Response> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: xtask\r\n{more}\r\n", self.addr);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let head = read_head(&mut self.stream)?;
        let status = parse_status(&head)?;
        self.closes = header(&head, "connection").is_some_and(|said| said.eq_ignore_ascii_case("close"));
        let body = match header(&head, "content-length") {
            Some(length) => read_exactly(&mut self.stream, length.parse().context("bad content-length")?)?,
            None if header(&head, "transfer-encoding").is_some() => read_chunks(&mut self.stream)?,
            None => bail!("an answer without a length"),
        };
        Ok(Response { status, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// The lines up to the empty one; without their ends.
pub(crate) fn read_head(stream: &mut impl BufRead) -> Result<Vec<String>> {
    let mut stream = stream.take(MAX_HEAD);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        ensure!(stream.read_line(&mut line)? > 0, "the connection ended within a head");
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Ok(lines);
        }
        lines.push(line.to_owned());
    }
}

pub(crate) fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn parse_status(head: &[String]) -> Result<u16> {
    let line = head.first().context("an empty head")?;
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).with_context(|| format!("`{line}`"))
}

fn read_exactly(stream: &mut impl BufRead, length: u64) -> Result<Vec<u8>> {
    ensure!(length <= MAX_BODY, "a body of {length} bytes");
    let mut body = Vec::new();
    let read = stream.take(length).read_to_end(&mut body)?;
    ensure!(read as u64 == length, "the connection ended within a body");
    Ok(body)
}

fn read_chunks(stream: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.take(1024).read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).context("a bad chunk size")?;
        ensure!(body.len() as u64 + size <= MAX_BODY, "a body of more than {MAX_BODY} bytes");
        body.extend(read_exactly(stream, size)?);
        // The line end after a chunk; after the last, the empty line that ends the (absent) trailers.
        read_exactly(stream, 2)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests;
