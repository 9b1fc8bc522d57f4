use super::{Load, micros, parse};

#[test]
fn counts_rates_times_and_failures_are_read() {
    let text = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  \
        Latency Distribution\n     50%    5.34ms\n     75%    5.60ms\n     90%    6.01ms\n     99%    1.02s\n  \
        20100 requests in 2.00s, 23.00MB read\n  Socket errors: connect 1, read 2, write 0, timeout 3\n  \
        Non-2xx or 3xx responses: 4\nRequests/sec:  10045.50\nTransfer/sec:     11.50MB\n";
    let load = Load { requests: 20_100, failed: 10, per_second: 10_045.5, p50: 5_340.0, p99: 1_020_000.0 };
    assert_eq!(parse(text), Some(load));
    assert_eq!(parse("unable to connect"), None);
}

#[test]
fn times_have_units() {
    assert_eq!(micros("812.00us"), Some(812.0));
    assert_eq!(micros("812.00"), None);
}
