use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Cell, Paragraph, Row as TableRow, Table, Widget as _};

use super::column::Column;
use super::look::Order;
use super::row::{Load, Row, Tone};
use super::state::{Direction, Mode, Outcome, State, VIEWS};
use crate::cli::Kind;
use crate::paint::Paint;

/// Above the rows: the fleet, its traffic, the views, the titles.
const HEAD: u16 = 4;
/// Below them: what keys do, or what came of them.
const FOOT: u16 = 1;
/// Of a column of numbers.
const NUMBER: u16 = 11;
const KEYS: &str =
    "tab view  ↑↓ select  s sort  r reverse  / filter  enter describe  d drain  u undrain  q quit";
/// Of the whole, where no terminal says how wide it is: names longer than this are cut there too.
const WHOLE_WIDTH: u16 = 160;

/// How many rows an area has room for.
pub(crate) fn page(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(HEAD + FOOT))
}

/// A state as a screen shows it.
pub(crate) fn draw(state: &State, paint: Paint, area: Rect, buffer: &mut Buffer) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(HEAD - 1), Constraint::Fill(1), Constraint::Length(FOOT)])
            .areas(area);
    self::head(state, paint).render(head, buffer);
    match state.mode() {
        Mode::Describe { name, text, skipped } => {
            let text: Vec<Line<'_>> =
                text.as_deref().unwrap_or("…").lines().skip(*skipped).map(Line::from).collect();
            Paragraph::new(text).block(Block::bordered().title(name.as_str())).render(body, buffer);
        }
        Mode::Rows | Mode::Filter | Mode::Confirm(_) => {
            let room = page(area).max(1);
            // By pages, so that rows do not move under a reader's eyes at each key.
            let skip = state.position() / room * room;
            let selected = Some(state.position() - skip);
            table(state, paint, state.rows(skip, room), selected).render(body, buffer);
        }
    }
    self::foot(state, paint).render(foot, buffer);
}

/// All rows of a state as plain text, without what keys do.
pub(crate) fn whole(state: &State) -> String {
    let (shown, _) = state.counts();
    let height = u16::try_from(shown).unwrap_or(u16::MAX).saturating_add(HEAD);
    let mut buffer = Buffer::empty(Rect::new(0, 0, WHOLE_WIDTH, height));
    let [head, body] =
        Layout::vertical([Constraint::Length(HEAD - 1), Constraint::Fill(1)]).areas(buffer.area);
    self::head(state, Paint::Plain).render(head, &mut buffer);
    table(state, Paint::Plain, state.rows(0, shown), None).render(body, &mut buffer);
    text_of(&buffer)
}

pub(crate) fn text_of(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let line = |cells: &[ratatui::buffer::Cell]| {
        let line: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned() + "\n"
    };
    buffer.content().chunks(width).map(line).collect()
}

fn head(state: &State, paint: Paint) -> Paragraph<'_> {
    Paragraph::new(vec![fleet(state, paint), traffic(state.total(), paint), views(state)])
}

/// `revision 7, proven   3 of 3 nodes are ready`
fn fleet(state: &State, paint: Paint) -> Line<'_> {
    let Some(status) = state.status() else { return Line::from("…") };
    let nodes = &status.nodes;
    let fate = match &status.rollout {
        Some(rollout) => Span::styled(rollout.state.to_owned(), tone(Tone::Uncertain, paint)),
        None if status.proven_revision == status.revision => Span::styled("proven", tone(Tone::Good, paint)),
        None => Span::from("not proven"),
    };
    let readiness = if nodes.ready == nodes.total { Tone::Good } else { Tone::Uncertain };
    let ready = format!("{} of {} nodes are ready", nodes.ready, nodes.total);
    let mut spans = vec![
        Span::from(format!("revision {}, ", status.revision)),
        fate,
        Span::from("   "),
        Span::styled(ready, tone(readiness, paint)),
    ];
    if status.config_error.is_some() {
        spans.push(Span::styled("   the file is rejected", tone(Tone::Bad, paint)));
    }
    Line::from(spans)
}

fn traffic(load: &Load, paint: Paint) -> Line<'static> {
    let Load { requests, errors, retries, p50, p99, connections } = load;
    let errors_tone = if *errors > 0.0 { Tone::Bad } else { Tone::Plain };
    Line::from(vec![
        Span::from(format!("{} requests/s   ", rate(*requests))),
        Span::styled(format!("{} errors/s", rate(*errors)), tone(errors_tone, paint)),
        Span::from(format!(
            "   {} retries/s   p50 {}   p99 {}   {connections} connections",
            rate(*retries),
            latency(*p50),
            latency(*p99)
        )),
    ])
}

fn views(state: &State) -> Line<'_> {
    let mut spans = Vec::new();
    for (number, view) in VIEWS.iter().enumerate() {
        let name = match view {
            Kind::Node => "nodes",
            Kind::Route => "routes",
            Kind::Upstream => "upstreams",
        };
        let text = format!(" {} {name} ", number + 1);
        if *view == state.view() {
            spans.push(Span::styled(text, Modifier::REVERSED));
        } else {
            spans.push(Span::from(text));
        }
    }
    let (shown, all) = state.counts();
    let count = if shown == all { format!("   {all}") } else { format!("   {shown} of {all}") };
    spans.push(Span::from(count));
    let cursor = if *state.mode() == Mode::Filter { "█" } else { "" };
    if !state.filter().is_empty() || !cursor.is_empty() {
        spans.push(Span::from(format!("   filter: {}{cursor}", state.filter())));
    }
    Line::from(spans)
}

