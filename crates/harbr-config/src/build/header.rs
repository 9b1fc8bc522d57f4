//! Names and values of headers, what they must match, and how they are edited.

use std::collections::HashMap;

use harbr_model::{HeaderEdits, HeaderMatch};
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::raw::RawHeaderEdits;
use crate::read::{Entries, Field, Spanned};

pub(super) fn matches(field: &Field<Entries<String>>, findings: &mut Findings) -> Vec<HeaderMatch> {
    pairs(field, Purpose::Match, findings)
        .into_iter()
        .map(|(name, value)| HeaderMatch { name, value })
        .collect()
}

pub(super) fn edits(field: &Field<RawHeaderEdits>, findings: &mut Findings) -> HeaderEdits {
    let Some(Spanned { value: RawHeaderEdits { set, remove }, .. }) = field.given() else {
        return HeaderEdits::default();
    };
    let set = pairs(set, Purpose::Edit, findings);
    let mut names = Names::default();
    let remove = remove.given().map_or(&[][..], |names| &names.value);
    let remove = remove
        .iter()
        .filter_map(Field::given)
        .filter_map(|text| names.read(text, Purpose::Edit, findings))
        .collect();
    HeaderEdits { remove, set }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Match,
    Edit,
}

fn pairs(
    field: &Field<Entries<String>>,
    purpose: Purpose,
    findings: &mut Findings,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut names = Names::default();
    let mut pairs = Vec::new();
    for entry in field.given().map_or(&[][..], |entries| &entries.value.0) {
        let value = entry.value.given().and_then(|text| value(text, findings));
        if entry.is_duplicate {
            continue;
        }
        let name = names.read(&entry.key, purpose, findings);
        pairs.extend(name.zip(value));
    }
    pairs
}

/// The headers of one list or mapping: each is there once, however it is spelled.
#[derive(Default)]
struct Names(HashMap<HeaderName, Span>);

impl Names {
    fn read(
        &mut self,
        text: &Spanned<String>,
        purpose: Purpose,
        findings: &mut Findings,
    ) -> Option<HeaderName> {
        let Spanned { value, span } = text;
        let Ok(name) = HeaderName::try_from(value.as_str()) else {
            findings.push(Diagnostic::new(
                Code::InvalidHeaderName,
                *span,
                format!("`{value}` is not the name of a header"),
            ));
            return None;
        };
        if let Some(first) = self.0.insert(name.clone(), *span) {
            let message = format!("the header `{value}` is there twice");
            findings.push(
                Diagnostic::new(Code::DuplicateHeader, *span, message)
                    .with_related(first, "first named here"),
            );
            return None;
        }
        if purpose == Purpose::Edit && is_ours(&name) {
            let hint = if name == HOST {
                "use `host_header` of the route"
            } else {
                "it belongs to a single connection, or says where a body ends; the proxy sets it"
            };
            findings.push(
                Diagnostic::new(
                    Code::ProtectedHeader,
                    *span,
                    format!("the header `{value}` cannot be edited"),
                )
                .with_hint(hint),
            );
            return None;
        }
        Some(name)
    }
}

/// Headers that frame a message or belong to one hop (RFC 9110 section 7.6.1), and `Host`.
fn is_ours(name: &HeaderName) -> bool {
    [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE, TE, TRAILER].contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

fn value(text: &Spanned<String>, findings: &mut Findings) -> Option<HeaderValue> {
    let Spanned { value, span } = text;
    let problem = match HeaderValue::from_str(value) {
        Ok(_) if value.trim_matches([' ', '\t']) != value => "a header's value has no space at its ends",
        Ok(value) => return Some(value),
        Err(_) => "a header's value has visible ASCII characters, spaces and tabs only",
    };
    findings.push(Diagnostic::new(Code::InvalidHeaderValue, *span, problem));
    None
}
