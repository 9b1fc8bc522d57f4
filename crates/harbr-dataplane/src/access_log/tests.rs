use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

use harbr_model::AccessLog as Format;
use http::{Method, StatusCode, Version};

use super::{AccessLog, BATCH, QUEUE, Record, WorkerLog};
use crate::error::Reason;

fn record() -> Record {
    Record {
        peer: "127.0.0.1:5".parse().unwrap(),
        client: None,
        method: Method::GET,
        target: "/a%22?b=%22".into(),
        version: Version::HTTP_11,
        host: Some("a.test".into()),
        request_id: None,
        status: StatusCode::BAD_GATEWAY,
        bytes_received: 1,
        bytes_sent: 2,
        ended_at: SystemTime::UNIX_EPOCH,
        duration: Duration::from_micros(1_500),
        route: Some("/a".into()),
        upstream: None,
        endpoint: None,
        attempts: 3,
        reason: Some(Reason::Connect),
    }
}

/// Hands each write over, and waits until it is taken.
struct Pipe(Sender<Vec<u8>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.send(bytes.to_vec());
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log(format: Format) -> (WorkerLog, Receiver<Vec<u8>>) {
    let (pipe, written) = channel();
    let log = AccessLog::start(Pipe(pipe)).unwrap();
    log.set_format(format);
    (WorkerLog::new(log.into()), written)
}

#[test]
fn a_line_is_one_json_object() {
    let (log, written) = log(Format::Json);
    log.write(record());
    log.flush();
    let line: serde_json::Value = serde_json::from_slice(&written.recv().unwrap()).unwrap();
    assert_eq!(line["status"], 502);
    assert_eq!(line["time"], "1970-01-01T00:00:00.000Z");
    assert_eq!(line["query"], "b=%22");
    assert_eq!(line["reason"], "connect");
    assert_eq!(line["duration_ms"], 1.5);
}

#[test]
fn a_text_line_names_request_route_and_reason() {
    let (log, written) = log(Format::Text);
    log.write(record());
    log.flush();
    let line = String::from_utf8(written.recv().unwrap()).unwrap();
    assert!(line.contains("\"GET /a%22?b=%22 HTTP/1.1\" 502"), "{line}");
    assert!(line.contains("route=/a endpoint=- attempts=3 reason=connect"), "{line}");
}

#[test]
fn what_nobody_reads_is_counted_and_waited_for_by_nobody() {
    struct Stuck(Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _released = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, stuck) = channel();
    let log = Arc::new(AccessLog::start(Stuck(stuck)).unwrap());
    log.set_format(Format::Json);
    let worker = WorkerLog::new(log.clone());
    // Beyond the queue there is the batch that the writer has taken.
    for _ in 0..(QUEUE + 2) * BATCH {
        worker.write(record());
    }
    assert!(log.dropped() >= BATCH as u64);
    drop(release);
}
