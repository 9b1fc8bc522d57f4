use super::*;

fn news(text: &str) -> News {
    News { kind: EventKind::Node, severity: Severity::Good, subject: "a".to_owned(), text: text.to_owned() }
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.news.text.as_str()).collect()
}

#[tokio::test]
async fn a_follower_gets_what_is_kept_and_then_what_comes() {
    let events = Events::default();
    ["a", "b", "c"].into_iter().for_each(|text| events.record(news(text)));
    let (kept, mut coming) = events.follow(2);
    assert_eq!(texts(&kept), ["b", "c"]);
    events.record(news("d"));
    let (next, missed) = coming.next().await.unwrap();
    assert_eq!((next.news.text.as_str(), next.id, missed), ("d", kept[1].id + 1, 0));
}

#[test]
fn no_more_are_kept_than_the_limit() {
    let events = Events::default();
    (0..KEPT + 5).for_each(|number| events.record(news(&number.to_string())));
    let (kept, _) = events.follow(usize::MAX);
    assert_eq!((kept.len(), kept[0].news.text.as_str()), (KEPT, "5"));
}

#[tokio::test]
async fn a_follower_that_is_too_slow_is_told_how_many_it_missed() {
    let events = Events::default();
    let (_, mut coming) = events.follow(0);
    (0..QUEUED + 7).for_each(|number| events.record(news(&number.to_string())));
    let (next, missed) = coming.next().await.unwrap();
    assert_eq!((next.id, missed), (7, 7));
    assert_eq!(coming.next().await.unwrap().1, 0);
}
