//! What a change does to real requests: each goes through the old and the new table, which are the proxies' own.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use harbr_routing::{Found, RequestHead, RouteTable, may_be_secret, normal_form};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::document::{
    AnswerDocument, ItemDocument, MoveDocument, MoveKind, PlanDocument, QuantityDocument, TrafficDocument,
};
use crate::subject::Subject;
use crate::traffic::{SampledRecord, Traffic};

/// Kinds of requests that are listed, the most frequent ones.
const MAX_MOVES: usize = 100;
/// Requests that are shown of each.
const MAX_EXAMPLES: usize = 3;

/// What becomes of a request; a place in `Subject::routes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Route(usize),
    MethodNotAllowed,
    NoRoute,
}

#[derive(Debug, Default)]
struct Move {
    quantity: Quantity,
    examples: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Quantity {
    requests: f64,
    per_second: f64,
}

/// `plan`: what differs between the two, apart from traffic.
pub(super) fn effect(
    old: &Subject,
    new: &Subject,
    plan: &PlanDocument,
    traffic: &Traffic,
) -> TrafficDocument {
    let (old_table, new_table) = (old.table(), new.table());
    let (mut moves, mut total, mut unreadable) = (HashMap::<_, Move>::new(), Quantity::default(), 0);
    for record in &traffic.requests {
        let Some(request) = Request::of(record, new) else {
            unreadable += 1;
            continue;
        };
        total.add(record);
        let answers = (request.answer(&old_table), request.answer(&new_table));
        let one = moves.entry(answers).or_default();
        one.quantity.add(record);
        if one.examples.len() < MAX_EXAMPLES {
            let example = format!("{} {}{}", record.method, record.host, record.path);
            if !one.examples.contains(&example) {
                one.examples.push(example);
            }
        }
    }
    let edited = Edited::of(plan);
    let mut document = TrafficDocument {
        window_seconds: traffic.window.as_secs_f64().round() as u64,
        sampled: traffic.requests.len() as u64 - unreadable,
        unreadable,
        nodes: traffic.nodes.iter().cloned().collect(),
        silent: traffic.silent.clone(),
        all: total.document(total),
        unknown_headers: unknown_headers(old, new),
        ..TrafficDocument::default()
    };
    let mut listed = Vec::new();
    let mut sums = HashMap::<MoveKind, Quantity>::new();
    for ((from, to), Move { quantity, examples }) in moves {
        let Some(kind) = kind(old, new, from, to, &edited) else { continue };
        sums.entry(kind).or_default().merge(quantity);
        if kind != MoveKind::Edited {
            sums.entry(MoveKind::Changed).or_default().merge(quantity);
        }
        let (from, to) = (answer_document(old, from), answer_document(new, to));
        listed.push(MoveDocument { kind, from, to, quantity: quantity.document(total), examples });
    }
    document.set(|kind| sums.get(&kind).copied().unwrap_or_default().document(total));
    listed.sort_by(|a, b| {
        let by_requests = b.quantity.requests.total_cmp(&a.quantity.requests);
        by_requests.then_with(|| (&a.from.route, &a.to.route).cmp(&(&b.from.route, &b.to.route)))
    });
    document.moves_left_out = listed.len().saturating_sub(MAX_MOVES) as u64;
    listed.truncate(MAX_MOVES);
    document.moves = listed;
    document
}

/// How a request is answered differently; `None`: it is not.
fn kind(old: &Subject, new: &Subject, from: Answer, to: Answer, edited: &Edited<'_>) -> Option<MoveKind> {
    match (from, to) {
        (Answer::Route(from), Answer::Route(to)) => {
            let (from, to) = (&old.routes[from], &new.routes[to]);
            if is_same_place((old, &from.upstream), (new, &to.upstream)) {
                if from.name != to.name {
                    return Some(MoveKind::Route);
                }
                let is_edited = edited.routes.contains(to.name.as_str())
                    || edited.upstreams.contains(to.upstream.as_str());
                return is_edited.then_some(MoveKind::Edited);
            }
            Some(MoveKind::Upstream)
        }
        (from, to) if from == to => None,
        (_, Answer::Route(_)) => Some(MoveKind::Routed),
        (_, Answer::NoRoute) => Some(MoveKind::NotFound),
        (_, Answer::MethodNotAllowed) => Some(MoveKind::MethodNotAllowed),
    }
}

/// Whether requests for two upstreams end up at the same endpoints, or by the same name at some of them.
fn is_same_place(old: (&Subject, &str), new: (&Subject, &str)) -> bool {
    let endpoints = |(subject, name): (&'_ Subject, &str)| -> BTreeSet<String> {
        let upstream = subject.documents.upstreams.get(name);
        upstream.into_iter().flat_map(|it| &it.endpoints).map(|endpoint| endpoint.url.clone()).collect()
    };
    let (before, after) = (endpoints(old), endpoints(new));
    before == after || old.1 == new.1 && !before.is_disjoint(&after)
}

/// What the plan calls changed, by name.
struct Edited<'a> {
    routes: BTreeSet<&'a str>,
    upstreams: BTreeSet<&'a str>,
}

