//! A screen as a picture: SVG with its text as text, so that it is small, sharp, and says in a diff what changed.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// Of a cell, in pixels.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const MARGIN: f32 = 14.0;
/// The bar with the command above the screen.
const BAR: f32 = 30.0;
const PAPER: &str = "#1d1f21";
const INK: &str = "#d6d8d6";
/// The eight colours that terminals have, then the same brighter.
const COLOURS: [&str; 16] = [
    "#3a3d41", "#e0645c", "#8fbf6a", "#e3b75a", "#6fa3d8", "#b48ac6", "#6fbfb8", "#d6d8d6", "#7d8187",
    "#f2837b", "#a8d984", "#f5cf78", "#8dbdee", "#cba5dc", "#8bd9d2", "#ffffff",
];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    ink: &'static str,
    paper: Option<&'static str>,
    bold: bool,
}

/// What `command` shows, without the empty lines at the end.
pub(super) fn svg(screen: &Screen, command: &str) -> String {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let is_empty = |row: &u16| (0..columns).all(|column| screen.cell(*row, column).is_none_or(is_blank));
    let shown = (0..rows).rev().find(|row| !is_empty(row)).map_or(1, |last| last + 1);
    let width = f32::from(columns) * WIDTH + 2.0 * MARGIN;
    let height = f32::from(shown) * HEIGHT + BAR + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"ui-monospace, \
         'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n<title>{command}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>\n\
         <text x=\"{MARGIN}\" y=\"{:.1}\" fill=\"{}\">$ {command}</text>\n",
        BAR - 8.0,
        COLOURS[8],
        command = escaped(command),
    );
    for row in 0..shown {
        line(screen, row, columns, &mut svg);
    }
    svg + "</svg>\n"
}

/// Cells that look alike are one element.
fn line(screen: &Screen, row: u16, columns: u16, svg: &mut String) {
    let y = BAR + MARGIN + f32::from(row) * HEIGHT;
    let mut column = 0;
    while column < columns {
        let begin = column;
        let Some(look) = screen.cell(row, begin).map(Look::of) else { break };
        let mut text = String::new();
        while let Some(cell) = screen.cell(row, column).filter(|cell| Look::of(cell) == look) {
            text.push_str(if cell.has_contents() { cell.contents() } else { " " });
            column += 1;
        }
        let (x, width) = (MARGIN + f32::from(begin) * WIDTH, f32::from(column - begin) * WIDTH);
        if let Some(paper) = look.paper {
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{paper}\"/>"
            );
        }
        let text = text.trim_end();
        if !text.is_empty() {
            let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
            let width = text.chars().count() as f32 * WIDTH;
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" fill=\"{}\"{weight} xml:space=\"preserve\">{}</text>",
                y + HEIGHT - 5.0,
                look.ink,
                escaped(text)
            );
        }
    }
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (ink, paper) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
        let (ink, paper) = match cell.inverse() {
            false => (ink.unwrap_or(INK), paper),
            true => (paper.unwrap_or(PAPER), Some(ink.unwrap_or(INK))),
        };
        Self { ink, paper, bold: cell.bold() }
    }
}

/// None: the terminal's own. What our programs paint is among the sixteen.
fn colour(colour: Color) -> Option<&'static str> {
    match colour {
        Color::Idx(index) => COLOURS.get(usize::from(index)).copied(),
        Color::Default | Color::Rgb(..) => None,
    }
}

fn is_blank(cell: &Cell) -> bool {
    cell.contents().trim().is_empty() && !cell.inverse() && cell.bgcolor() == Color::Default
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
