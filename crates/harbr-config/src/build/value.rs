//! Values that many keys have in common: numbers, durations and sizes within their limits.

use std::ops::RangeInclusive;
use std::time::Duration;

use harbr_model::{MAX_NAME_BYTES, MAX_TIMEOUT, MAX_TRUSTED_PROXIES, Network};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::read::{Field, Spanned};
use crate::suggest::closest;
use crate::units::{InvalidAmount, format_duration, format_size, parse_duration, parse_size};

/// For timeouts, and all else that needs no narrower limits.
pub(super) const ANY_DURATION: RangeInclusive<Duration> = Duration::from_millis(1)..=MAX_TIMEOUT;

/// What a mapping must have. `example` shows how the key is written.
pub(super) fn required<'f, T>(
    field: &'f Field<T>,
    owner: Span,
    missing: &str,
    example: &str,
    findings: &mut Findings,
) -> Option<&'f Spanned<T>> {
    if field.is_missing() {
        findings
            .push(Diagnostic::new(Code::MissingKey, owner, missing).with_hint(format!("add `{example}`")));
    }
    field.given()
}

pub(super) fn integer(
    name: &str,
    field: &Field<i128>,
    range: RangeInclusive<u32>,
    findings: &mut Findings,
) -> Option<u32> {
    let Spanned { value, span } = field.given()?;
    let number = u32::try_from(*value).ok().filter(|number| range.contains(number));
    if number.is_none() {
        let (least, most) = range.into_inner();
        findings.push(Diagnostic::new(
            Code::OutOfRange,
            *span,
            format!("`{name}` must be from {least} to {most}, not {value}"),
        ));
    }
    number
}

/// For keys that end in `_ms`.
pub(super) fn milliseconds(name: &str, field: &Field<i128>, findings: &mut Findings) -> Option<Duration> {
    // A day in milliseconds is far below u32::MAX.
    let most = u32::try_from(MAX_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
    integer(name, field, 1..=most, findings).map(|number| Duration::from_millis(number.into()))
}

pub(super) fn duration(
    name: &str,
    field: &Field<String>,
    range: RangeInclusive<Duration>,
    findings: &mut Findings,
) -> Option<Duration> {
    let Spanned { value, span } = field.given()?;
    let diagnostic = match parse_duration(value) {
        Ok(duration) if range.contains(&duration) => return Some(duration),
        Ok(_) | Err(InvalidAmount::TooLarge) => {
            let (least, most) = (format_duration(*range.start()), format_duration(*range.end()));
            Diagnostic::new(
                Code::OutOfRange,
                *span,
                format!("`{name}` must be from {least} to {most}, not {value}"),
            )
        }
        Err(InvalidAmount::NoUnit) => {
            Diagnostic::new(Code::InvalidDuration, *span, format!("`{name}` is a duration and has no unit"))
                .with_hint(format!("write `{value}s` for seconds or `{value}ms` for milliseconds"))
        }
        Err(InvalidAmount::UnknownUnit | InvalidAmount::Syntax) => Diagnostic::new(
            Code::InvalidDuration,
            *span,
            format!("`{name}` must be a duration, not `{value}`"),
        )
        .with_hint("a duration is a whole number and one of the units ms, s, m, h: `250ms`, `10s`, `5m`"),
    };
    findings.push(diagnostic);
    None
}

/// In bytes.
pub(super) fn size(
    name: &str,
    field: &Field<String>,
    range: RangeInclusive<u64>,
    findings: &mut Findings,
) -> Option<u64> {
    let Spanned { value, span } = field.given()?;
    let diagnostic = match parse_size(value) {
        Ok(size) if range.contains(&size) => return Some(size),
        Ok(_) | Err(InvalidAmount::TooLarge) => {
            let (least, most) = (format_size(*range.start()), format_size(*range.end()));
            Diagnostic::new(
                Code::OutOfRange,
                *span,
                format!("`{name}` must be from {least} to {most}, not {value}"),
            )
        }
        Err(InvalidAmount::NoUnit) => {
            Diagnostic::new(Code::InvalidSize, *span, format!("`{name}` is a size and has no unit"))
                .with_hint(format!("write `{value}B` for bytes or `{value}MiB` for mebibytes"))
        }
        Err(InvalidAmount::UnknownUnit | InvalidAmount::Syntax) => {
            Diagnostic::new(Code::InvalidSize, *span, format!("`{name}` must be a size, not `{value}`"))
                .with_hint(
                    "a size is a whole number and one of the units B, KiB, MiB, GiB, kB, MB, GB: `10MiB`",
                )
        }
    };
    findings.push(diagnostic);
    None
}

/// One of several words.
pub(super) fn choice<T: Copy>(
    name: &str,
    field: &Field<String>,
    choices: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let Spanned { value, span } = field.given()?;
    let words = || choices.iter().map(|(word, _)| *word);
    let chosen = choices.iter().find(|(word, _)| word == value).map(|(_, choice)| *choice);
    if chosen.is_none() {
        let list = words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let mut diagnostic = Diagnostic::new(
            Code::UnknownWord,
            *span,
            format!("`{name}` must be one of {list}, not `{value}`"),
        );
        diagnostic.hint = closest(value, words()).map(|word| format!("did you mean `{word}`?"));
        findings.push(diagnostic);
    }
    chosen
}

/// Addresses, alone or in blocks.
pub(super) fn networks(
    name: &str,
    list: &Spanned<Vec<Field<String>>>,
    findings: &mut Findings,
) -> Vec<Network> {
    if list.value.len() > MAX_TRUSTED_PROXIES {
        let message = format!("`{name}` has more than {MAX_TRUSTED_PROXIES} items");
        findings.push(Diagnostic::new(Code::WrongCount, list.span, message));
    }
    let network = |text: &Spanned<String>| match text.value.parse() {
        Ok(network) => Some(network),
        Err(error) => {
            let message = format!("`{}`: {error}", text.value);
            findings.push(Diagnostic::new(Code::InvalidNetwork, text.span, message));
            None
        }
    };
    list.value.iter().filter_map(Field::given).filter_map(network).collect()
}

/// A name that the file gives to a listener or an upstream. No `/`, so that it is never a route key's.
pub(super) fn check_name(what: &str, name: &Spanned<String>, findings: &mut Findings) -> Option<()> {
    let Spanned { value, span } = name;
    let problem = if value.is_empty() {
        format!("the name of {what} is empty")
    } else if value.len() > MAX_NAME_BYTES {
        format!("the name of {what} is longer than {MAX_NAME_BYTES} bytes")
    } else if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        format!("the name of {what} has letters, digits and `-_.` only, unlike `{value}`")
    } else {
        return Some(());
    };
    findings.push(Diagnostic::new(Code::InvalidName, *span, problem));
    None
}
