use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

use harbr_model::{LogField, LogFormat as Format};
use http::{HeaderValue, Method, StatusCode, Version};

use super::{AccessLog, BATCH, QUEUE, Record, WorkerLog};
use crate::error::Reason;

/// The text of a line about a request for this target.
fn record(target: &str, use_it: impl FnOnce(&Record<'_>)) {
    use_it(&Record {
        peer: "[2001:db8::1]:5".parse().unwrap(),
        client: None,
        peer_ip: &HeaderValue::from_static("2001:db8::1"),
        method: &Method::GET,
        uri: &target.parse().unwrap(),
        version: Version::HTTP_11,
        host: Some(&HeaderValue::from_static("a.test")),
        request_id: None,
        status: StatusCode::BAD_GATEWAY,
        bytes_received: 0,
        bytes_sent: 1_234_567_890,
        ended_at: SystemTime::UNIX_EPOCH + Duration::from_micros(7_999),
        duration: Duration::from_micros(1_050),
        route: Some(&"/a \"b\" \\".into()),
        upstream: None,
        endpoint: None,
        attempts: 3,
        reason: Some(Reason::Connect),
    });
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

fn log(format: &Format) -> (WorkerLog, Receiver<Vec<u8>>) {
    let (pipe, written) = channel();
    let log = AccessLog::start(Pipe(pipe)).unwrap();
    log.set_format(format);
    (WorkerLog::new(log.into()), written)
}

#[test]
fn a_line_is_one_json_object() {
    let (log, written) = log(&Format::Json(LogField::ALL.to_vec()));
    record("/a%22?b=%22", |record| log.write(record));
    log.flush();
    let line: serde_json::Value = serde_json::from_slice(&written.recv().unwrap()).unwrap();
    assert_eq!(line["status"], 502);
    assert_eq!(line["time"], "1970-01-01T00:00:00.007Z");
    assert_eq!(line["client"], "[2001:db8::1]:5");
    assert_eq!((&line["path"], &line["query"]), (&"/a%22".into(), &"b=%22".into()));
    assert_eq!((&line["bytes_received"], &line["bytes_sent"]), (&0.into(), &1_234_567_890.into()));
    assert_eq!(line["route"], "/a \"b\" \\");
    assert!(line["endpoint"].is_null(), "{line}");
    assert_eq!(line["reason"], "connect");
    assert_eq!(line["duration_ms"], 1.05);
}

#[test]
fn a_text_line_names_request_route_and_reason() {
    let (log, written) = log(&Format::Text);
    record("/a%22?b=%22", |record| log.write(record));
    log.flush();
    let line = String::from_utf8(written.recv().unwrap()).unwrap();
    assert!(line.contains("\"GET /a%22?b=%22 HTTP/1.1\" 502"), "{line}");
    assert!(line.contains("route=/a \"b\" \\ endpoint=- attempts=3 reason=connect"), "{line}");
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
    log.set_format(&Format::Json(LogField::ALL.to_vec()));
    let worker = WorkerLog::new(log.clone());
    let target = format!("/{}", "x".repeat(4_000));
    // Beyond the queue there is the batch that the writer has taken.
    for _ in 0..(QUEUE + 2) * BATCH / 4_000 {
        record(&target, |record| worker.write(record));
    }
    assert!(log.dropped() > 0);
    drop(release);
}
