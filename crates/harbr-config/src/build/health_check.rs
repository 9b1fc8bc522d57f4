//! `health_check` and its short form `health_check_path`.

use std::time::Duration;

use harbr_model::{HealthCheck, MAX_TIMEOUT, Probe};

use super::value::{ANY_DURATION, duration, integer};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::raw::RawHealthCheck;
use crate::read::{Field, Spanned};
use crate::units::format_duration;

/// More often than this a probe says nothing new, and costs the endpoint more than it tells.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// Results in a row that turn an endpoint's health.
const MAX_IN_A_ROW: u32 = 100;

/// Without a path the probe only opens a connection.
pub(super) fn health_check(raw: &RawHealthCheck, findings: &mut Findings) -> Option<HealthCheck> {
    let probe = match &raw.path {
        Field::Missing => Some(Probe::Tcp),
        Field::Refused => None,
        Field::Given(path) => probe("path", path, findings),
    };
    let mut check = HealthCheck::new(probe.clone().unwrap_or(Probe::Tcp));
    if let Some(interval) = duration("interval", &raw.interval, MIN_INTERVAL..=MAX_TIMEOUT, findings) {
        check.interval = interval;
    }
    if let Some(timeout) = duration("timeout", &raw.timeout, ANY_DURATION, findings) {
        check.timeout = timeout;
    }
    if let Some(rise) = integer("rise", &raw.rise, 1..=MAX_IN_A_ROW, findings) {
        check.rise = rise;
    }
    if let Some(fall) = integer("fall", &raw.fall, 1..=MAX_IN_A_ROW, findings) {
        check.fall = fall;
    }
    warn_of_interval(raw, &check, findings);
    probe.map(|_| check)
}

fn warn_of_interval(raw: &RawHealthCheck, check: &HealthCheck, findings: &mut Findings) {
    let (interval, timeout) = (raw.interval.given(), raw.timeout.given());
    if let Some(place) = interval.or(timeout)
        && check.interval < check.timeout
    {
        let message = format!(
            "`interval` is {}, below the `timeout` of {}: a probe that is not answered delays the next",
            format_duration(check.interval),
            format_duration(check.timeout)
        );
        let mut diagnostic = Diagnostic::new(Code::IntervalBelowTimeout, place.span, message);
        diagnostic.related = interval.and(timeout).map(|it| (it.span, "the timeout is here".to_owned()));
        if timeout.is_none() {
            let hint =
                format!("that is the default; write `timeout: {}` or less", format_duration(check.interval));
            diagnostic.hint = Some(hint);
        }
        findings.push(diagnostic);
    }
}

/// A probe of a path.
pub(super) fn probe(key: &str, path: &Spanned<String>, findings: &mut Findings) -> Option<Probe> {
    let Spanned { value, span } = path;
    let refuse = |message: String| Diagnostic::new(Code::InvalidProbePath, *span, message);
    let diagnostic = if !value.starts_with('/') {
        let path = match value.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]).to_owned(),
            None => format!("/{value}"),
        };
        refuse(format!("`{key}` must start with `/`, unlike `{value}`")).with_hint(format!("write `{path}`"))
    } else if value.contains('#') {
        refuse(format!("`{key}` has a fragment, which is never sent")).with_hint("remove what follows `#`")
    } else if !value.is_ascii() || value.parse::<http::uri::PathAndQuery>().is_err() {
        refuse(format!("`{key}` has characters that a URL cannot have")).with_hint("write them as %XX")
    } else {
        return Some(Probe::Http { path: value.clone() });
    };
    findings.push(diagnostic);
    None
}
