//! An explanation, for people.

use harbr_explain::{
    EndpointExplanation, ExplainDocument, ForwardedDocument, Others, RetryDocument, TimeoutsDocument,
};
use harbr_proto::document::RouteDocument;

use crate::paint::Paint;
use crate::routes::{duration, edits};
use crate::table::{fields, or_dash, render};

pub(crate) fn text(document: &ExplainDocument, paint: Paint) -> String {
    let mut text = fields(&head(document, paint));
    text.push('\n');
    text.push_str(&candidates(document));
    if let Some(forwarded) = &document.forwarded {
        text.push('\n');
        text.push_str(&fields(&policies(document, forwarded)));
        text.push('\n');
        let headers = forwarded.headers.iter().map(|it| [it.name.clone(), it.value.clone()]);
        text.push_str(&render(["HEADER", "AS IT IS SENT"], headers));
    }
    if !document.endpoints.is_empty() {
        text.push('\n');
        text.push_str(&endpoints(&document.endpoints));
    }
    text
}

fn head(document: &ExplainDocument, paint: Paint) -> Vec<(&'static str, String)> {
    let ExplainDocument { request, configuration, .. } = document;
    let mut head = vec![
        ("request", format!("{} {}{}", request.method, request.host, request.path)),
        ("configuration", configuration.clone()),
    ];
    let path = request.path.split('?').next().unwrap_or_default();
    if !request.normal_path.is_empty() && request.normal_path != path {
        head.push(("matched as", request.normal_path.clone()));
    }
    if let Some(RouteDocument { route, source, upstream, .. }) = &document.route {
        head.push(("route", format!("{} ({source})", paint.good(route))));
        head.push(("upstream", upstream.clone()));
    }
    if let (Some(status), Some(reason)) = (document.status, &document.reason) {
        head.push(("answer", format!("{}: {reason}", paint.bad(&status.to_string()))));
    }
    if !document.allowed_methods.is_empty() {
        head.push(("allowed", document.allowed_methods.join(", ")));
    }
    head
}

fn candidates(document: &ExplainDocument) -> String {
    let rows = document.candidates.iter();
    let mut text = match document.candidates.len() {
        0 => String::new(),
        _ => render(
            ["CANDIDATE", "SOURCE", "WHY"],
            rows.map(|it| [it.route.clone(), or_dash(&it.source), it.why.clone()]),
        ),
    };
    let Others { other_host, other_path } = document.others;
    text.push_str(&format!("routes for another host: {other_host}, for another path: {other_path}\n"));
    text
}

fn policies(document: &ExplainDocument, forwarded: &ForwardedDocument) -> Vec<(&'static str, String)> {
    let mut policies = vec![
        ("sent as", format!("{} {}", document.request.method, forwarded.path)),
        ("host", forwarded.host.clone().unwrap_or_else(|| "the endpoint's own".to_owned())),
        ("request headers", edits(&forwarded.request_headers)),
        ("response headers", edits(&forwarded.response_headers)),
    ];
    if let Some(TimeoutsDocument { attempt_ms, request_ms, idle_ms }) = document.timeouts {
        let (attempt, request, idle) = (duration(attempt_ms), duration(request_ms), duration(idle_ms));
        policies
            .push(("timeouts", format!("{attempt} an attempt, {request} in all, {idle} for a body at rest")));
    }
    if let Some(retries) = &document.retries {
        policies.push(("retries", retries_text(retries)));
    }
    policies
}

fn retries_text(retries: &RetryDocument) -> String {
    let RetryDocument { count, after_failures, budget_percent, budget_at_least } = retries;
    let when = match (count, after_failures) {
        (0, _) => return "none, but the safe resend on a connection that proved dead".to_owned(),
        (_, true) => "after a failed connect, a reset, a timeout, a 502, 503 or 504",
        (_, false) => "only where nothing was sent",
    };
    format!("{count}, {when}; at most {budget_percent} % of the active requests, or {budget_at_least}")
}

fn endpoints(endpoints: &[EndpointExplanation]) -> String {
    render(
        ["ENDPOINT", "WEIGHT", "ELIGIBLE", "WHY", "ASKED FOR"],
        endpoints.iter().map(|endpoint| {
            let eligible = if endpoint.eligible { "yes" } else { "no" };
            [
                endpoint.url.clone(),
                endpoint.weight.to_string(),
                eligible.to_owned(),
                why(endpoint),
                endpoint.target.clone(),
            ]
        }),
    )
}

fn why(endpoint: &EndpointExplanation) -> String {
    let mut why = match (&endpoint.drained, endpoint.eligible, endpoint.health) {
        (Some(_), _, health) => format!("out: drained, {health}"),
        (None, false, health) => format!("out: {health}"),
        (None, true, "unhealthy") => "below the panic threshold: unhealthy".to_owned(),
        (None, true, health) => health.to_owned(),
    };
    if let Some(since) = &endpoint.since {
        why.push_str(&format!(" since {since}"));
    }
    match (endpoint.failures_in_a_row, &endpoint.last_error) {
        (Some(failures), Some(error)) => why.push_str(&format!(", {failures} in a row: {error}")),
        (_, Some(error)) => why.push_str(&format!(", last: {error}")),
        (_, None) => {}
    }
    why
}
