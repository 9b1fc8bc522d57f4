use super::TestResults;

fn sum(lines: &[&str]) -> String {
    let mut results = TestResults::default();
    lines.iter().for_each(|line| results.add_line(line));
    results.to_string()
}

#[test]
fn the_result_lines_are_summed() {
    let lines = [
        "running 4 tests",
        "test a ... ok",
        "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
        "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 12.50s",
    ];
    assert_eq!(sum(&lines), "13 passed, 2 failed, 1 skipped");
}

#[test]
fn a_failure_without_a_result_shows() {
    let mut results = TestResults::default();
    results.note_failure();
    assert_eq!(results.to_string(), "0 passed, 1 failed, 0 skipped");
    results.add_line("test result: FAILED. 0 passed; 2 failed; 0 ignored");
    results.note_failure();
    assert_eq!(results.to_string(), "0 passed, 3 failed, 0 skipped");
}
