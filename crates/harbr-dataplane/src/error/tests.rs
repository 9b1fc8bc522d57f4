use std::collections::HashSet;

use super::{Reason, RetryEnd};

const PAGE: &str = include_str!("../../../../docs/access_log.md");

/// The rows of the page's table of reasons: the reason's name and the flag beside it.
fn rows() -> HashSet<(String, String)> {
    let (_, table) = PAGE.split_once("| reason | flag |").expect("the page has the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|line| line.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].clone(), cells[2].clone())).collect()
}

#[test]
fn the_page_has_each_reason_with_its_flag() {
    let told =
        Reason::ALL.map(|reason| (reason.as_str().to_owned(), reason.flag().unwrap_or("–").to_owned()));
    let retries = [RetryEnd::Limit, RetryEnd::Budget].map(|end| ("–".to_owned(), end.flag().to_owned()));
    assert_eq!(rows(), told.into_iter().chain(retries).collect());
}

#[test]
fn each_reason_has_a_place_and_a_name_of_its_own() {
    let names: HashSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    for (place, reason) in Reason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, place, "{reason:?}");
    }
}
