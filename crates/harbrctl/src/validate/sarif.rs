//! SARIF 2.1.0, which code scanners read.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use harbr_config::{Code, Diagnostic, Diagnostics, Span};
use serde_json::{Value, json};

use crate::file::{CheckedFile, Refusal, unreadable};

pub(super) fn log(file: &CheckedFile) -> Value {
    let uri = uri(&file.name);
    let diagnostics = file.diagnostics().into_iter().flat_map(Diagnostics::iter);
    let results: Vec<Value> = diagnostics.map(|diagnostic| result(&uri, diagnostic)).collect();
    let notifications = match &file.outcome {
        Err(Refusal::Unreadable(error)) => {
            vec![json!({"level": "error", "message": {"text": unreadable(&file.name, error)}})]
        }
        Ok(_) | Err(Refusal::Invalid(_)) => Vec::new(),
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "harbrctl",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": Code::ALL.iter().copied().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": code.explanation()},
        "defaultConfiguration": {"level": code.severity().as_str()},
    })
}

fn result(uri: &str, diagnostic: &Diagnostic) -> Value {
    let Diagnostic { code, span, message, hint, related } = diagnostic;
    let text = match hint {
        Some(hint) => format!("{message}; {hint}"),
        None => message.clone(),
    };
    let related: Vec<Value> = related
        .iter()
        .map(|(span, message)| {
            json!({"message": {"text": message}, "physicalLocation": physical_location(uri, *span)})
        })
        .collect();
    json!({
        "ruleId": code.as_str(),
        "ruleIndex": Code::ALL.iter().position(|known| known == code),
        "level": diagnostic.severity().as_str(),
        "message": {"text": text},
        "locations": [{"physicalLocation": physical_location(uri, *span)}],
        "relatedLocations": related,
    })
}

fn physical_location(uri: &str, Span { start, end }: Span) -> Value {
    json!({
        "artifactLocation": {"uri": uri},
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    })
}

/// A path as a URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let mut uri = scheme.to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte.into());
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
