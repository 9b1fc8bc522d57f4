use super::*;

fn look(id: &str, state: NodeState, reason: Option<&str>) -> Look {
    Look {
        id: id.to_owned(),
        state,
        reason: reason.map(str::to_owned),
        revision: Some(7),
        build: "1.0".to_owned(),
    }
}

fn texts(news: Vec<News>) -> Vec<String> {
    news.into_iter().map(|news| news.text).collect()
}

#[test]
fn a_node_comes_changes_and_goes_and_each_is_told_once_with_its_reason() {
    let mut seen = SeenNodes::default();
    let told = texts(seen.look(vec![look("a", NodeState::Syncing, None)]));
    assert_eq!(told, ["a joined (build 1.0) and is syncing"]);
    let told = texts(seen.look(vec![look("a", NodeState::Ready, None)]));
    assert_eq!(told, ["a is ready with revision 7"]);
    assert!(seen.look(vec![look("a", NodeState::Ready, None)]).is_empty());
    let told = texts(seen.look(vec![look("a", NodeState::Draining, Some("by operator alice, new disk"))]));
    assert_eq!(told, ["a is draining: by operator alice, new disk"]);
    assert_eq!(texts(seen.look(Vec::new())), ["a has left"]);
}

#[test]
fn of_two_with_one_id_the_one_that_is_here_is_told_of_and_once() {
    let mut seen = SeenNodes::default();
    let both = || vec![look("a", NodeState::Disconnected, None), look("a", NodeState::Ready, None)];
    assert_eq!(seen.look(both()).len(), 1);
    assert!(seen.look(both()).is_empty());
    let twins = || vec![look("a", NodeState::Ready, None), look("a", NodeState::Syncing, None)];
    assert!(seen.look(twins()).is_empty());
}
