//! `routes`: every key, and what stands there.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use harbr_model::{HeaderMatch, MAX_ROUTES, Route};
use http::Method;

use super::route::{Place, route};
use super::route_key::{RouteKey, route_key};
use super::upstream::Upstreams;
use super::value::{ANY_DURATION, duration, milliseconds, required, size};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::raw::{RawConfig, RawRoute, RawRoutes};
use crate::read::{Field, MapEntry, Spanned};

const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_MAX_BODY: u64 = 1024 * 1024 * 1024;
/// What no single request sends.
pub(super) const MAX_MAX_BODY: u64 = 16 * 1024 * 1024 * 1024 * 1024;

/// What holds for a route that says nothing else.
#[derive(Debug)]
pub(super) struct RouteDefaults {
    pub(super) timeout: Duration,
    /// Where `global_timeout_ms` stands.
    pub(super) timeout_span: Option<Span>,
    pub(super) idle_timeout: Duration,
    pub(super) max_body: u64,
}

impl RouteDefaults {
    /// Where something is wrong, a value that lets the reading go on.
    pub(super) fn read(raw: &RawConfig, top: Span, findings: &mut Findings) -> Self {
        let (missing, example) = ("`global_timeout_ms` is missing", "global_timeout_ms: 5000");
        required(&raw.global_timeout_ms, top, missing, example, findings);
        let timeout = milliseconds("global_timeout_ms", &raw.global_timeout_ms, findings);
        let idle_timeout = duration("idle_timeout", &raw.idle_timeout, ANY_DURATION, findings);
        let max_body = size("max_body", &raw.max_body, 1..=MAX_MAX_BODY, findings);
        Self {
            timeout: timeout.unwrap_or(Duration::from_secs(1)),
            timeout_span: timeout.and(raw.global_timeout_ms.given()).map(|it| it.span),
            idle_timeout: idle_timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT),
            max_body: max_body.unwrap_or(DEFAULT_MAX_BODY),
        }
    }
}

/// The routes in the order of the file, and where each is.
pub(super) fn routes(
    raw: &RawConfig,
    top: Span,
    defaults: &RouteDefaults,
    upstreams: &mut Upstreams,
    findings: &mut Findings,
) -> Option<(Vec<Route>, BTreeMap<String, Span>)> {
    let example = "routes: {\"/\": {upstream: \"http://localhost:3000\"}}";
    let entries = required(&raw.routes, top, "`routes` is missing", example, findings)?;
    if entries.value.0.is_empty() {
        findings.push(Diagnostic::new(Code::NoRoutes, entries.span, "`routes` has no route"));
        return None;
    }
    let mut builder =
        RoutesBuilder { defaults, upstreams, findings, routes: Vec::new(), places: BTreeMap::new() };
    let mut first_seen: HashMap<String, Span> = HashMap::new();
    for MapEntry { key: text, value: raw, is_duplicate } in &entries.value.0 {
        let key = route_key(text, builder.findings);
        if let Some(key) = &key
            && !is_duplicate
            && let Some(first) = first_seen.insert(key.name.clone(), text.span)
        {
            let message = format!("`{}` is the same route as another key: `{}`", text.value, key.name);
            builder.findings.push(
                Diagnostic::new(Code::SameRoute, text.span, message)
                    .with_related(first, "first defined here"),
            );
        }
        builder.add(text, key.as_ref(), raw);
    }
    if builder.routes.len() > MAX_ROUTES {
        let message = format!("there are more than {MAX_ROUTES} routes");
        builder.findings.push(Diagnostic::new(Code::WrongCount, entries.span, message));
    }
    Some((builder.routes, builder.places))
}

struct RoutesBuilder<'a> {
    defaults: &'a RouteDefaults,
    upstreams: &'a mut Upstreams,
    findings: &'a mut Findings,
    routes: Vec<Route>,
    places: BTreeMap<String, Span>,
}

impl RoutesBuilder<'_> {
    /// All routes of one key.
    fn add(&mut self, text: &Spanned<String>, key: Option<&RouteKey>, raw: &Field<RawRoutes>) {
        let name = key.map_or(&text.value, |key| &key.name);
        let Some(raw) = raw.given() else { return };
        match &raw.value {
            RawRoutes::Mapping(raw) => self.add_one(Place { key, name, span: text.span }, raw),
            RawRoutes::List(list) if list.is_empty() => {
                let message = format!("the list of route `{name}` is empty");
                self.findings.push(Diagnostic::new(Code::NoRoutes, raw.span, message));
            }
            RawRoutes::List(list) => self.add_list(key, name, list),
        }
    }

    /// The first whose conditions hold answers: none may stand behind one that takes every request, or the
    /// same ones.
    fn add_list(&mut self, key: Option<&RouteKey>, name: &str, list: &[Field<RawRoute>]) {
        let mut catch_all: Option<Span> = None;
        let mut first_seen: HashMap<Conditions, Span> = HashMap::new();
        for (index, item) in list.iter().enumerate() {
            let Some(Spanned { value: raw, span }) = item.given() else { continue };
            let span = Span::at(span.start);
            let name = if index == 0 { name.to_owned() } else { format!("{name}#{}", index + 1) };
            let added_before = self.routes.len();
            self.add_one(Place { key, name: &name, span }, raw);
            if let Some(first) = catch_all {
                let message = "this route is never reached: one before it takes every request";
                self.findings.push(
                    Diagnostic::new(Code::UnreachableRoute, span, message)
                        .with_related(first, "this one has no conditions")
                        .with_hint("put the route without `methods` and `headers.match` last"),
                );
            }
            let Some(route) = self.routes.get(added_before) else { continue };
            let conditions = conditions(route);
            if conditions == Conditions::default() {
                catch_all = catch_all.or(Some(span));
            } else if let Some(first) = first_seen.insert(conditions, span) {
                let message = "this route is never reached: one before it has the same conditions";
                self.findings.push(
                    Diagnostic::new(Code::UnreachableRoute, span, message)
                        .with_related(first, "first given here"),
                );
            }
        }
    }

    fn add_one(&mut self, place: Place<'_>, raw: &RawRoute) {
        let (name, span) = (place.name.to_owned(), place.span);
        if let Some(route) = route(place, raw, self.defaults, self.upstreams, self.findings) {
            self.routes.push(route);
            self.places.insert(name, span);
        }
    }
}

/// The conditions of a route beyond its key, whatever their order in the file.
type Conditions = (Vec<String>, Vec<(String, Vec<u8>)>);

fn conditions(route: &Route) -> Conditions {
    let mut methods: Vec<String> = route.matches.methods.iter().map(Method::to_string).collect();
    let pair = |HeaderMatch { name, value }: &HeaderMatch| (name.to_string(), value.as_bytes().to_owned());
    let mut headers: Vec<_> = route.matches.headers.iter().map(pair).collect();
    methods.sort();
    headers.sort();
    (methods, headers)
}
