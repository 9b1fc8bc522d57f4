//! What a page of the documentation has in its fenced blocks.

use std::path::Path;

/// A page, and the sections of it, in their order.
pub(super) struct Page {
    name: String,
    sections: Vec<Section>,
}

#[derive(Default)]
struct Section {
    title: String,
    lines: Vec<Line>,
    file: String,
}

/// A line for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// With what it has to end.
    pub(super) exits: i32,
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), sections: sections(&text) }
    }

    /// The commands of a section.
    pub(super) fn lines(&self, title: &str) -> Vec<Line> {
        self.section(title).lines.clone()
    }

    /// The file of a section.
    pub(super) fn file(&self, title: &str) -> &str {
        &self.section(title).file
    }

    /// The sections that have commands for the product's programs, or for what they serve.
    pub(super) fn with_commands(&self) -> impl Iterator<Item = &str> {
        let is_ours =
            |line: &Line| line.text.split(' ').any(|word| word.starts_with("harbr") || word == "curl");
        self.sections
            .iter()
            .filter(move |section| section.lines.iter().any(is_ours))
            .map(|section| &*section.title)
    }

    fn section(&self, title: &str) -> &Section {
        let found = self.sections.iter().find(|section| section.title == title);
        found.unwrap_or_else(|| panic!("{} has no section `{title}`", self.name))
    }
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut fence = None;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language) };
            continue;
        }
        let title = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with("##"));
        let section = sections.last_mut().unwrap();
        match (fence, title) {
            (None, Some(title)) => sections.push(Section { title: title.to_owned(), ..Section::default() }),
            (Some("bash"), _) if !line.is_empty() => section.lines.extend(alternatives(line)),
            (Some("yaml"), _) => section.file.push_str(&format!("{line}\n")),
            _ => {}
        }
    }
    sections
}

/// `do this | that  # what` is `do this` and `do that`.
fn alternatives(line: &str) -> Vec<Line> {
    let (text, comment) = line.split_once(" # ").unwrap_or((line, ""));
    let exits = comment.split_once("exits ").and_then(|(_, code)| code.get(..1)?.parse().ok()).unwrap_or(0);
    let mut words = text.split(" | ");
    let first = words.next().unwrap_or_default().trim();
    let (start, _) = first.rsplit_once(' ').unwrap_or_default();
    let others = words.map(|word| format!("{start} {}", word.trim()));
    std::iter::once(first.to_owned()).chain(others).map(|text| Line { text, exits }).collect()
}

#[test]
fn a_line_has_alternatives_and_an_end() {
    let line = |text: &str, exits| Line { text: text.to_owned(), exits };
    assert_eq!(alternatives("a b | c  # d"), [line("a b", 0), line("a c", 0)]);
    assert_eq!(alternatives("a 'b'   # exits 1: e"), [line("a 'b'", 1)]);
    assert_eq!(alternatives("a  # exits 3"), [line("a", 3)]);
}

#[test]
fn a_page_has_sections_with_commands_and_files() {
    let found = sections("# P\n\n## S\n```bash\na\n\nb  # c\n```\nText.\n```yaml\nk: 1\n```\n### T\n");
    let titles: Vec<_> = found.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(titles, ["", "S", "T"]);
    assert_eq!((found[1].lines.len(), found[1].file.as_str()), (2, "k: 1\n"));
}
