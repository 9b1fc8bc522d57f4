//! The way from the bytes of a file to a configuration, or to all that is wrong with it.

use std::collections::BTreeMap;

use harbr_model::{RolloutPolicy, Snapshot};

use crate::Files;
use crate::build::{self, Built};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics, Findings};
use crate::position::{Position, Span};
use crate::raw::RawConfig;
use crate::tree::{Content, Node};
use crate::{lint, read, salvage, tree};

/// What one file holds, and the name that diagnostics show for it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
}

/// A file that is right.
#[derive(Debug, Clone)]
pub struct Config {
    pub snapshot: Snapshot,
    /// Where each route of the snapshot, by its name, stands in the file.
    pub routes: BTreeMap<String, Position>,
    /// What it says and probably does not mean. Empty for a file that is as it should be.
    pub warnings: Diagnostics,
    pub rollout: RolloutPolicy,
    /// The hash, or how it begins, of a snapshot that may be much smaller than the one before.
    pub allow_shrink: Option<String>,
}

/// Far above any configuration that a person or a generator writes. Who reads a file can stop one byte past
/// it: a longer one is refused whatever it says.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// `files` are those that it [names](crate::named_files).
///
/// # Errors
/// All that is wrong with the file, and with those.
pub fn parse(source: Source<'_>, files: &Files) -> Result<Config, Diagnostics> {
    let Source { name, bytes } = source;
    let mut findings = Findings::default();
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_FILE_BYTES >> 20);
        findings.push(Diagnostic::new(Code::FileTooLarge, Span::START, message));
        return Err(findings.into_refusal(name, ""));
    }
    // Editors on Windows write a byte order mark; nobody sees it, so no column counts it.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    // What is no text is shown as well as it can be.
    let text = String::from_utf8_lossy(bytes);
    let built =
        check_encoding(bytes, &text, &mut findings).and_then(|()| parse_text(&text, files, &mut findings));
    let (built, warnings) = findings.into_result(built, name, &text)?;
    let Built { snapshot, routes, rollout, allow_shrink } = built;
    let routes = routes.into_iter().map(|(name, span)| (name, span.start)).collect();
    Ok(Config { snapshot, routes, rollout, allow_shrink, warnings })
}

fn check_encoding(bytes: &[u8], text: &str, findings: &mut Findings) -> Option<()> {
    let Err(error) = str::from_utf8(bytes) else { return Some(()) };
    // Up to there the two are the same.
    let place = Span::at(Position::of_byte(text, error.valid_up_to()));
    findings.push(
        Diagnostic::new(Code::NotUtf8, place, "this is not text in UTF-8")
            .with_hint("save the file as UTF-8"),
    );
    None
}

fn parse_text(text: &str, files: &Files, findings: &mut Findings) -> Option<Built> {
    check_characters(text, findings)?;
    let root = match tree::parse(text, findings) {
        Ok(root) => check_top(root, findings)?,
        Err(stopped) => {
            salvage::check_parts(text, stopped, findings);
            return None;
        }
    };
    let raw: RawConfig = read::read(text, &root, findings)?;
    let built = build::build(&raw, files, root.span, findings)?;
    lint::lint(&raw, &built, findings);
    Some(built)
}

/// Characters that a reader of the file cannot see, or that one version of YAML takes for the end of a line
/// and another does not.
fn check_characters(text: &str, findings: &mut Findings) -> Option<()> {
    let is_refused = |character: char| match character {
        '\t' | '\n' | '\r' => false,
        '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    };
    let Some((offset, character)) = text.char_indices().find(|(_, character)| is_refused(*character)) else {
        return Some(());
    };
    let message = format!("the character U+{:04X} is not allowed", u32::from(character));
    let hint = format!("in double quotes it is written `{}`", escape(character));
    findings.push(
        Diagnostic::new(Code::ForbiddenCharacter, Span::at(Position::of_byte(text, offset)), message)
            .with_hint(hint),
    );
    None
}

fn escape(character: char) -> String {
    format!("\\u{:04X}", u32::from(character))
}

fn check_top<'t>(root: Option<Node<'t>>, findings: &mut Findings) -> Option<Node<'t>> {
    let hint = "start with `listen_addr`, `global_timeout_ms`, `max_connections` and `routes`";
    let empty = || Diagnostic::new(Code::EmptyFile, Span::START, "the file is empty");
    let no_mapping = |span, found: &str| {
        let message = format!("the file must be a mapping of keys to values, not {found}");
        Diagnostic::new(Code::NotAMapping, span, message)
    };
    let diagnostic = match root {
        None => empty(),
        Some(root) if root.is_null() => empty(),
        Some(root) => match root.content {
            Content::Mapping(_) => return Some(root),
            Content::List(_) => no_mapping(root.span, "a list"),
            Content::Scalar { .. } => no_mapping(root.span, "text"),
        },
    };
    findings.push(diagnostic.with_hint(hint));
    None
}
