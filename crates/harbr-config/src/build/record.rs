//! `access_log` and `tracing`: what is recorded of single requests.

use std::collections::HashMap;

use harbr_model::{AccessLog, LogField, LogFormat, SampleShare, Tracing};

use super::upstream::endpoint_url;
use super::value::{check_name, choice, required};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::raw::{RawAccessLog, RawAccessLogSettings, RawTracing};
use crate::read::{Field, Spanned};

const FORMATS: [(&str, Word); 3] = [("json", Word::Json), ("text", Word::Text), ("off", Word::Off)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Json,
    Text,
    Off,
}

pub(super) fn access_log(field: &Field<RawAccessLog>, findings: &mut Findings) -> AccessLog {
    let default = AccessLog::default();
    let Some(Spanned { value: raw, .. }) = field.given() else { return default };
    match raw {
        RawAccessLog::Text(format) => {
            let format = choice("access_log", format, &FORMATS, findings).unwrap_or(Word::Json);
            AccessLog { format: log_format(format, None), ..default }
        }
        RawAccessLog::Mapping(RawAccessLogSettings { format, fields, sample }) => {
            let word = choice("format", format, &FORMATS, findings).unwrap_or(Word::Json);
            if let (Word::Text | Word::Off, Some(fields)) = (word, fields.given()) {
                let message = "`fields` are those of a line of JSON";
                let hint = "remove `fields`, or write `format: json`";
                findings.push(Diagnostic::new(Code::ExclusiveKeys, fields.span, message).with_hint(hint));
            }
            let fields = fields.given().map(|fields| log_fields(fields, findings));
            let sample = sample_share("sample", sample, findings).unwrap_or(default.sample);
            AccessLog { format: log_format(word, fields), sample }
        }
    }
}

fn log_format(word: Word, fields: Option<Vec<LogField>>) -> LogFormat {
    match word {
        Word::Json => LogFormat::Json(fields.unwrap_or_else(|| LogField::ALL.to_vec())),
        Word::Text => LogFormat::Text,
        Word::Off => LogFormat::Off,
    }
}

fn log_fields(list: &Spanned<Vec<Field<String>>>, findings: &mut Findings) -> Vec<LogField> {
    if list.value.is_empty() {
        let message = "`fields` must have at least one item";
        let hint = "write `access_log: off` for no lines at all";
        findings.push(Diagnostic::new(Code::WrongCount, list.span, message).with_hint(hint));
    }
    let words = LogField::ALL.map(|field| (field.as_str(), field));
    let mut first_seen: HashMap<LogField, Span> = HashMap::new();
    let mut fields = Vec::new();
    for text in &list.value {
        let (Some(field), Some(place)) = (choice("fields", text, &words, findings), text.given()) else {
            continue;
        };
        if let Some(first) = first_seen.insert(field, place.span) {
            let message = format!("the field `{}` is there twice", field.as_str());
            findings.push(
                Diagnostic::new(Code::DuplicateLogField, place.span, message)
                    .with_related(first, "first named here"),
            );
            continue;
        }
        fields.push(field);
    }
    fields
}

pub(super) fn tracing(field: &Field<RawTracing>, findings: &mut Findings) -> Option<Tracing> {
    let Spanned { value: RawTracing { endpoint, sample, service_name }, span } = field.given()?;
    let sample = sample_share("sample", sample, findings).unwrap_or(SampleShare::ALL);
    if let Some(name) = service_name.given() {
        check_name("a service", name, findings);
    }
    let service_name =
        service_name.given().map_or(Tracing::SERVICE_NAME, |name| name.value.as_str()).to_owned();
    let missing = "`tracing` has no `endpoint`";
    let text = required(endpoint, *span, missing, "endpoint: http://localhost:4317", findings)?;
    let endpoint = endpoint_url(text, findings)?;
    if !endpoint.base_path().is_empty() {
        let message = "a collector is reached over gRPC, which has paths of its own";
        let hint = format!("write `{}://{}`", endpoint.scheme().as_str(), endpoint.authority());
        findings.push(Diagnostic::new(Code::InvalidUrl, text.span, message).with_hint(hint));
        return None;
    }
    Some(Tracing { endpoint, sample, service_name })
}

fn sample_share(name: &str, field: &Field<String>, findings: &mut Findings) -> Option<SampleShare> {
    let Spanned { value, span } = field.given()?;
    let share = value.parse();
    if let Err(error) = &share {
        let message = format!("`{name}` is `{value}`, which is {error}");
        findings.push(Diagnostic::new(Code::InvalidSampleShare, *span, message));
    }
    share.ok()
}
