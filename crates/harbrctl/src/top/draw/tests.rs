use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use harbr_proto::document::UpstreamDocument;
use harbr_proto::v1;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::{draw, latency, page, rate, text_of, whole};
use crate::cli::Kind;
use crate::paint::Paint;
use crate::testing::check_golden;
use crate::top::column::Column;
use crate::top::row;
use crate::top::state::State;
use crate::top::testing::{look, row};

const AREA: Rect = Rect { x: 0, y: 0, width: 110, height: 12 };

fn load(rate: f64, errors: f64) -> v1::Load {
    let nanos = |nanos| Some(prost_types::Duration { seconds: 0, nanos });
    let (p50, p99) = (nanos(1_250_000), nanos(80_000_000));
    v1::Load { request_rate: rate, error_rate: errors, retry_rate: errors / 2.0, p50, p99, connections: 32 }
}

fn nodes() -> State {
    let node = |id: &str, state: v1::NodeState, rate| v1::Node {
        id: id.to_owned(),
        state: state.into(),
        serving_revision: 7,
        load: Some(load(rate, 0.0)),
        ..v1::Node::default()
    };
    let nodes = vec![
        node("proxy-1", v1::NodeState::Ready, 512.0),
        node("proxy-2", v1::NodeState::Draining, 2.5),
        v1::Node { load: None, ..node("proxy-3", v1::NodeState::Disconnected, 0.0) },
    ];
    state(Kind::Node, row::of_nodes(nodes))
}

fn routes() -> State {
    let route = |name: &str, load| v1::NamedLoad { name: name.to_owned(), load: Some(load) };
    let routes = vec![route("/api", load(800.0, 1.5)), route("shop.example/basket", load(0.5, 0.0))];
    state(Kind::Route, row::of_routes(routes))
}

fn upstreams() -> State {
    let endpoint = |url: &str, health: v1::Health| v1::EndpointStatus {
        url: url.to_owned(),
        health: health.into(),
        ..v1::EndpointStatus::default()
    };
    let upstream = |name: &str, healths: &[v1::Health]| {
        let upstream = v1::Upstream { name: name.to_owned(), ..v1::Upstream::default() };
        let endpoints = healths.iter().map(|health| endpoint("http://10.0.0.7/", *health)).collect();
        UpstreamDocument::from(v1::UpstreamStatus { upstream: Some(upstream), endpoints })
    };
    let all = [
        upstream("backend", &[v1::Health::Healthy, v1::Health::Unhealthy]),
        upstream("down", &[v1::Health::Unhealthy]),
    ];
    let busy = v1::NamedLoad { name: "backend".to_owned(), load: Some(load(800.0, 1.5)) };
    state(Kind::Upstream, row::of_upstreams(&all, vec![busy]))
}

fn state(view: Kind, rows: Vec<row::Row>) -> State {
    let mut state = State::new(view, Column::Rate, String::new());
    state.take(Ok(look(view, rows)));
    state.fit(page(AREA));
    state
}

fn drawn(state: &State, paint: Paint) -> Buffer {
    let mut buffer = Buffer::empty(AREA);
    draw(state, paint, AREA, &mut buffer);
    buffer
}

fn press(state: &mut State, keys: &str) {
    for key in keys.chars() {
        let key = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
        state.press(KeyEvent::from(key));
    }
}

#[test]
fn each_view_has_its_columns() {
    for (name, state) in [("nodes", nodes()), ("routes", routes()), ("upstreams", upstreams())] {
        check_golden(&format!("top_{name}.txt"), &text_of(&drawn(&state, Paint::Plain)));
    }
}

#[test]
fn a_question_takes_the_place_of_the_keys_and_a_filter_is_said() {
    let mut state = nodes();
    press(&mut state, "/proxy-1\nd");
    check_golden("top_question.txt", &text_of(&drawn(&state, Paint::Plain)));
}

#[test]
fn a_description_takes_the_place_of_the_rows() {
    let mut state = nodes();
    press(&mut state, "\n");
    let mut seen = look(Kind::Node, Vec::new());
    seen.description = Some("node:   proxy-1\nstate:  ready\n".to_owned());
    state.take(Ok(seen));
    check_golden("top_description.txt", &text_of(&drawn(&state, Paint::Plain)));
}

#[test]
fn all_rows_are_printed_without_keys() {
    check_golden("top_once.txt", &whole(&routes()));
}

#[test]
fn of_ten_thousand_routes_the_page_with_the_selection_is_drawn() {
    let rows = (0..10_000).map(|number| row(&format!("/r{number:05}"), 1.0)).collect();
    let mut state = state(Kind::Route, rows);
    press(&mut state, "G");
    let text = text_of(&drawn(&state, Paint::Plain));
    assert!(text.contains("/r09999") && !text.contains("/r00000"), "{text}");
    assert_eq!(whole(&state).lines().count(), 10_004);
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let colours = |paint| {
        let buffer = drawn(&nodes(), paint);
        buffer.content().iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert_eq!(colours(Paint::Plain), 0);
    assert!(colours(Paint::Color) > 0);
}

#[test]
fn any_size_can_be_drawn() {
    let mut described = nodes();
    press(&mut described, "\n");
    for state in [nodes(), routes(), upstreams(), described] {
        for (width, height) in [(0, 0), (1, 1), (3, 4), (10, 5), (80, 6), (400, 100)] {
            let area = Rect::new(0, 0, width, height);
            let mut buffer = Buffer::empty(area);
            draw(&state, Paint::Color, area, &mut buffer);
        }
    }
}

#[test]
fn numbers_have_three_digits() {
    let rates = [0.0, 0.004, 1.0, 9.99, 9.996, 99.94, 99.96, 12_345.6].map(rate);
    assert_eq!(rates, ["0", "0.00", "1.00", "9.99", "10.0", "99.9", "100", "12346"]);
    let micros = |micros| latency(Some(Duration::from_micros(micros)));
    assert_eq!(
        [870, 1_234, 12_345, 123_456, 1_234_567].map(micros),
        ["870µs", "1.23ms", "12.3ms", "123ms", "1.23s"]
    );
    assert_eq!(latency(None), "-");
}
