//! `upstreams`, the URLs of endpoints, and the upstreams that routes name or imply.

use std::collections::{BTreeMap, HashMap};

use harbr_model::{
    Balance, Endpoint, EndpointUrl, HealthCheck, MAX_ENDPOINTS, OutlierPolicy, Protocol, ProxyProtocol,
    Scheme, Upstream,
};

use super::credentials::Credentials;
use super::health_check::health_check;
use super::outlier::outlier;
use super::tls::upstream_tls;
use super::value::{check_name, choice, integer, required};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::raw::{RawEndpoint, RawUpstream};
use crate::read::{Entries, Field, MapEntry, Spanned};
use crate::suggest::closest;

const MAX_WEIGHT: u32 = 1_000;
const PROXY_PROTOCOLS: [(&str, ProxyProtocol); 2] = [("v1", ProxyProtocol::V1), ("v2", ProxyProtocol::V2)];
const BALANCES: [(&str, Balance); 2] =
    [("round_robin", Balance::RoundRobin), ("least_request", Balance::LeastRequest)];
const PROTOCOLS: [(&str, Protocol); 4] = [
    ("http1", Protocol::Http1),
    ("h2", Protocol::Http2),
    ("h2c", Protocol::Http2Cleartext),
    ("auto", Protocol::Auto),
];

/// By name. An upstream that is wrong keeps its name, so that the routes that say it are not wrong too.
#[derive(Debug, Default)]
pub(super) struct Upstreams(BTreeMap<String, Option<Upstream>>);

impl Upstreams {
    pub(super) fn read(
        field: &Field<Entries<RawUpstream>>,
        credentials: &mut Credentials<'_>,
        findings: &mut Findings,
    ) -> Self {
        let mut upstreams = Self::default();
        for MapEntry { key: name, value: raw, .. } in
            field.given().map_or(&[][..], |entries| &entries.value.0)
        {
            let valid_name = check_name("an upstream", name, findings);
            let upstream = raw.given().and_then(|raw| upstream(name, &raw.value, credentials, findings));
            upstreams.0.insert(name.value.clone(), upstream.filter(|_| valid_name.is_some()));
        }
        upstreams
    }

    /// The upstream that a route's URL stands for. Its name is a route's, and holds a `/`: it is nobody
    /// else's.
    pub(super) fn add_inline(&mut self, name: &str, url: EndpointUrl, health_check: Option<HealthCheck>) {
        let upstream = Upstream {
            name: name.to_owned(),
            endpoints: vec![Endpoint { url, weight: 1 }],
            protocol: Protocol::Http1,
            balance: Balance::LeastRequest,
            health_check,
            panic_threshold: 0,
            outlier: OutlierPolicy::default(),
            tls: None,
            proxy_protocol: None,
        };
        self.0.insert(name.to_owned(), Some(upstream));
    }

    /// The name, if it is known.
    pub(super) fn find(&self, name: &Spanned<String>, findings: &mut Findings) -> Option<String> {
        let Spanned { value, span } = name;
        if self.0.contains_key(value) {
            return Some(value.clone());
        }
        let diagnostic =
            Diagnostic::new(Code::UnknownUpstream, *span, format!("there is no upstream `{value}`"));
        if !findings.has_room() {
            findings.push(diagnostic);
            return None;
        }
        // The inline ones hold a `/`, and cannot be named.
        let named = self.0.keys().map(String::as_str).filter(|name| !name.contains('/'));
        let hint = match (closest(value, named), url_hint(value)) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(url)) => format!("did you mean `{url}`?"),
            (None, None) => {
                format!("define it under `upstreams:`, or write a URL such as `http://{value}:8080`")
            }
        };
        findings.push(diagnostic.with_hint(hint));
        None
    }

    pub(super) fn into_list(self) -> Vec<Upstream> {
        self.0.into_values().flatten().collect()
    }
}

pub(super) fn endpoint_url(text: &Spanned<String>, findings: &mut Findings) -> Option<EndpointUrl> {
    let Spanned { value, span } = text;
    match value.parse() {
        Ok(url) => Some(url),
        Err(invalid) => {
            let message = format!("`{value}` is not the URL of an upstream: {invalid}");
            let mut diagnostic = Diagnostic::new(Code::InvalidUrl, *span, message);
            diagnostic.hint = url_hint(value).map(|url| format!("did you mean `{url}`?"));
            findings.push(diagnostic);
            None
        }
    }
}

/// The URL that was meant: `backend:8080` has no scheme.
fn url_hint(text: &str) -> Option<String> {
    if text.contains("://") || !text.contains([':', '.', '/']) {
        return None;
    }
    // `http:/host`, `http//host`, `https:host`: the scheme is there, mistyped.
    let mistyped = ["https", "http"].into_iter().find_map(|scheme| {
        let rest = text.strip_prefix(scheme).filter(|rest| rest.starts_with([':', '/']))?;
        Some((scheme, rest.trim_start_matches([':', '/'])))
    });
    let (scheme, rest) = mistyped.unwrap_or(("http", text));
    let url = format!("{scheme}://{rest}");
    url.parse::<EndpointUrl>().is_ok().then_some(url)
}

