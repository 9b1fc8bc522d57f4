//! One route.

use std::collections::HashMap;

use harbr_model::{
    HealthCheck, HostHeader, MAX_RETRIES, PathPrefix, PathRewrite, Route, RouteMatch, TimeoutPolicy,
};
use http::uri::Authority;
use http::{HeaderValue, Method};

use super::header;
use super::health_check::{health_check, probe};
use super::route_key::RouteKey;
use super::routes::{MAX_MAX_BODY, RouteDefaults};
use super::upstream::{Upstreams, endpoint_url};
use super::value::{ANY_DURATION, duration, integer, milliseconds, required, size};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::raw::{RawHeaders, RawRoute};
use crate::read::{Field, Spanned};
use crate::suggest::closest;
use crate::units::format_duration;

/// Which route it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// `None` if the key is wrong; the rest of the route is checked all the same.
    pub(super) key: Option<&'a RouteKey>,
    pub(super) name: &'a str,
    pub(super) span: Span,
}

pub(super) fn route(
    place: Place<'_>,
    raw: &RawRoute,
    defaults: &RouteDefaults,
    upstreams: &mut Upstreams,
    findings: &mut Findings,
) -> Option<Route> {
    let upstream = upstream(place, raw, upstreams, findings);
    let timeouts = timeouts(raw, defaults, findings);
    let max_retries = integer("retry_count", &raw.retry_count, 0..=MAX_RETRIES, findings).unwrap_or(0);
    let rewrite = rewrite(raw, findings);
    let host_header = host_header(&raw.host_header, findings);
    let max_body = size("max_body", &raw.max_body, 1..=MAX_MAX_BODY, findings).unwrap_or(defaults.max_body);
    let methods = methods(&raw.methods, findings);
    warn_of_retries(raw, max_retries, &methods, findings);
    let no_headers = RawHeaders::default();
    let headers = raw.headers.given().map_or(&no_headers, |headers| &headers.value);
    let matched_headers = header::matches(&headers.matches, findings);
    let request_headers = header::edits(&headers.request, findings);
    let response_headers = header::edits(&headers.response, findings);

    let RouteKey { host, path, .. } = place.key?;
    let (host, path) = (host.clone(), path.clone());
    Some(Route {
        name: place.name.to_owned(),
        matches: RouteMatch { host, path, methods, headers: matched_headers },
        upstream: upstream?,
        rewrite,
        host_header,
        timeouts,
        max_retries,
        request_headers,
        response_headers,
        max_body,
    })
}

/// The name of the upstream; one that a URL stands for is added.
fn upstream(
    place: Place<'_>,
    raw: &RawRoute,
    upstreams: &mut Upstreams,
    findings: &mut Findings,
) -> Option<String> {
    let check = route_health_check(raw, findings);
    let missing = format!("route `{}` has no `upstream`", place.name);
    let text = required(&raw.upstream, place.span, &missing, "upstream: http://host:8080", findings)?;
    if text.value.contains("://") {
        let url = endpoint_url(text, findings)?;
        place.key?;
        upstreams.add_inline(place.name, url, check);
        return Some(place.name.to_owned());
    }
    let name = upstreams.find(text, findings)?;
    let spans = [raw.health_check.given().map(|it| it.span), raw.health_check_path.given().map(|it| it.span)];
    for span in spans.into_iter().flatten() {
        let message = format!("the health check of upstream `{name}` is not the route's to say");
        findings.push(
            Diagnostic::new(Code::MisplacedHealthCheck, span, message)
                .with_hint(format!("put it on `upstreams.{name}`")),
        );
    }
    Some(name)
}

fn route_health_check(raw: &RawRoute, findings: &mut Findings) -> Option<HealthCheck> {
    let short = raw.health_check_path.given();
    let long = raw.health_check.given();
    if let (Some(short), Some(long)) = (short, long) {
        findings.push(
            Diagnostic::new(
                Code::ExclusiveKeys,
                short.span.max(long.span),
                "a route has either `health_check` or `health_check_path`",
            )
            .with_related(short.span.min(long.span), "the other is here")
            .with_hint("keep `health_check`, with a `path`"),
        );
    }
    let short = short.and_then(|path| probe("health_check_path", path, findings)).map(HealthCheck::new);
    let long = long.and_then(|raw| health_check(&raw.value, findings));
    long.or(short)
}

fn timeouts(raw: &RawRoute, defaults: &RouteDefaults, findings: &mut Findings) -> TimeoutPolicy {
    let attempt = milliseconds("timeout_ms", &raw.timeout_ms, findings).unwrap_or(defaults.timeout);
    if let (Some(given), Some(global)) = (raw.timeout_ms.given(), defaults.timeout_span)
        && attempt > defaults.timeout
    {
        let message = format!(
            "`timeout_ms` is above `global_timeout_ms`: requests of this route may take {}",
            format_duration(attempt)
        );
        findings.push(
            Diagnostic::new(Code::TimeoutAboveGlobal, given.span, message)
                .with_related(global, format!("the others may take {}", format_duration(defaults.timeout))),
        );
    }
    let idle =
        duration("idle_timeout", &raw.idle_timeout, ANY_DURATION, findings).unwrap_or(defaults.idle_timeout);
    TimeoutPolicy { attempt, request: attempt.max(defaults.timeout), idle }
}

