use super::{Load, parse};

#[test]
fn counts_rates_and_failures_are_read() {
    let text = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  \
        20100 requests in 2.00s, 23.00MB read\n  Socket errors: connect 1, read 2, write 0, timeout 3\n  \
        Non-2xx or 3xx responses: 4\nRequests/sec:  10045.50\nTransfer/sec:     11.50MB\n";
    assert_eq!(parse(text), Some(Load { requests: 20_100, failed: 10, per_second: 10_045.5 }));
    assert_eq!(parse("unable to connect"), None);
}
