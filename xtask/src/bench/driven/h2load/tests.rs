use super::{parse_log, parse_rate, parse_requests};

#[test]
fn counts_rates_and_times_are_read() {
    let text = "finished in 2.00s, 10045.50 req/s, 11.50MB/s\n\
        requests: 20100 total, 20164 started, 20100 done, 20098 succeeded, 1 failed, 1 errored, 0 timeout\n";
    assert_eq!(parse_requests(text), Some((20_098, 2)));
    assert_eq!(parse_rate(text).unwrap(), 10_045.5);
    assert_eq!(parse_log("1000\t200\t5340\n1001\t200\t812\n"), [5340.0, 812.0]);
    assert_eq!(parse_requests("nothing"), None);
}
