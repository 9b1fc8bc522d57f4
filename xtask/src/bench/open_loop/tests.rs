use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use super::{Options, parse_head, send};

#[test]
fn a_head_says_how_much_follows() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(parse_head(head).unwrap(), Some((5, head.len() - 5)));
    assert_eq!(parse_head(b"HTTP/1.1 200 OK\r\n").unwrap(), None);
    assert!(parse_head(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").is_err());
}

/// A server that rests 300 ms before its first answer: all that was due meanwhile is late by the rest of it, though
/// there is one connection only, which could not send.
#[test]
fn the_wait_for_a_free_connection_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let rest = Duration::from_millis(300);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut waited = false;
        while stream.read(&mut buffer).unwrap() > 0 {
            if !std::mem::replace(&mut waited, true) {
                let (_never, wait) = std::sync::mpsc::channel::<()>();
                let _timeout = wait.recv_timeout(rest);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    let answers = send(&Options { addr, rate: 100, seconds: 1, connections: 1 }).unwrap();
    server.join().unwrap();
    assert_eq!(answers.len(), 100);
    // Thirty were due while it rested; the tenth of them waited two thirds of it.
    let late = answers.iter().filter(|answered| answered.latency > rest / 2).count();
    assert!(late >= 10, "{late} were late");
}
