use std::fs;
use std::path::{Path, PathBuf};

use harbr_config::{Code, Files, RenderStyle, Source, named_files, parse};

use crate::dump::dump;

/// `testdata/NAME.in.yaml` becomes `testdata/NAME.out.txt`: the model of a good file, the errors of a bad
/// one. `UPDATE=1` rewrites what is expected.
#[test]
fn each_file_becomes_what_is_recorded() {
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let inputs = inputs();
    assert!(inputs.len() > 60, "only {} files in testdata", inputs.len());
    let mut differences = String::new();
    for input in inputs {
        let output = outcome(&input);
        let expected = input.with_file_name(format!("{}.out.txt", stem(&input)));
        if update {
            fs::write(&expected, output).expect("testdata can be written");
        } else if fs::read_to_string(&expected).ok().as_ref() != Some(&output) {
            differences.push_str(&format!("\n=== {}, which now gives\n{output}", expected.display()));
        }
    }
    assert!(differences.is_empty(), "run with UPDATE=1 and review what changes:\n{differences}");
}

/// The names say which they are: `bad-…` has errors, all else has none.
#[test]
fn only_the_bad_files_have_errors() {
    for input in inputs() {
        let bytes = fs::read(&input).expect("testdata can be read");
        let is_good = parse(Source { name: "config.yml", bytes: &bytes }, &files(&bytes)).is_ok();
        assert_eq!(is_good, !stem(&input).starts_with("bad-"), "{}", input.display());
    }
}

#[test]
fn passwords_of_the_file_are_in_no_diagnostic() {
    let bytes = include_bytes!("../../testdata/bad-urls.in.yaml");
    assert_eq!(String::from_utf8_lossy(bytes).matches("user:secret").count(), 4);
    let diagnostics =
        parse(Source { name: "config.yml", bytes }, &Files::none()).expect_err("the file is refused");
    for told in [diagnostics.to_string(), diagnostics.render(RenderStyle::Plain)] {
        assert!(!told.contains("secret") && told.contains("*@a"), "{told}");
    }
}

/// Those that a text names, in `testdata/files`.
fn files(text: &[u8]) -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/files");
    let read = |path: String| {
        let bytes = fs::read(folder.join(&path)).map_err(|error| error.kind().to_string());
        (path, bytes)
    };
    named_files(text).into_iter().map(read).collect()
}

fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut inputs: Vec<PathBuf> = fs::read_dir(folder)
        .expect("testdata is there")
        .map(|entry| entry.expect("testdata can be listed").path())
        .filter(|path| path.to_string_lossy().ends_with(".in.yaml"))
        .collect();
    inputs.sort();
    inputs
}

fn stem(path: &Path) -> String {
    let name = path.file_name().expect("a listed file has a name").to_string_lossy();
    name.trim_end_matches(".in.yaml").to_owned()
}

fn outcome(input: &Path) -> String {
    let bytes = fs::read(input).expect("testdata can be read");
    match parse(Source { name: "config.yml", bytes: &bytes }, &files(&bytes)) {
        Ok(config) => dump(&config) + &config.warnings.render(RenderStyle::Plain),
        Err(diagnostics) => diagnostics.render(RenderStyle::Plain),
    }
}

/// At least one file shows each code, at an exact place. Those of sizes that no file here has are in `limits`, and
/// two that only a fault of ours can cause are nowhere.
#[test]
fn each_code_is_shown_by_a_file() {
    let elsewhere = [Code::FileTooLarge, Code::TooManyValues, Code::BrokenRule];
    let bad = inputs().iter().filter(|input| stem(input).starts_with("bad-")).count();
    assert!(bad >= 120, "only {bad} broken files");
    let outputs: String = inputs().iter().map(|input| outcome(input)).collect();
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !elsewhere.contains(code) && !outputs.contains(&format!("[{code}]: ")))
        .map(|code| code.as_str())
        .collect();
    assert!(missing.is_empty(), "no file in testdata shows {missing:?}");
}
