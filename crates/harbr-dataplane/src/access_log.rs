//! One line for each request, on standard output. Workers write lines into a buffer of their own and hand it over
//! when it is full, or when it has waited for a moment; a thread writes it out. Workers never wait: the queue is
//! bounded, and lines that do not fit are counted.
//!
//! A line is made where the request ends, from what the request holds. To gather records for the writer to format
//! cost 7,000 instructions a request, most of them for copies that outlive the request; this is 1,200.

mod line;

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use harbr_model::LogFormat as Format;

pub(crate) use self::line::Record;
use self::line::TimeText;

/// Bytes that a worker gathers before it wakes the writer, which costs more than a line.
const BATCH: usize = 32 * 1024;
/// Batches that may wait to be written.
const QUEUE: usize = 64;
/// What a process that ends waits for its last lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct AccessLog {
    queue: SyncSender<Message>,
    format: AtomicU8,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Message {
    Batch(Vec<u8>),
    /// All before it is written: say so.
    End(SyncSender<()>),
}

/// What one worker has gathered. It flushes what rests in it every now and then.
#[derive(Debug)]
pub(crate) struct WorkerLog {
    log: Arc<AccessLog>,
    lines: RefCell<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    count: u64,
    time: TimeText,
}

impl AccessLog {
    /// Starts the thread that writes to `output`.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        std::thread::Builder::new().name("access-log".into()).spawn(move || write(&messages, output))?;
        Ok(Self { queue, format: AtomicU8::new(encode(&Format::Off)), dropped: AtomicU64::new(0) })
    }

    pub(crate) fn set_format(&self, format: &Format) {
        self.format.store(encode(format), Relaxed);
    }

    fn format(&self) -> Format {
        match self.format.load(Relaxed) {
            1 => Format::Json(Vec::new()),
            2 => Format::Text,
            _ => Format::Off,
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

    /// Lines that the queue had no room for.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

impl WorkerLog {
    pub(crate) fn new(log: Arc<AccessLog>) -> Self {
        Self { log, lines: RefCell::default() }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.log.format() != Format::Off
    }

    pub(crate) fn write(&self, record: &Record<'_>) {
        let Lines { text, count, time } = &mut *self.lines.borrow_mut();
        if text.capacity() == 0 {
            text.reserve_exact(BATCH);
        }
        match self.log.format() {
            Format::Json(_) => record.write_json(text, time),
            Format::Text => record.write_text(text, time),
            Format::Off => return,
        }
        *count += 1;
        if text.len() >= BATCH - line::USUAL {
            self.hand_over(std::mem::take(text), std::mem::take(count));
        }
    }

    /// Hands over what rests here.
    pub(crate) fn flush(&self) {
        let Lines { text, count, .. } = &mut *self.lines.borrow_mut();
        if !text.is_empty() {
            self.hand_over(std::mem::take(text), std::mem::take(count));
        }
    }

    fn hand_over(&self, text: Vec<u8>, count: u64) {
        if self.log.queue.try_send(Message::Batch(text)).is_err() {
            self.log.dropped.fetch_add(count, Relaxed);
        }
    }
}

impl Drop for WorkerLog {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write(messages: &Receiver<Message>, mut output: impl Write) {
    while let Ok(message) = messages.recv() {
        match message {
            // Nobody reads standard output any more: lines are taken and let go.
            Message::Batch(text) => drop(output.write_all(&text).and_then(|()| output.flush())),
            Message::End(end) => drop(end.try_send(())),
        }
    }
}

fn encode(format: &Format) -> u8 {
    match format {
        Format::Off => 0,
        Format::Json(_) => 1,
        Format::Text => 2,
    }
}

#[cfg(test)]
mod tests;
