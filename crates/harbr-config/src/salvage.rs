//! What can be said of a text that is not YAML as a whole: each part between the places where it breaks is
//! checked by itself.

use crate::diagnostic::Findings;
use crate::position::{Lines, Position};
use crate::raw::RawConfig;
use crate::read;
use crate::tree::{self, Content, Node, StopReason, Stopped};

/// Places where a text breaks, after which it is given up.
const MAX_BREAKS: usize = 20;
/// Keys by which a break can be further up than where it shows.
const MAX_STEPS_BACK: usize = 4;

/// Checks the top-level keys before the place where the reading stopped, and, past the one that it is in, those
/// behind it. Whether a key is missing, or goes with another, only a whole file shows; so their keys and kinds
/// are checked, and no more.
pub(crate) fn check_parts(text: &str, stopped: Stopped, findings: &mut Findings) {
    let keys = top_level_keys(text);
    let (mut part_start, mut stopped) = (0, stopped);
    for _ in 0..MAX_BREAKS {
        let broken = keys.iter().rposition(|key| key.line <= stopped.at.line).unwrap_or(0);
        let is_whole = check_before(text, part_start, &keys[..keys.len().min(broken + 1)], findings);
        // What is not closed before the break is broken too, and so is what follows.
        let (true, StopReason::Syntax, Some(next)) = (is_whole, stopped.reason, keys.get(broken + 1)) else {
            return;
        };
        part_start = next.start;
        let rest = part(text, part_start, text.len());
        let mut found = Findings::default();
        match tree::parse(&rest, &mut found) {
            Ok(root) => {
                check_kinds(&rest, root, &mut found);
                return findings.append(found);
            }
            // The anchor may be in a part that is broken.
            Err(Stopped { reason: StopReason::UnknownAnchor, .. }) => return,
            Err(again) => stopped = again,
        }
        findings.append(found);
    }
}

/// The line that starts a top-level key: its number, and the byte that it starts at.
struct KeyLine {
    line: u32,
    start: usize,
}

fn top_level_keys(text: &str) -> Vec<KeyLine> {
    let starts_key = |line: &str| {
        line.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '"' | '\'' | '_'))
    };
    let lines = Lines::of(text);
    let numbered = (1..).zip(lines.iter());
    numbered
        .filter(|(_, line)| starts_key(line.text))
        .map(|(number, line)| KeyLine { line: number, start: line.start })
        .collect()
}

/// A part of the text, in its place: line breaks stand for what is before it.
fn part(text: &str, start: usize, end: usize) -> String {
    let Position { line, .. } = Position::of_byte(text, start);
    let before = usize::try_from(line).unwrap_or(1) - 1;
    ["\n".repeat(before).as_str(), &text[start..end.max(start)]].concat()
}

/// Checks what is before the last of these keys, which is broken. If it is broken there already, as by a bracket
/// that is not closed, what is before the key before. Whether it was whole at once.
fn check_before(text: &str, part_start: usize, keys: &[KeyLine], findings: &mut Findings) -> bool {
    for (steps, key) in keys.iter().rev().take(MAX_STEPS_BACK).enumerate() {
        if check_part(&part(text, part_start, key.start.max(part_start)), findings) {
            return steps == 0;
        }
    }
    false
}

/// Whether the part is YAML.
fn check_part(part: &str, findings: &mut Findings) -> bool {
    let mut found = Findings::default();
    let Ok(root) = tree::parse(part, &mut found) else { return false };
    check_kinds(part, root, &mut found);
    findings.append(found);
    true
}

fn check_kinds(part: &str, root: Option<Node<'_>>, findings: &mut Findings) {
    if let Some(root) = root
        && matches!(root.content, Content::Mapping(_))
    {
        let _: Option<RawConfig> = read::read(part, &root, findings);
    }
}

#[cfg(test)]
mod tests;
