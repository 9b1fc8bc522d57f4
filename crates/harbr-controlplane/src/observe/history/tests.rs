use super::*;

fn note(history: &HealthHistory, age: Duration, health: Health) {
    history.note("http://a".to_owned(), Change { at: SystemTime::now() - age, health });
}

#[test]
fn the_last_change_before_the_window_stays_because_it_still_held() {
    let history = HealthHistory::default();
    note(&history, 3 * MEMORY, Health::Unknown);
    note(&history, 2 * MEMORY, Health::Healthy);
    note(&history, MEMORY / 2, Health::Unhealthy);
    let healths: Vec<_> = history.of("http://a").iter().map(|change| change.health).collect();
    assert_eq!(healths, [Health::Healthy, Health::Unhealthy]);
}

#[test]
fn an_endpoint_that_flaps_has_no_more_changes_than_the_limit() {
    let history = HealthHistory::default();
    (0..2 * MAX_CHANGES).for_each(|_| note(&history, Duration::ZERO, Health::Healthy));
    assert_eq!(history.of("http://a").len(), MAX_CHANGES);
}

#[test]
fn what_is_probed_no_more_is_forgotten() {
    let history = HealthHistory::default();
    note(&history, Duration::ZERO, Health::Healthy);
    history.keep_only(&HashSet::new());
    assert!(history.of("http://a").is_empty());
}
