//! What several tests need.

use std::path::Path;

use harbr_config::{Files, Source, parse};

use crate::file::{CheckedFile, Refusal};
use crate::subject::{self, Subject};
use crate::traffic::SampledRecord;

pub(crate) fn file(name: &str, text: &str) -> CheckedFile {
    let outcome = parse(Source { name, bytes: text.as_bytes() }, &Files::none()).map_err(Refusal::Invalid);
    CheckedFile { name: name.to_owned(), outcome }
}

/// A good file that starts with what every file must say.
pub(crate) fn subject(name: &str, rest: &str) -> Subject {
    let text = format!("listen_addr: 127.0.0.1:8080\nglobal_timeout_ms: 5000\nmax_connections: 100\n{rest}");
    let file = file(name, &text);
    let config =
        file.outcome.as_ref().unwrap_or_else(|_| panic!("{}", file.render(harbr_config::RenderStyle::Plain)));
    subject::of_file(name, config).unwrap()
}

/// A request that stands for so many of the last ten minutes.
pub(crate) fn sampled(method: &str, host: &str, path: &str, weight: f64) -> SampledRecord {
    SampledRecord {
        node: Some("proxy-1".to_owned()),
        method: method.to_owned(),
        host: host.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        weight,
        over_seconds: 600.0,
        age_seconds: 1.0,
    }
}

/// Against `testdata/`; `UPDATE=1` rewrites it.
pub(crate) fn check_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; UPDATE=1 rewrites it", path.display());
}

pub(crate) fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}