fn table<'a>(
    state: &State,
    paint: Paint,
    rows: impl Iterator<Item = &'a Row>,
    selected: Option<usize>,
) -> Table<'a> {
    let view = state.view();
    let facts: &[&str] = match view {
        Kind::Node => &["STATE", "REVISION"],
        Kind::Route => &[],
        Kind::Upstream => &["HEALTHY"],
    };
    let (columns, sort) = (Column::all(view), state.sort());
    let numbers = &columns[1..];
    let titles =
        numbers.iter().map(|column| Cell::from(Text::from(title(*column, view, sort)).right_aligned()));
    let header = std::iter::once(Cell::from(title(Column::Name, view, sort)))
        .chain(facts.iter().map(|title| Cell::from(*title)))
        .chain(titles);
    let widths = std::iter::once(Constraint::Fill(1))
        .chain(facts.iter().map(|title| Constraint::Length(if *title == "STATE" { 12 } else { 8 })))
        .chain(numbers.iter().map(|_| Constraint::Length(NUMBER)));
    let rows = rows.enumerate().map(|(index, row)| {
        let facts =
            row.facts.iter().map(|fact| Cell::from(Span::styled(fact.text.as_str(), tone(fact.tone, paint))));
        let numbers = numbers.iter().map(|column| number(*column, &row.load, paint));
        let cells = std::iter::once(Cell::from(row.name.as_str())).chain(facts).chain(numbers);
        let style = if Some(index) == selected { Modifier::REVERSED.into() } else { Style::new() };
        TableRow::new(cells).style(style)
    });
    Table::new(rows, widths).header(TableRow::new(header).style(Modifier::BOLD)).column_spacing(1)
}

/// `ERRORS/S▼`
fn title(column: Column, view: Kind, (sort, direction): (Column, Direction)) -> String {
    let falls = (column != Column::Name) == (direction == Direction::Usual);
    let mark = match (column == sort, falls) {
        (false, _) => "",
        (true, true) => "▼",
        (true, false) => "▲",
    };
    format!("{}{mark}", column.title(view))
}

fn number(column: Column, load: &Load, paint: Paint) -> Cell<'static> {
    let (text, shade) = match column {
        Column::Name => (String::new(), Tone::Plain),
        Column::Rate => (rate(load.requests), Tone::Plain),
        Column::Errors if load.errors > 0.0 => (rate(load.errors), Tone::Bad),
        Column::Errors => (rate(load.errors), Tone::Plain),
        Column::P50 => (latency(load.p50), Tone::Plain),
        Column::P99 => (latency(load.p99), Tone::Plain),
        Column::Retries if load.retries > 0.0 => (rate(load.retries), Tone::Uncertain),
        Column::Retries => (rate(load.retries), Tone::Plain),
        Column::Connections => (load.connections.to_string(), Tone::Plain),
    };
    Cell::from(Text::styled(text, tone(shade, paint)).right_aligned())
}

fn foot(state: &State, paint: Paint) -> Line<'_> {
    if let Mode::Confirm(order) = state.mode() {
        let question = match order {
            Order::Drain(node) => format!("Drain {node}? Its connections end within 30 s. y/n"),
            Order::Undrain(node) => format!("Let {node} serve again? y/n"),
        };
        return Line::styled(question, tone(Tone::Uncertain, paint).add_modifier(Modifier::BOLD));
    }
    match state.outcome() {
        Some(Outcome::Waited(Order::Drain(node))) => return Line::from(format!("{node} is being drained…")),
        Some(Outcome::Waited(Order::Undrain(node))) => return Line::from(format!("{node} is let in again…")),
        Some(Outcome::Done(text)) => return Line::styled(text.as_str(), tone(Tone::Good, paint)),
        Some(Outcome::Failed(text)) => return Line::styled(text.as_str(), tone(Tone::Bad, paint)),
        None => {}
    }
    if let Some(trouble) = state.trouble() {
        return Line::styled(trouble, tone(Tone::Bad, paint));
    }
    Line::from(match state.mode() {
        Mode::Filter => "type to filter   enter keep   esc clear",
        Mode::Describe { .. } => "↑↓ scroll   esc back   q quit",
        Mode::Rows | Mode::Confirm(_) => KEYS,
    })
}

/// Three digits are enough to compare.
fn rate(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        _ if rate < 9.995 => format!("{rate:.2}"),
        _ if rate < 99.95 => format!("{rate:.1}"),
        _ => format!("{rate:.0}"),
    }
}

fn latency(latency: Option<Duration>) -> String {
    let Some(latency) = latency else { return "-".to_owned() };
    let millis = latency.as_secs_f64() * 1e3;
    match latency.as_micros() {
        micros if micros < 1_000 => format!("{micros}µs"),
        micros if micros < 10_000 => format!("{millis:.2}ms"),
        micros if micros < 100_000 => format!("{millis:.1}ms"),
        micros if micros < 1_000_000 => format!("{millis:.0}ms"),
        _ => format!("{:.2}s", latency.as_secs_f64()),
    }
}

fn tone(tone: Tone, paint: Paint) -> Style {
    match (paint, tone) {
        (Paint::Plain, _) | (Paint::Color, Tone::Plain) => Style::new(),
        (Paint::Color, Tone::Good) => Style::new().fg(Color::Green),
        (Paint::Color, Tone::Uncertain) => Style::new().fg(Color::Yellow),
        (Paint::Color, Tone::Bad) => Style::new().fg(Color::Red),
    }
}

#[cfg(test)]
mod tests;
