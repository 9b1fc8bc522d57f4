use super::{parse_baseline, parse_totals, read_baseline, show_baseline};
use crate::bench::workload;

#[test]
fn the_total_of_a_dump_is_read() {
    assert_eq!(parse_totals("events: Ir\n\nfn=(1) main\n1 2\n\ntotals: 281600000\n"), Some(281_600_000));
    assert_eq!(parse_totals("summary: 1"), None);
}

#[test]
fn the_baseline_is_read_as_it_is_written() {
    let text = show_baseline(&[("keep-alive".to_owned(), 21_000), ("up-64k".to_owned(), 90_000)].into());
    assert_eq!(parse_baseline(&text).unwrap()["up-64k"], 90_000);
    assert_eq!(show_baseline(&parse_baseline(&text).unwrap()), text);
}

#[test]
fn the_committed_baseline_is_of_workloads_that_exist() {
    for name in read_baseline().unwrap().keys() {
        assert!(workload::ids().any(|id| id == name), "{name}");
    }
}
