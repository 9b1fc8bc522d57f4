use std::collections::BTreeMap;

use harbr_config::{Config, Diagnostics, Files, RenderStyle, Source, parse};
use proptest::prelude::*;

const GOOD: [&str; 3] = [
    include_str!("../../testdata/good-realistic.in.yaml"),
    include_str!("../../testdata/good-everything.in.yaml"),
    include_str!("../../testdata/good-flow-style.in.yaml"),
];

const HEAD: &str = "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 1\nmax_connections: 1\n";

/// What YAML and the format give a meaning to.
pub(crate) const PIECES: [&str; 44] = [
    "a",
    "0",
    "-1",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "\r\n",
    "\t",
    " ",
    "#",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "|\n",
    ">",
    "&a ",
    "*a",
    "!!str ",
    "<<: ",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\\",
    "é",
    "\u{2028}",
    "\0",
    "\u{feff}",
    "routes",
    "/api",
    "upstream",
    "http://a",
    "timeout_ms",
    "listen_addr",
    "~",
    "null",
    "true",
];

/// Positions are in the text, or just behind its last character; and each can be shown.
pub(crate) fn check_positions(text: &str, diagnostics: &Diagnostics) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> =
        text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).collect();
    assert!(diagnostics.first_error().is_some());
    for diagnostic in diagnostics.iter() {
        for position in [diagnostic.span.start, diagnostic.span.end] {
            let line = usize::try_from(position.line).expect("it fits");
            let column = usize::try_from(position.column).expect("it fits");
            assert!((1..=lines.len()).contains(&line), "{position} of {text:?}");
            let length = lines[line - 1].chars().count();
            assert!((1..=length + 1).contains(&column), "{position} of {text:?}");
        }
        assert!(diagnostic.span.start <= diagnostic.span.end);
        assert!(!diagnostic.message.contains(char::is_control), "{:?}", diagnostic.message);
    }
    let rendered = diagnostics.render(RenderStyle::Plain);
    assert!(rendered.starts_with("error[HR") || rendered.starts_with("warning[HR"), "{rendered}");
}

/// Whether the text is taken.
pub(crate) fn check(text: &str) -> bool {
    match parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none()) {
        Ok(config) => {
            check_against_serde_yaml(text, &config);
            true
        }
        Err(diagnostics) => {
            check_positions(text, &diagnostics);
            false
        }
    }
}

/// A second look at an accepted text, by one of the two parsers alone.
fn check_against_serde_yaml(text: &str, config: &Config) {
    let value: serde_yaml::Value = serde_yaml::from_str(text).expect("both parsers accept the text");
    let routes = value["routes"].as_mapping().expect("there are routes");
    let count = |value: &serde_yaml::Value| value.as_sequence().map_or(1, Vec::len);
    assert_eq!(routes.values().map(count).sum::<usize>(), config.snapshot.routes().len());
    assert_eq!(value["max_connections"].as_u64(), Some(config.snapshot.settings().max_connections.into()));
}

/// In double quotes.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A good text in which some places are overwritten.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(PIECES.to_vec()));
    (prop::sample::select(GOOD.to_vec()), prop::collection::vec(edit, 1..6)).prop_map(|(text, edits)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (index, removed, inserted) in edits {
            let start = index.index(characters.len());
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, inserted.chars());
        }
        characters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// However a text has to be quoted, both parsers see the text itself.
    #[test]
    fn a_header_value_that_was_written_is_read_back(
        values in prop::collection::vec("[!-~]([ -~]{0,30}[!-~])?", 1..5),
        is_flow: bool,
    ) {
        let named = values.iter().enumerate().map(|(index, value)| (format!("x-{index}"), value.as_str()));
        let (set, indent) = if is_flow {
            let pairs = named.map(|(name, value)| format!("{name}: {}", quoted(value)));
            (format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")), " ")
        } else {
            let yaml = serde_yaml::to_string(&named.collect::<BTreeMap<_, _>>()).expect("it can be written");
            (yaml.replace('\n', "\n          "), "\n          ")
        };
        let text = format!("{HEAD}routes:\n  /:\n    upstream: http://a\n    headers:\n      request:\n        set:{indent}{set}\n");
        let config = parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none()).expect("the file is good");
        let read: Vec<&str> = config.snapshot.routes()[0]
            .request_headers
            .set
            .iter()
            .map(|(_, value)| value.to_str().expect("it is ASCII"))
            .collect();
        prop_assert_eq!(read, values);
    }

    #[test]
    fn any_text_is_a_table_or_errors_with_positions(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_yaml_like_text_is_a_table_or_errors_with_positions(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
    ) {
        check(&pieces.concat());
    }

    #[test]
    fn a_good_text_that_is_damaged_is_a_table_or_errors_with_positions(text in mutated()) {
        check(&text);
    }
}
