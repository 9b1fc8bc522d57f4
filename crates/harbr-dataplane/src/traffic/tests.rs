use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use harbr_proto::v1;
use http::StatusCode;

use super::{FailureClass, MAX_ROUTES, TrafficLedger};
use crate::access_log::AccessLog;
use crate::error::Reason;
use crate::live::{LiveRoute, LiveTable, Soil};
use crate::shared::Shared;
use crate::stats::MAX_ROUTE_SERIES;
use crate::testing::{build, route, upstream};
use crate::tls;
use crate::trace::Spans;

/// A node's shared part, its ledger, and its tables in turn.
struct Serving {
    shared: Arc<Shared>,
    ledger: TrafficLedger,
}

impl Serving {
    fn new() -> Self {
        let access_log = AccessLog::start(std::io::sink()).unwrap();
        let shared =
            Arc::new(Shared::new(2, (access_log, Spans::new().0), tls::default_client_config().unwrap()));
        Self { shared, ledger: TrafficLedger::default() }
    }

    /// Serves these routes, each with its retries.
    fn serve(&mut self, routes: &[(&str, u32)]) -> Arc<LiveTable> {
        let soil = Soil { workers: 2, series: self.shared.series.clone() };
        let routes = routes.iter().map(|(path, retries)| route(path, "u", *retries)).collect();
        let before = self.shared.table.load_full();
        let table = Arc::new(build(&before, &soil, vec![upstream("u", &[(1, 1)], "/h")], routes));
        self.ledger.begin(&self.shared, &table);
        self.shared.table.store(table.clone());
        table
    }

    fn report(&mut self) -> (v1::Counts, BTreeMap<String, v1::Counts>) {
        let v1::Traffic { total, routes } = self.ledger.report(&self.shared);
        let routes = routes.into_iter().map(|route| (route.route, route.counts.unwrap()));
        (total.unwrap(), routes.collect())
    }
}

fn answer(route: &LiveRoute, worker: usize, failure: Option<FailureClass>) {
    route.cells(worker).1.record(failure, Duration::from_millis(5));
}

#[test]
fn a_report_has_the_routes_with_news_and_the_sum_of_all() {
    let mut serving = Serving::new();
    let table = serving.serve(&[("/a", 0), ("/b", 0)]);
    answer(&table.by_name["/a"], 0, None);
    answer(&table.by_name["/a"], 1, Some(FailureClass::Upstream5xx));
    table.by_name["/a"].cells(1).1.record_retry();
    serving.shared.cells.of(0).unrouted.record(Some(FailureClass::Own), Duration::ZERO);
    let (total, routes) = serving.report();
    assert_eq!((total.requests, total.upstream_5xx, total.own_errors, total.timeouts), (3, 1, 1, 0));
    assert_eq!(routes.keys().collect::<Vec<_>>(), ["/a"]);
    assert_eq!((routes["/a"].requests, routes["/a"].upstream_5xx, routes["/a"].retries), (2, 1, 1));
    assert_eq!(routes["/a"].latency.as_ref().unwrap().counts, [2]);

    answer(&table.by_name["/b"], 0, Some(FailureClass::Timeout));
    let (total, routes) = serving.report();
    assert_eq!((total.requests, total.timeouts), (4, 1));
    assert_eq!(routes.keys().collect::<Vec<_>>(), ["/b"]);
    assert!(serving.report().1.is_empty());

    // Another session, another listener: it is told all.
    serving.ledger.begin_session();
    assert_eq!(serving.report().1.len(), 2);
}

#[test]
fn with_a_change_counts_rise_from_0_and_what_began_before_does_not_count_where_it_touched() {
    let mut serving = Serving::new();
    let before = serving.serve(&[("/a", 0), ("/b", 0)]);
    answer(&before.by_name["/a"], 0, None);
    answer(&before.by_name["/b"], 0, None);
    let after = serving.serve(&[("/a", 0), ("/b", 1)]);
    let (total, routes) = serving.report();
    assert_eq!((total.requests, routes.len()), (0, 0));

    // Both began under the table before.
    answer(&before.by_name["/a"], 1, None);
    answer(&before.by_name["/b"], 1, Some(FailureClass::Own));
    answer(&after.by_name["/b"], 0, None);
    let (total, routes) = serving.report();
    assert_eq!((total.requests, total.own_errors), (2, 0));
    assert_eq!((routes["/a"].requests, routes["/b"].requests), (1, 1));
}

#[test]
fn routes_beyond_one_report_are_in_the_next_ones() {
    let mut serving = Serving::new();
    let names: Vec<String> = (0..MAX_ROUTES + 10).map(|index| format!("/{index:04}")).collect();
    let routes: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let table = serving.serve(&routes);
    let all = || table.by_name.values().for_each(|route| answer(route, 0, None));
    all();
    let (total, first) = serving.report();
    assert_eq!((total.requests, first.len()), (names.len() as u64, MAX_ROUTES));
    // Those that waited come first, though all have news again.
    all();
    let second = serving.report().1;
    assert_eq!(second.len(), MAX_ROUTES);
    assert!(names.iter().all(|name| first.contains_key(name) || second.contains_key(name)));
}

#[test]
fn routes_without_counts_of_their_own_are_reported_together() {
    let mut serving = Serving::new();
    let names: Vec<String> = (0..=MAX_ROUTE_SERIES).map(|index| format!("/{index:04}")).collect();
    let routes: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let table = serving.serve(&routes);
    table.by_name.values().for_each(|route| answer(route, 0, None));
    let reports: Vec<_> = std::iter::repeat_with(|| serving.report()).take(4).collect();
    assert!(reports.iter().all(|(total, _)| total.requests == names.len() as u64));
    let others: Vec<_> = reports.iter().filter_map(|(_, routes)| routes.get("_other")).collect();
    assert_eq!(others.iter().map(|counts| counts.requests).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_failure_is_of_one_class_and_what_the_client_did_is_of_none() {
    let class = |status: u16, reason| FailureClass::of(StatusCode::from_u16(status).unwrap(), reason);
    assert_eq!(class(200, None), None);
    assert_eq!(class(404, None), None);
    assert_eq!(class(502, None), Some(FailureClass::Upstream5xx));
    assert_eq!(class(502, Some(Reason::Connect)), Some(FailureClass::Own));
    assert_eq!(class(404, Some(Reason::NoRoute)), Some(FailureClass::Own));
    assert_eq!(class(504, Some(Reason::Timeout)), Some(FailureClass::Timeout));
    assert_eq!(class(200, Some(Reason::ResponseStalled)), Some(FailureClass::Timeout));
    assert_eq!(class(200, Some(Reason::ClientGone)), None);
    assert_eq!(class(413, Some(Reason::BodyTooLarge)), None);
}
