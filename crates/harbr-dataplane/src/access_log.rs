//! One line for each request, on standard output. Workers hand records over in batches and never wait: the
//! queue is bounded, what does not fit is counted, and a thread of its own formats and writes.

use std::cell::RefCell;
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use harbr_model::AccessLog as Format;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode, Uri, Version};
use serde::Serialize;

use crate::error::Reason;

/// Records that a worker gathers before it wakes the writer, which costs more than a record.
const BATCH: usize = 128;
/// Batches that may wait to be written.
const QUEUE: usize = 64;
/// What a process that ends waits for its last lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct AccessLog {
    queue: SyncSender<Message>,
    format: Arc<AtomicU8>,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Message {
    Batch(Vec<Record>),
    /// All before it is written: say so.
    End(SyncSender<()>),
}

/// What one worker has gathered. It flushes what rests in it every now and then.
#[derive(Debug)]
pub(crate) struct WorkerLog {
    log: Arc<AccessLog>,
    batch: RefCell<Vec<Record>>,
}

/// Bytes of a request's target that a line shows.
const MAX_TARGET: usize = 4 * 1024;

/// What a line says. Copies of its own: to share what the request holds would keep a whole read buffer alive
/// for each record that waits.
#[derive(Debug)]
pub(crate) struct Record {
    /// Who connected, and who it is by the word of the proxies that are trusted.
    pub peer: SocketAddr,
    pub client: Option<IpAddr>,
    pub method: Method,
    pub target: Box<str>,
    pub version: Version,
    pub host: Option<Box<str>>,
    pub request_id: Option<Box<str>>,
    pub status: StatusCode,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub ended_at: SystemTime,
    pub duration: Duration,
    pub route: Option<Arc<str>>,
    pub upstream: Option<Arc<str>>,
    pub endpoint: Option<Arc<str>>,
    pub attempts: u32,
    pub reason: Option<Reason>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    client: String,
    method: &'a str,
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    protocol: &'static str,
    status: u16,
    bytes_received: u64,
    bytes_sent: u64,
    duration_ms: f64,
    route: Option<&'a str>,
    upstream: Option<&'a str>,
    endpoint: Option<&'a str>,
    attempts: u32,
    reason: Option<&'static str>,
    request_id: Option<&'a str>,
}

impl AccessLog {
    /// Starts the thread that writes to `output`.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let format = Arc::new(AtomicU8::new(encode(Format::Off)));
        let writer = Writer { messages, format: format.clone(), output: BufWriter::new(output) };
        std::thread::Builder::new().name("access-log".into()).spawn(move || writer.run())?;
        Ok(Self { queue, format, dropped: AtomicU64::new(0) })
    }

    pub(crate) fn set_format(&self, format: Format) {
        self.format.store(encode(format), Relaxed);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.format.load(Relaxed) != encode(Format::Off)
    }

    fn send(&self, batch: Vec<Record>) {
        let count = batch.len() as u64;
        if self.queue.try_send(Message::Batch(batch)).is_err() {
            self.dropped.fetch_add(count, Relaxed);
        }
    }

    /// Waits, not for long, until all that was handed over is written. Blocks.
    pub(crate) fn finish(&self) {
        let (end, ended) = sync_channel(1);
        if self.queue.try_send(Message::End(end)).is_ok() {
            // A reader that does not read must not keep the process from its end.
            let _in_time = ended.recv_timeout(LAST_WORDS);
        }
    }

    /// Records that the queue had no room for.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

impl WorkerLog {
    pub(crate) fn new(log: Arc<AccessLog>) -> Self {
        Self { log, batch: RefCell::default() }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.log.is_on()
    }

    pub(crate) fn write(&self, record: Record) {
        let mut batch = self.batch.borrow_mut();
        batch.push(record);
        if batch.len() >= BATCH {
            self.log.send(std::mem::replace(&mut *batch, Vec::with_capacity(BATCH)));
        }
    }

    /// Hands over what rests here.
    pub(crate) fn flush(&self) {
        let batch = self.batch.take();
        if !batch.is_empty() {
            self.log.send(batch);
        }
    }
}

impl Drop for WorkerLog {
    fn drop(&mut self) {
        self.flush();
    }
}

struct Writer<W: Write> {
    messages: Receiver<Message>,
    format: Arc<AtomicU8>,
    output: BufWriter<W>,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        while let Ok(message) = self.messages.recv() {
            match message {
                // Nobody reads standard output any more: the records are taken and let go.
                Message::Batch(batch) => drop(self.write_batch(&batch)),
                Message::End(end) => drop(end.try_send(())),
            }
        }
    }

    fn write_batch(&mut self, batch: &[Record]) -> io::Result<()> {
        for record in batch {
            if self.format.load(Relaxed) == encode(Format::Text) {
                write_text(&mut self.output, record)?;
            } else {
                write_json(&mut self.output, record)?;
            }
        }
        self.output.flush()
    }
}

fn write_json(output: &mut impl Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *output, &record.line())?;
    output.write_all(b"\n")
}

/// The common log format with what routes and attempts add.
fn write_text(output: &mut impl Write, record: &Record) -> io::Result<()> {
    let line = record.line();
    writeln!(
        output,
        "{} - [{}] \"{} {} {}\" {} {} {:.3}ms host={} route={} endpoint={} attempts={} reason={}",
        line.client,
        line.time,
        line.method,
        record.target,
        line.protocol,
        line.status,
        line.bytes_sent,
        line.duration_ms,
        line.host,
        line.route.unwrap_or("-"),
        line.endpoint.unwrap_or("-"),
        line.attempts,
        line.reason.unwrap_or("-"),
    )
}

impl Record {
    /// The target as a record keeps it.
    pub(crate) fn target_of(uri: &Uri) -> Box<str> {
        let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
        target.get(..MAX_TARGET).unwrap_or(target).into()
    }

    /// A header's value as a record keeps it.
    pub(crate) fn text_of(value: Option<&HeaderValue>) -> Option<Box<str>> {
        value.and_then(|value| value.to_str().ok()).map(Into::into)
    }

    fn line(&self) -> Line<'_> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*self.target, None),
        };
        Line {
            time: humantime::format_rfc3339_millis(self.ended_at).to_string(),
            client: match self.client {
                Some(client) => client.to_string(),
                None => self.peer.to_string(),
            },
            method: self.method.as_str(),
            host: self.host.as_deref().unwrap_or(""),
            path,
            query,
            protocol: if self.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
            status: self.status.as_u16(),
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent,
            duration_ms: self.duration.as_secs_f64() * 1_000.0,
            route: self.route.as_deref(),
            upstream: self.upstream.as_deref(),
            endpoint: self.endpoint.as_deref(),
            attempts: self.attempts,
            reason: self.reason.map(Reason::as_str),
            request_id: self.request_id.as_deref(),
        }
    }
}

fn encode(format: Format) -> u8 {
    match format {
        Format::Off => 0,
        Format::Json => 1,
        Format::Text => 2,
    }
}

#[cfg(test)]
mod tests;
