//! One line for each request, on standard output. Workers write lines into a buffer of their own and hand it over
//! when it is full, or when it has waited for a moment; a thread writes it out. Workers never wait: the queue is
//! bounded, and lines that do not fit are counted.
//!
//! A line is made where the request ends, from what the request holds. To gather records for the writer to format cost
//! several times as much, most of it for copies that outlive the request.

mod layout;
mod line;

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use arc_swap::{ArcSwap, Cache};
use harbr_model::{AccessLog as Settings, LogFormat, SampleShare};

use self::layout::Layout;
use self::line::TimeText;
pub(crate) use self::line::{Heard, Phases, Record};

/// Bytes that a worker gathers before it wakes the writer, which costs more than a line.
const BATCH: usize = 32 * 1024;
/// Batches that may wait to be written.
const QUEUE: usize = 64;
/// What a process that ends waits for its last lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct AccessLog {
    queue: SyncSender<Message>,
    policy: Arc<ArcSwap<Policy>>,
    dropped: AtomicU64,
}

/// What is written of which requests.
#[derive(Debug)]
struct Policy {
    layout: Layout,
    sample: SampleShare,
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

#[derive(Debug)]
struct Lines {
    policy: Cache<Arc<ArcSwap<Policy>>, Arc<Policy>>,
    text: Vec<u8>,
    count: u64,
    time: TimeText,
}

impl AccessLog {
    /// Starts the thread that writes to `output`.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        std::thread::Builder::new().name("access-log".into()).spawn(move || write(&messages, output))?;
        let policy = Policy { layout: Layout::of(&LogFormat::Off), sample: SampleShare::ALL };
        Ok(Self { queue, policy: Arc::new(ArcSwap::from_pointee(policy)), dropped: AtomicU64::new(0) })
    }

    pub(crate) fn set(&self, Settings { format, sample }: &Settings) {
        self.policy.store(Arc::new(Policy { layout: Layout::of(format), sample: *sample }));
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

impl Policy {
    fn takes(&self, went_well: bool) -> bool {
        match (&self.layout, went_well) {
            (Layout::Off, _) => false,
            (_, true) if self.sample != SampleShare::ALL => self.sample.takes(fastrand::u32(..)),
            (Layout::Json { .. } | Layout::Text, _) => true,
        }
    }
}

impl WorkerLog {
    pub(crate) fn new(log: Arc<AccessLog>) -> Self {
        let policy = Cache::new(log.policy.clone());
        let lines = Lines { policy, text: Vec::new(), count: 0, time: TimeText::default() };
        Self { log, lines: RefCell::new(lines) }
    }

    /// Whether a request that ended so is written. Asked once for each: the answer may be drawn.
    pub(crate) fn takes(&self, went_well: bool) -> bool {
        self.lines.borrow_mut().policy.load().takes(went_well)
    }

    pub(crate) fn write(&self, record: &Record<'_>) {
        let Lines { policy, text, count, time } = &mut *self.lines.borrow_mut();
        if text.capacity() == 0 {
            text.reserve_exact(BATCH);
        }
        match &policy.load().layout {
            Layout::Json { fields, end } => record.write_json(text, time, (fields, end)),
            Layout::Text => record.write_text(text, time),
            Layout::Off => return,
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

#[cfg(test)]
mod tests;