fn warn_of_retries(raw: &RawRoute, max_retries: u32, methods: &[Method], findings: &mut Findings) {
    let is_never_retried = !methods.is_empty() && !methods.iter().any(Method::is_idempotent);
    if let Some(Spanned { span, .. }) = raw.retry_count.given()
        && max_retries > 0
        && is_never_retried
    {
        let list = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("{list} is tried again only where nothing was sent, never after a failure");
        let mut diagnostic = Diagnostic::new(Code::RetriesNever, *span, message);
        diagnostic.related =
            raw.methods.given().map(|it| (it.span, "no method here is idempotent".to_owned()));
        findings.push(diagnostic);
    }
}

fn rewrite(raw: &RawRoute, findings: &mut Findings) -> PathRewrite {
    if let (Some(strip), Some(rewrite)) = (raw.strip_prefix.given(), raw.rewrite.given()) {
        findings.push(
            Diagnostic::new(
                Code::ExclusiveKeys,
                strip.span.max(rewrite.span),
                "a route has either `strip_prefix` or `rewrite`",
            )
            .with_related(strip.span.min(rewrite.span), "the other is here")
            .with_hint("`rewrite: /` strips the prefix too"),
        );
    }
    if let Some(Spanned { value, span }) = raw.rewrite.given() {
        return match PathPrefix::parse(value) {
            Ok(path) => PathRewrite::ReplacePrefix(path),
            Err(invalid) => {
                let message = format!("`rewrite` must be a path, not `{value}`: {invalid}");
                findings.push(Diagnostic::new(Code::InvalidRewrite, *span, message));
                PathRewrite::Keep
            }
        };
    }
    match raw.strip_prefix.given() {
        Some(Spanned { value: true, .. }) => {
            PathRewrite::ReplacePrefix(PathPrefix::parse("/").expect("the root is a path prefix"))
        }
        Some(Spanned { value: false, .. }) | None => PathRewrite::Keep,
    }
}

fn host_header(field: &Field<String>, findings: &mut Findings) -> HostHeader {
    let Some(Spanned { value, span }) = field.given() else { return HostHeader::Preserve };
    match value.as_str() {
        "preserve" => return HostHeader::Preserve,
        "upstream" => return HostHeader::Upstream,
        _ => {}
    }
    let is_authority =
        !value.contains('@') && value.parse::<Authority>().is_ok_and(|it| !it.host().is_empty());
    // A host may be called so, but is far more likely a keyword, mistyped; with a port it is a host.
    let keyword = closest(value, ["preserve", "upstream"]).filter(|_| !value.contains(['.', ':']));
    match HeaderValue::from_str(value) {
        Ok(literal) if is_authority && keyword.is_none() => return HostHeader::Literal(literal),
        Ok(_) | Err(_) => {}
    }
    let message = format!("`host_header` must be `preserve`, `upstream` or a host, not `{value}`");
    let hint = match keyword {
        Some(keyword) => format!("did you mean `{keyword}`?"),
        None => "a host is written `example.com` or `example.com:8080`".to_owned(),
    };
    findings.push(Diagnostic::new(Code::InvalidHostHeader, *span, message).with_hint(hint));
    HostHeader::Preserve
}

fn methods(field: &Field<Vec<Field<String>>>, findings: &mut Findings) -> Vec<Method> {
    let mut first_seen: HashMap<Method, Span> = HashMap::new();
    let mut methods = Vec::new();
    for text in field.given().map_or(&[][..], |list| &list.value).iter().filter_map(Field::given) {
        let Some(method) = method(text, findings) else { continue };
        if let Some(first) = first_seen.insert(method.clone(), text.span) {
            let message = format!("the method {method} is there twice");
            findings.push(
                Diagnostic::new(Code::DuplicateMethod, text.span, message)
                    .with_related(first, "first named here"),
            );
            continue;
        }
        methods.push(method);
    }
    methods
}

fn method(text: &Spanned<String>, findings: &mut Findings) -> Option<Method> {
    let Spanned { value, span } = text;
    let upper = value.to_ascii_uppercase();
    let diagnostic = match Method::from_bytes(value.as_bytes()) {
        Err(_) => Diagnostic::new(Code::InvalidMethod, *span, format!("`{value}` is not a method")),
        Ok(_) if upper != *value => {
            Diagnostic::new(Code::InvalidMethod, *span, format!("the method `{value}` is not in upper case"))
                .with_hint(format!("did you mean `{upper}`?"))
        }
        Ok(Method::CONNECT) => {
            Diagnostic::new(Code::UnroutableMethod, *span, "the method CONNECT cannot be routed")
        }
        Ok(method) => return Some(method),
    };
    findings.push(diagnostic);
    None
}
