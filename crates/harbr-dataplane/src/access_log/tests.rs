use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

use harbr_model::{AccessLog as Settings, LogField, LogFormat, SampleShare};
use http::{HeaderValue, Method, StatusCode, Version};
use serde_json::{Value, json};

use super::{AccessLog, BATCH, Heard, Phases, QUEUE, Record, WorkerLog};
use crate::error::{Reason, RetryEnd};

/// A record of a request for this target.
fn record(target: &str, use_it: impl FnOnce(&Record<'_>)) {
    use_it(&Record {
        peer: "[2001:db8::1]:5".parse().unwrap(),
        client: None,
        peer_ip: &HeaderValue::from_static("2001:db8::1"),
        listener: &"public".into(),
        tls: Some("TLSv1.3"),
        heard: Some(Heard {
            method: &Method::GET,
            uri: &target.parse().unwrap(),
            version: Version::HTTP_11,
            host: Some(&HeaderValue::from_static("a.test")),
        }),
        status: StatusCode::BAD_GATEWAY,
        bytes_received: 0,
        bytes_sent: 1_234_567_890,
        ended_at: SystemTime::UNIX_EPOCH + Duration::from_micros(7_999),
        phases: Phases {
            head: Some(Duration::from_micros(2_999)),
            total: Duration::from_micros(1_050),
            connect: Duration::from_micros(20),
            response: Some(Duration::from_micros(1_001)),
        },
        route: Some(&"/a \"b\" \\".into()),
        upstream: None,
        endpoint: None,
        attempts: 3,
        reason: Some(Reason::Connect),
        retry_end: Some(RetryEnd::Limit),
        request_id: None,
        trace_id: None,
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

fn settings(format: LogFormat) -> Settings {
    Settings { format, ..Settings::default() }
}

fn log(settings: &Settings) -> (WorkerLog, Receiver<Vec<u8>>) {
    let (pipe, written) = channel();
    let log = AccessLog::start(Pipe(pipe)).unwrap();
    log.set(settings);
    (WorkerLog::new(log.into()), written)
}

fn line_of(settings: &Settings, target: &str) -> String {
    let (log, written) = log(settings);
    record(target, |record| log.write(record));
    log.flush();
    String::from_utf8(written.recv().unwrap()).unwrap()
}

#[test]
fn a_line_is_one_json_object_with_all_fields_in_their_order() {
    let line = line_of(&Settings::default(), "/a%22?b=%22");
    let expected = json!({
        "time": "1970-01-01T00:00:00.007Z",
        "client": "[2001:db8::1]:5",
        "listener": "public",
        "method": "GET",
        "host": "a.test",
        "path": "/a%22",
        "query": "b=%22",
        "protocol": "HTTP/1.1",
        "tls": "TLSv1.3",
        "status": 502,
        "bytes_received": 0,
        "bytes_sent": 1_234_567_890,
        "duration_ms": 1.05,
        "head_ms": 2,
        "connect_ms": 0.02,
        "response_ms": 1.001,
        "body_ms": 0.049,
        "route": "/a \"b\" \\",
        "upstream": null,
        "endpoint": null,
        "attempts": 3,
        "reason": "connect",
        "flags": "UF,URX",
        "request_id": null,
        "trace_id": null,
    });
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected, "{line}");
    let places: Vec<usize> =
        LogField::ALL.iter().map(|field| line.find(&format!("\"{}\":", field.as_str())).unwrap()).collect();
    assert!(places.is_sorted(), "{line}");
}

#[test]
fn any_fields_in_any_order_are_one_json_object() {
    use LogField::{Attempts, Client, Path, Reason as Why, Status, Time};
    for fields in
        [&[Time][..], &[Status], &[Client, Time], &[Attempts, Client, Status], &[Why, Path, Time, Attempts]]
    {
        let line = line_of(&settings(LogFormat::Json(fields.to_vec())), "/");
        let object: serde_json::Map<String, Value> = serde_json::from_str(&line).expect(&line);
        assert_eq!(object.len(), fields.len(), "{line}");
        assert!(fields.iter().all(|field| object.contains_key(field.as_str())), "{line}");
        assert!(
            line.starts_with(&format!("{{\"{}\":", fields[0].as_str())) && line.ends_with("}\n"),
            "{line}"
        );
    }
}

#[test]
fn a_text_line_names_request_route_and_reason() {
    let line = line_of(&settings(LogFormat::Text), "/a%22?b=%22");
    assert!(line.contains("\"GET /a%22?b=%22 HTTP/1.1\" 502"), "{line}");
    assert!(line.contains("route=/a \"b\" \\ endpoint=- attempts=3 reason=connect"), "{line}");
}

#[test]
fn of_what_went_well_a_share_is_written_and_all_that_did_not() {
    let none = SampleShare::per_million(0).unwrap();
    let (log, _written) = log(&Settings { sample: none, ..Settings::default() });
    assert!(log.takes(false) && !log.takes(true));
    let tenth = SampleShare::per_million(100_000).unwrap();
    log.log.set(&Settings { sample: tenth, ..Settings::default() });
    let taken = (0..10_000).filter(|_| log.takes(true)).count();
    assert!((700..1_300).contains(&taken), "{taken} of 10,000");
    log.log.set(&settings(LogFormat::Off));
    assert!(!log.takes(false));
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
    log.set(&Settings::default());
    let worker = WorkerLog::new(log.clone());
    let target = format!("/{}", "x".repeat(4_000));
    // Beyond the queue there is the batch that the writer has taken.
    for _ in 0..(QUEUE + 2) * BATCH / 4_000 {
        record(&target, |record| worker.write(record));
    }
    assert!(log.dropped() > 0);
    drop(release);
}