fn upstream(
    name: &Spanned<String>,
    raw: &RawUpstream,
    credentials: &mut Credentials<'_>,
    findings: &mut Findings,
) -> Option<Upstream> {
    let missing = format!("upstream `{}` has no `endpoints`", name.value);
    let endpoints =
        required(&raw.endpoints, name.span, &missing, "endpoints: [\"http://host:8080\"]", findings)
            .and_then(|list| endpoints(list, findings));
    let protocol = protocol(&raw.protocol, endpoints.as_deref().unwrap_or_default(), findings);
    let balance = choice("balance", &raw.balance, &BALANCES, findings).unwrap_or(Balance::LeastRequest);
    let health_check = raw.health_check.given().and_then(|raw| health_check(&raw.value, findings));
    let panic_threshold = integer("panic_threshold", &raw.panic_threshold, 0..=100, findings).unwrap_or(0);
    let outlier = raw.outlier.given().map(|raw| outlier(&raw.value, findings)).unwrap_or_default();
    let tls = raw.tls.given().and_then(|tls| {
        let is_http = |endpoint: &Endpoint| endpoint.url.scheme() == Scheme::Http;
        if endpoints.as_ref().is_some_and(|endpoints| endpoints.iter().all(is_http)) {
            let message = "no endpoint of this upstream is spoken to by TLS";
            findings.push(Diagnostic::new(Code::UnusedTls, tls.span, message));
        }
        upstream_tls(tls, credentials, findings)
    });
    let proxy_protocol = choice("proxy_protocol", &raw.proxy_protocol, &PROXY_PROTOCOLS, findings);
    Some(Upstream {
        name: name.value.clone(),
        endpoints: endpoints?,
        protocol,
        balance,
        health_check,
        panic_threshold,
        outlier,
        tls,
        proxy_protocol,
    })
}

fn protocol(field: &Field<String>, endpoints: &[Endpoint], findings: &mut Findings) -> Protocol {
    let chosen = choice("protocol", field, &PROTOCOLS, findings).unwrap_or(Protocol::Http1);
    let (Some(scheme), Some(Spanned { value, span })) = (chosen.scheme(), field.given()) else {
        return chosen;
    };
    if let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.url.scheme() != scheme) {
        let message =
            format!("`{value}` is for endpoints with {}://, unlike {}", scheme.as_str(), endpoint.url);
        let other = match scheme {
            Scheme::Https => "`h2c` is HTTP/2 in clear text",
            Scheme::Http => "`h2` is HTTP/2 over TLS",
        };
        findings.push(Diagnostic::new(Code::WrongScheme, *span, message).with_hint(other));
    }
    chosen
}

fn endpoints(list: &Spanned<Vec<Field<RawEndpoint>>>, findings: &mut Findings) -> Option<Vec<Endpoint>> {
    let count = list.value.len();
    if count == 0 || count > MAX_ENDPOINTS {
        let message = format!("`endpoints` must have from 1 to {MAX_ENDPOINTS} items, not {count}");
        findings.push(Diagnostic::new(Code::WrongCount, list.span, message));
        return None;
    }
    let mut first_seen = HashMap::new();
    let mut endpoints = Vec::new();
    for item in list.value.iter().filter_map(Field::given) {
        let Some(Spanned { value: endpoint, span }) = endpoint(item, findings) else { continue };
        if let Some(first) = first_seen.insert(endpoint.url.clone(), span) {
            findings.push(
                Diagnostic::new(Code::DuplicateEndpoint, span, format!("{} is there twice", endpoint.url))
                    .with_related(first, "first listed here")
                    .with_hint("give it a `weight` to send it a larger share"),
            );
        }
        endpoints.push(endpoint);
    }
    Some(endpoints)
}

fn endpoint(item: &Spanned<RawEndpoint>, findings: &mut Findings) -> Option<Spanned<Endpoint>> {
    match &item.value {
        RawEndpoint::Text(text) => {
            let text = Spanned { value: text.clone(), span: item.span };
            let url = endpoint_url(&text, findings)?;
            Some(Spanned { value: Endpoint { url, weight: 1 }, span: item.span })
        }
        RawEndpoint::Mapping(raw) => {
            let weight = integer("weight", &raw.weight, 1..=MAX_WEIGHT, findings).unwrap_or(1);
            let text = required(
                &raw.url,
                item.span,
                "the endpoint has no `url`",
                "url: http://host:8080",
                findings,
            )?;
            let url = endpoint_url(text, findings)?;
            Some(Spanned { value: Endpoint { url, weight }, span: text.span })
        }
    }
}
