use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Mode, Outcome, Reaction, State};
use crate::cli::Kind;
use crate::top::column::Column;
use crate::top::look::{Order, Wanted};
use crate::top::testing::{look, row};

fn nodes() -> State {
    let mut state = State::new(Kind::Node, Column::Rate, String::new());
    state.take(Ok(look(Kind::Node, vec![row("a", 1.0), row("b", 3.0), row("c", 2.0)])));
    state.fit(2);
    state
}

fn press(state: &mut State, keys: &[KeyCode]) -> Reaction {
    keys.iter().map(|key| state.press(KeyEvent::from(*key))).last().unwrap()
}

fn type_in(state: &mut State, text: &str) -> Reaction {
    text.chars().map(|c| state.press(KeyEvent::from(KeyCode::Char(c)))).last().unwrap()
}

fn shown(state: &State) -> String {
    state.rows(0, usize::MAX).map(|row| row.name.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_busiest_is_first_until_another_column_or_direction_is_asked_for() {
    let mut state = nodes();
    assert_eq!(shown(&state), "b c a");
    type_in(&mut state, "r");
    assert_eq!(shown(&state), "a c b");
    // Round to the first column, where names rise.
    type_in(&mut state, "rssssss");
    assert_eq!((state.sort().0, shown(&state).as_str()), (Column::Name, "a b c"));
}

#[test]
fn the_selection_stays_on_its_row_when_others_pass_it() {
    let mut state = nodes();
    press(&mut state, &[KeyCode::Down]);
    assert_eq!(state.position(), 1);
    state.take(Ok(look(Kind::Node, vec![row("a", 1.0), row("b", 3.0), row("c", 9.0)])));
    assert_eq!((shown(&state).as_str(), state.position()), ("c b a", 0));
    state.take(Ok(look(Kind::Node, vec![row("a", 1.0), row("b", 3.0)])));
    assert_eq!(state.position(), 0);
}

#[test]
fn the_selection_ends_at_both_ends() {
    let mut state = nodes();
    press(&mut state, &[KeyCode::Up]);
    assert_eq!(state.position(), 0);
    press(&mut state, &[KeyCode::PageDown, KeyCode::PageDown]);
    assert_eq!(state.position(), 2);
    press(&mut state, &[KeyCode::Home, KeyCode::End]);
    assert_eq!(state.position(), 2);
}

#[test]
fn a_filter_narrows_what_is_shown_and_goes_with_escape() {
    let mut state = nodes();
    type_in(&mut state, "/Bq");
    press(&mut state, &[KeyCode::Backspace, KeyCode::Enter]);
    assert_eq!((shown(&state).as_str(), state.counts()), ("b", (1, 3)));
    type_in(&mut state, "/");
    press(&mut state, &[KeyCode::Esc]);
    assert_eq!(state.counts(), (3, 3));
}

#[test]
fn nothing_is_drained_without_a_yes() {
    let mut state = nodes();
    assert_eq!(type_in(&mut state, "d"), Reaction::None);
    assert_eq!(state.mode(), &Mode::Confirm(Order::Drain("b".to_owned())));
    assert_eq!(press(&mut state, &[KeyCode::Enter]), Reaction::None);
    assert_eq!(state.mode(), &Mode::Rows);

    assert_eq!(type_in(&mut state, "uy"), Reaction::Obey(Order::Undrain("b".to_owned())));
    // One at a time.
    type_in(&mut state, "d");
    assert_eq!(state.mode(), &Mode::Rows);
    state.tell(Err(anyhow::anyhow!("b is not drained")));
    assert_eq!(state.outcome(), Some(&Outcome::Failed("b is not drained".to_owned())));
}

#[test]
fn a_route_is_not_drained() {
    let mut state = State::new(Kind::Route, Column::Rate, String::new());
    state.take(Ok(look(Kind::Route, vec![row("/a", 1.0)])));
    type_in(&mut state, "d");
    assert!(matches!(state.outcome(), Some(Outcome::Failed(why)) if why.contains("drain endpoint")));
}

#[test]
fn another_view_is_looked_at_at_once_and_an_answer_that_is_late_is_no_answer() {
    let mut state = nodes();
    type_in(&mut state, "rs");
    assert_eq!(press(&mut state, &[KeyCode::Tab]), Reaction::Look);
    assert_eq!(state.wanted(), Wanted { view: Kind::Route, described: None });
    state.take(Ok(look(Kind::Node, vec![row("a", 1.0)])));
    assert_eq!(state.counts(), (0, 0));
    press(&mut state, &[KeyCode::BackTab]);
    assert_eq!(state.view(), Kind::Node);
}

#[test]
fn escape_leaves_a_description_first_and_q_all() {
    let mut state = nodes();
    assert_eq!(press(&mut state, &[KeyCode::Enter]), Reaction::Look);
    assert_eq!(state.wanted().described.as_deref(), Some("b"));
    assert_eq!(press(&mut state, &[KeyCode::Down, KeyCode::Esc]), Reaction::None);
    assert_eq!(press(&mut state, &[KeyCode::Esc]), Reaction::Quit);
    assert_eq!(type_in(&mut state, "q"), Reaction::Quit);
    type_in(&mut state, "/");
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(state.press(interrupt), Reaction::Quit);
}

#[test]
fn a_look_that_fails_leaves_what_was_seen() {
    let mut state = nodes();
    state.take(Err(anyhow::anyhow!("no controller")));
    assert_eq!((state.trouble(), state.counts()), (Some("no controller"), (3, 3)));
    state.take(Ok(look(Kind::Node, vec![row("a", 1.0)])));
    assert_eq!((state.trouble(), state.counts()), (None, (1, 1)));
}
