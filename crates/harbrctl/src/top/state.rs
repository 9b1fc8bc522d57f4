use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use harbr_proto::document::StatusDocument;

use super::column::Column;
use super::look::{Look, Order, Wanted};
use super::row::{Load, Row};
use crate::cli::Kind;

/// Longer than any name that is looked for.
const MAX_FILTER: usize = 256;

/// All that is shown, and what keys do to it.
#[derive(Debug)]
pub(crate) struct State {
    view: Kind,
    sort: Column,
    direction: Direction,
    filter: String,
    mode: Mode,
    status: Option<StatusDocument>,
    total: Load,
    /// All of the view, and those of them that are shown, in their order.
    rows: Vec<Row>,
    shown: Vec<usize>,
    /// By name, so that it stays on its row when others pass it.
    selected: Option<String>,
    /// How many rows there is room for.
    page: usize,
    /// Why the last look failed.
    trouble: Option<String>,
    /// What came of the last order.
    outcome: Option<Outcome>,
}

/// What keys are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    Rows,
    Filter,
    Describe { name: String, text: Option<String>, skipped: usize },
    Confirm(Order),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// As the column is of most use.
    Usual,
    Reversed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Waited(Order),
    Done(String),
    Failed(String),
}

/// What a key asks of the loop.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    None,
    /// At once: something else is shown.
    Look,
    Obey(Order),
    Quit,
}

impl State {
    pub(crate) fn new(view: Kind, sort: Column, filter: String) -> Self {
        Self {
            view,
            sort,
            direction: Direction::Usual,
            filter,
            mode: Mode::Rows,
            status: None,
            total: Load::default(),
            rows: Vec::new(),
            shown: Vec::new(),
            selected: None,
            page: 1,
            trouble: None,
            outcome: None,
        }
    }

    pub(crate) fn wanted(&self) -> Wanted {
        let described = match &self.mode {
            Mode::Describe { name, .. } => Some(name.clone()),
            Mode::Rows | Mode::Filter | Mode::Confirm(_) => None,
        };
        Wanted { view: self.view, described }
    }

    /// Takes in what was seen. What was seen before stays where a look fails.
    pub(crate) fn take(&mut self, seen: anyhow::Result<Look>) {
        let Look { status, total, view, rows, description } = match seen {
            Ok(look) => look,
            Err(error) => {
                self.trouble = Some(format!("{error:#}"));
                return;
            }
        };
        self.trouble = None;
        (self.status, self.total) = (Some(status), total);
        if view == self.view {
            self.rows = rows;
            self.arrange();
        }
        if let (Mode::Describe { text, .. }, Some(description)) = (&mut self.mode, description) {
            *text = Some(description);
        }
    }

    /// What came of an order.
    pub(crate) fn tell(&mut self, outcome: anyhow::Result<String>) {
        self.outcome = Some(match outcome {
            Ok(text) => Outcome::Done(text),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        });
    }

    /// How many rows there is room for.
    pub(crate) fn fit(&mut self, page: usize) {
        self.page = page.max(1);
    }

