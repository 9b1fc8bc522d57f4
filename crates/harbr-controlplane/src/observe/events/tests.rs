use super::*;

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.text.as_str()).collect()
}

#[tokio::test]
async fn a_follower_gets_what_is_kept_and_then_what_comes() {
    let events = Events::default();
    for text in ["a", "b", "c"] {
        events.record(EventKind::Node, Severity::Good, text.to_owned());
    }
    let (kept, mut coming) = events.follow(2);
    assert_eq!(texts(&kept), ["b", "c"]);
    events.record(EventKind::Health, Severity::Bad, "d".to_owned());
    let next = coming.recv().await.unwrap();
    assert_eq!((next.text.as_str(), next.id), ("d", kept[1].id + 1));
}

#[test]
fn no_more_are_kept_than_the_limit() {
    let events = Events::default();
    (0..KEPT + 5).for_each(|number| events.record(EventKind::Node, Severity::Good, number.to_string()));
    let (kept, _) = events.follow(usize::MAX);
    assert_eq!((kept.len(), kept[0].text.as_str()), (KEPT, "5"));
}
