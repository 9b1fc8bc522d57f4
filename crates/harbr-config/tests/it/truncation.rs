use harbr_config::{Files, Source, parse};

use crate::properties::check_positions;

const FILE: &str = include_str!("../../testdata/good-realistic.in.yaml");

#[test]
fn a_file_cut_at_any_byte_is_an_error_with_a_position_or_a_whole_table() {
    assert!(FILE.lines().count() >= 50);
    let whole = parse(Source { name: "config.yml", bytes: FILE.as_bytes() }, &Files::none())
        .expect("the whole file is good");
    let mut good = 0;
    for end in (0..=FILE.len()).filter(|end| FILE.is_char_boundary(*end)) {
        let text = &FILE[..end];
        match parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none()) {
            Ok(config) => {
                good += 1;
                assert!(config.snapshot.routes().len() <= whole.snapshot.routes().len());
                assert_eq!(config.snapshot.routes().len(), config.routes.len());
            }
            Err(diagnostics) => check_positions(text, &diagnostics),
        }
    }
    // Not all are errors, or the test would show nothing about the tables.
    assert!((2..FILE.len() / 2).contains(&good), "{good} of the cut files are good");
}