impl<'a> Edited<'a> {
    fn of(plan: &'a PlanDocument) -> Self {
        let names = |items: &'a [ItemDocument]| items.iter().map(|item| item.name.as_str()).collect();
        Self { routes: names(&plan.routes.changed), upstreams: names(&plan.upstreams.changed) }
    }
}

/// Headers that the new routes match on and of which the sample does not know what requests had: those of no old route,
/// and those whose values are not remembered.
fn unknown_headers(old: &Subject, new: &Subject) -> Vec<String> {
    let known: HashSet<_> = conditions(old).collect();
    let unknown = conditions(new).filter(|condition| !known.contains(condition));
    unknown.map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is remembered of a request's headers: of any value, or of this one.
fn conditions(subject: &Subject) -> impl Iterator<Item = (&str, Option<&HeaderValue>)> {
    let all = subject.routes.iter().flat_map(|route| &route.matches.headers);
    all.map(|it| (it.name.as_str(), may_be_secret(it.name.as_str()).then_some(&it.value)))
}

fn answer_document(subject: &Subject, answer: Answer) -> AnswerDocument {
    match answer {
        Answer::Route(index) => {
            let route = &subject.routes[index];
            AnswerDocument {
                route: Some(route.name.clone()),
                upstream: Some(route.upstream.clone()),
                status: None,
            }
        }
        Answer::MethodNotAllowed => AnswerDocument { status: Some(405), ..AnswerDocument::default() },
        Answer::NoRoute => AnswerDocument { status: Some(404), ..AnswerDocument::default() },
    }
}

/// A record as tables are asked for it.
struct Request<'a> {
    host: &'a str,
    path: Cow<'a, str>,
    method: Method,
    headers: HeaderMap,
}

impl<'a> Request<'a> {
    /// `None`: no request that gets as far as a route.
    fn of(record: &'a SampledRecord, subject: &Subject) -> Option<Self> {
        let mut headers = HeaderMap::new();
        for header in &record.headers {
            let name = HeaderName::try_from(header.name.as_str()).ok()?;
            headers.append(name, HeaderValue::try_from(header.value.as_str()).ok()?);
        }
        Some(Self {
            host: without_port(&record.host),
            path: normal_form(&record.path, subject.settings.odd_paths).ok()?,
            method: Method::from_bytes(record.method.as_bytes()).ok()?,
            headers,
        })
    }

    fn answer(&self, table: &RouteTable<usize>) -> Answer {
        let Self { host, path, method, headers } = self;
        match table.find(&RequestHead { host, path, method, headers }) {
            Found::Route(index) => Answer::Route(*index),
            Found::MethodNotAllowed(_) => Answer::MethodNotAllowed,
            Found::NoRoute => Answer::NoRoute,
        }
    }
}

/// A log may have it, the nodes' sample does not.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            // An IPv6 address is in brackets where a port follows.
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        Some(_) | None => host,
    }
}

impl Quantity {
    fn add(&mut self, record: &SampledRecord) {
        self.merge(Self { requests: record.weight, per_second: record.per_second() });
    }

    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.per_second += other.per_second;
    }

    fn document(self, total: Self) -> QuantityDocument {
        let share = if total.requests > 0.0 { self.requests / total.requests } else { 0.0 };
        QuantityDocument { requests: self.requests, share, per_second: self.per_second }
    }
}

#[cfg(test)]
mod tests;
