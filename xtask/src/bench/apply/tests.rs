use super::parse_stalls;

#[test]
fn turns_over_five_milliseconds_are_those_beyond_that_bucket() {
    let metrics = "# TYPE harbr_worker_stall_seconds histogram\n\
                   harbr_worker_stall_seconds_bucket{le=\"0.0005\"} 90\n\
                   harbr_worker_stall_seconds_bucket{le=\"0.005\"} 97\n\
                   harbr_worker_stall_seconds_bucket{le=\"+Inf\"} 100\n\
                   harbr_worker_stall_seconds_sum 0.1\n\
                   harbr_worker_stall_seconds_count 100\n";
    assert_eq!(parse_stalls(metrics), Some(3));
    assert_eq!(parse_stalls("harbr_worker_stall_seconds_count 100\n"), None);
}