    pub(crate) fn press(&mut self, key: KeyEvent) -> Reaction {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Reaction::Quit;
        }
        match self.mode {
            Mode::Rows => self.press_in_rows(key.code),
            Mode::Filter => self.press_in_filter(key.code),
            Mode::Describe { .. } => self.press_in_description(key.code),
            Mode::Confirm(_) => self.press_in_question(key.code),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "there are more keys than we have uses for")]
    fn press_in_rows(&mut self, key: KeyCode) -> Reaction {
        // An order under way is waited for.
        if !matches!(self.outcome, Some(Outcome::Waited(_))) {
            self.outcome = None;
        }
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return Reaction::Quit,
            KeyCode::Tab | KeyCode::Right => return self.show(next(&VIEWS, self.view)),
            KeyCode::BackTab | KeyCode::Left => return self.show(next(&VIEWS, next(&VIEWS, self.view))),
            KeyCode::Char('1') => return self.show(Kind::Node),
            KeyCode::Char('2') => return self.show(Kind::Route),
            KeyCode::Char('3') => return self.show(Kind::Upstream),
            KeyCode::Char('s') => self.sort = next(Column::all(self.view), self.sort),
            KeyCode::Char('r') => {
                self.direction = match self.direction {
                    Direction::Usual => Direction::Reversed,
                    Direction::Reversed => Direction::Usual,
                }
            }
            KeyCode::Char('/') => self.mode = Mode::Filter,
            KeyCode::Up | KeyCode::Char('k') => self.select(self.position().saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.select(self.position() + 1),
            KeyCode::PageUp => self.select(self.position().saturating_sub(self.page)),
            KeyCode::PageDown => self.select(self.position() + self.page),
            KeyCode::Home | KeyCode::Char('g') => self.select(0),
            KeyCode::End | KeyCode::Char('G') => self.select(usize::MAX),
            KeyCode::Enter => return self.describe(),
            KeyCode::Char('d') => self.ask(Order::Drain),
            KeyCode::Char('u') => self.ask(Order::Undrain),
            _ => {}
        }
        self.arrange();
        Reaction::None
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "there are more keys than we have uses for")]
    fn press_in_filter(&mut self, key: KeyCode) -> Reaction {
        match key {
            KeyCode::Esc => {
                self.filter.clear();
                self.mode = Mode::Rows;
            }
            KeyCode::Enter => self.mode = Mode::Rows,
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(c) if self.filter.len() < MAX_FILTER => self.filter.push(c),
            _ => {}
        }
        self.arrange();
        Reaction::None
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "there are more keys than we have uses for")]
    fn press_in_description(&mut self, key: KeyCode) -> Reaction {
        let Mode::Describe { text, skipped, .. } = &mut self.mode else { return Reaction::None };
        let last = text.as_ref().map_or(0, |text| text.lines().count()).saturating_sub(1);
        match key {
            KeyCode::Char('q') => return Reaction::Quit,
            KeyCode::Esc | KeyCode::Enter => self.mode = Mode::Rows,
            KeyCode::Up | KeyCode::Char('k') => *skipped = skipped.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => *skipped = (*skipped + 1).min(last),
            KeyCode::PageUp => *skipped = skipped.saturating_sub(self.page),
            KeyCode::PageDown => *skipped = (*skipped + self.page).min(last),
            _ => {}
        }
        Reaction::None
    }

    fn press_in_question(&mut self, key: KeyCode) -> Reaction {
        let Mode::Confirm(order) = std::mem::replace(&mut self.mode, Mode::Rows) else {
            return Reaction::None;
        };
        if key == KeyCode::Char('y') {
            self.outcome = Some(Outcome::Waited(order.clone()));
            return Reaction::Obey(order);
        }
        self.outcome = Some(Outcome::Done("nothing is changed".to_owned()));
        Reaction::None
    }

    fn show(&mut self, view: Kind) -> Reaction {
        if view == self.view {
            return Reaction::None;
        }
        self.view = view;
        self.rows.clear();
        self.selected = None;
        if !Column::all(view).contains(&self.sort) {
            self.sort = Column::Rate;
        }
        self.arrange();
        Reaction::Look
    }

    fn describe(&mut self) -> Reaction {
        let Some(row) = self.selected() else { return Reaction::None };
        self.mode = Mode::Describe { name: row.name.clone(), text: None, skipped: 0 };
        Reaction::Look
    }

    /// Asks back before anything is done.
    fn ask(&mut self, order: fn(String) -> Order) {
        if matches!(self.outcome, Some(Outcome::Waited(_))) {
            return;
        }
        let name = self.selected().map(|row| row.name.clone());
        match (self.view, name) {
            (Kind::Node, Some(name)) => self.mode = Mode::Confirm(order(name)),
            (Kind::Node, None) => {}
            (Kind::Route | Kind::Upstream, _) => {
                let text = "only nodes are drained here; an endpoint: harbrctl drain endpoint URL";
                self.outcome = Some(Outcome::Failed(text.to_owned()));
            }
        }
    }

    /// Filters and sorts anew.
    fn arrange(&mut self) {
        let Self { rows, filter, sort, direction, .. } = self;
        let filter = filter.to_lowercase();
        let found = |index: &usize| filter.is_empty() || rows[*index].name.to_lowercase().contains(&filter);
        let mut shown: Vec<usize> = (0..rows.len()).filter(found).collect();
        shown.sort_by(|a, b| sort.compare(&rows[*a], &rows[*b]));
        if *direction == Direction::Reversed {
            shown.reverse();
        }
        self.shown = shown;
        self.selected = self.selected().map(|row| row.name.clone());
    }

    fn select(&mut self, position: usize) {
        let position = position.min(self.shown.len().saturating_sub(1));
        self.selected = self.shown.get(position).map(|index| self.rows[*index].name.clone());
    }

    /// Of the selected row among those that are shown; the first, if it is gone.
    pub(crate) fn position(&self) -> usize {
        let is_selected = |index: &usize| Some(&self.rows[*index].name) == self.selected.as_ref();
        self.shown.iter().position(is_selected).unwrap_or(0)
    }

    fn selected(&self) -> Option<&Row> {
        self.shown.get(self.position()).map(|index| &self.rows[*index])
    }
}

/// What is drawn.
impl State {
    pub(crate) fn view(&self) -> Kind {
        self.view
    }

    pub(crate) fn sort(&self) -> (Column, Direction) {
        (self.sort, self.direction)
    }

    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    pub(crate) fn mode(&self) -> &Mode {
        &self.mode
    }

    pub(crate) fn status(&self) -> Option<&StatusDocument> {
        self.status.as_ref()
    }

    pub(crate) fn total(&self) -> &Load {
        &self.total
    }

    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// How many rows are shown, and how many there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.shown.len(), self.rows.len())
    }

    /// Some of the rows that are shown, in their order.
    pub(crate) fn rows(&self, skip: usize, most: usize) -> impl Iterator<Item = &Row> {
        self.shown.iter().skip(skip).take(most).map(|index| &self.rows[*index])
    }
}

pub(crate) const VIEWS: [Kind; 3] = [Kind::Node, Kind::Route, Kind::Upstream];

fn next<T: Copy + PartialEq>(all: &[T], current: T) -> T {
    let position = all.iter().position(|one| *one == current).unwrap_or(0);
    all[(position + 1) % all.len()]
}

#[cfg(test)]
mod tests;
