//! Columns without borders.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

pub(crate) fn render<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for row in rows {
        table.add_row(row.map(one_line));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    lines(&table)
}

/// `name: value` with the values in one column.
pub(crate) fn fields(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 1;
    pairs.iter().map(|(name, value)| format!("{:<width$}  {value}\n", format!("{name}:"))).collect()
}

/// `-` stands for nothing, so that every column has something in every row.
pub(crate) fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// Enough of a hash to tell two apart.
pub(crate) fn short_hash(hash: &str) -> String {
    or_dash(hash.get(..12).unwrap_or(hash))
}

fn one_line(text: String) -> String {
    text.lines().next().map(|line| or_dash(line.trim_end())).unwrap_or_else(|| "-".to_owned())
}

fn lines(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
