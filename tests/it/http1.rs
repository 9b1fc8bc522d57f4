//! HTTP/1.1 in bytes, from both sides: the cases of `harbr_tests::conformance`, each subject a test.

use std::collections::BTreeSet;

use harbr_tests::conformance::{Bench, Exactness, SUBJECTS, ScriptedOrigin, cases_of};
use harbr_tests::{Fleet, Shape};

use crate::file::File;

async fn holds(subject: &str) {
    let origin = ScriptedOrigin::start().await;
    let text = File::new().global_timeout_ms(5_000).route("/", &format!("upstream: \"{}\"", origin.url()));
    let fleet = Fleet::start(Shape::Split, &text.text()).await;
    let bench = Bench { proxy: fleet.addr(), origin: &origin, exactness: Exactness::Ours };
    let mut failed = Vec::new();
    for case in cases_of(subject) {
        if let Err(error) = bench.run(&case).await {
            failed.push(format!("{} ({}): {error}", case.name, case.rule));
        }
    }
    fleet.node().process.must_run();
    assert!(failed.is_empty(), "{} cases:\n  {}", failed.len(), failed.join("\n  "));
}

#[tokio::test]
async fn request_lines_hosts_and_connections() {
    holds("starts").await;
}

#[tokio::test]
async fn targets() {
    holds("targets").await;
}

#[tokio::test]
async fn header_lines() {
    holds("fields").await;
}

#[tokio::test]
async fn framing() {
    holds("framing").await;
}

#[tokio::test]
async fn chunks_trailers_and_bodies_that_break_off() {
    holds("bodies").await;
}

#[tokio::test]
async fn what_is_for_one_hop() {
    holds("hops").await;
}

#[tokio::test]
async fn broken_and_hostile_responses() {
    holds("responses").await;
}

#[tokio::test]
async fn no_answer_is_anothers() {
    holds("reuse").await;
}

#[test]
fn each_case_has_a_name_of_its_own_and_there_are_many() {
    let names_of = |subject| cases_of(subject).into_iter().map(move |case| (subject, case.name));
    let names: Vec<_> = SUBJECTS.into_iter().flat_map(names_of).collect();
    let mut distinct = BTreeSet::new();
    let twice: Vec<_> = names.iter().filter(|name| !distinct.insert(*name)).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(names.len() >= 150, "{}", names.len());
}
