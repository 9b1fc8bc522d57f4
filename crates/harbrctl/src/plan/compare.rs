//! Two configurations, compared as the documents that programs are told: field by field, whatever fields there
//! are.

use std::collections::BTreeMap;

use harbr_model::{HostPattern, Route};
use harbr_routing::{Found, RequestHead, RouteTable};
use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::{Map, Value};

use super::document::{ChangesDocument, FieldDocument, ItemDocument, PlanDocument};
use crate::subject::{Documents, Subject};

pub(super) fn compare(old: &Subject, new: &Subject) -> PlanDocument {
    let mut settings = Vec::new();
    add_fields(&mut settings, "", &value(&old.documents.settings), &value(&new.documents.settings));
    let listeners = changes(&listeners(&old.documents), &listeners(&new.documents));
    let upstreams = changes(&upstreams(&old.documents), &upstreams(&new.documents));
    let mut routes = changes(&routes(&old.documents), &routes(&new.documents));
    add_other_sides(&mut routes.added, new, old);
    add_other_sides(&mut routes.removed, old, new);
    add_sources(&mut routes.changed, new);
    PlanDocument {
        old: old.name.clone(),
        new: new.name.clone(),
        same: settings.is_empty() && listeners.is_empty() && upstreams.is_empty() && routes.is_empty(),
        settings,
        listeners,
        upstreams,
        routes,
        traffic: None,
        shadowed: Vec::new(),
        warnings: Vec::new(),
    }
}

/// By name.
type Items = BTreeMap<String, Value>;

fn listeners(documents: &Documents) -> Items {
    documents.listeners.iter().map(|it| (it.name.clone(), value(it))).collect()
}

fn routes(documents: &Documents) -> Items {
    let without_source = |mut route: Value| {
        if let Value::Object(fields) = &mut route {
            fields.remove("source");
        }
        route
    };
    documents.routes.iter().map(|it| (it.route.clone(), without_source(value(it)))).collect()
}

/// Endpoints by their URL, so that one that is added does not make all others differ; and without what is known
/// of them only while they are probed.
fn upstreams(documents: &Documents) -> Items {
    let by_url = |mut upstream: Value| {
        if let Some(Value::Array(endpoints)) = upstream.get_mut("endpoints").map(Value::take) {
            let endpoints = endpoints.into_iter().map(|mut endpoint| {
                let url = endpoint["url"].as_str().unwrap_or_default().to_owned();
                if let Value::Object(fields) = &mut endpoint {
                    fields.retain(|name, _| {
                        !["url", "health", "last_error", "since", "drained"].contains(&name.as_str())
                    });
                }
                (url, endpoint)
            });
            upstream["endpoints"] = Value::Object(endpoints.collect::<Map<_, _>>());
        }
        upstream
    };
    documents.upstreams.values().map(|it| (it.name.clone(), by_url(value(it)))).collect()
}

fn value<T: Serialize>(document: &T) -> Value {
    serde_json::to_value(document).expect("a document has text for keys, and no other reason to fail")
}

fn changes(old: &Items, new: &Items) -> ChangesDocument {
    let item =
        |name: &String, fields| ItemDocument { name: name.clone(), source: None, other_side: None, fields };
    let only_in = |one: &Items, other: &Items| {
        one.keys().filter(|name| !other.contains_key(*name)).map(|name| item(name, Vec::new())).collect()
    };
    let changed = old.iter().filter_map(|(name, old)| {
        let mut fields = Vec::new();
        add_fields(&mut fields, "", old, new.get(name)?);
        (!fields.is_empty()).then(|| item(name, fields))
    });
    ChangesDocument { added: only_in(new, old), removed: only_in(old, new), changed: changed.collect() }
}

/// What differs, down to the values that are no objects. `path`: of the two, empty at the top.
fn add_fields(fields: &mut Vec<FieldDocument>, path: &str, old: &Value, new: &Value) {
    match (old, new) {
        (old, new) if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let side = |side: &Map<String, Value>| side.get(name).cloned().unwrap_or_default();
                add_fields(fields, &path, &side(old), &side(new));
            }
        }
        (old, new) => {
            fields.push(FieldDocument { field: path.to_owned(), old: old.clone(), new: new.clone() });
        }
    }
}

/// Says of routes of one side where each is, and which route of the other side answers in its place.
fn add_other_sides(items: &mut [ItemDocument], side: &Subject, other: &Subject) {
    if items.is_empty() {
        return;
    }
    let table = other.table();
    let by_name: BTreeMap<&str, usize> =
        side.routes.iter().enumerate().map(|(index, route)| (route.name.as_str(), index)).collect();
    for item in items {
        let Some(&index) = by_name.get(item.name.as_str()) else { continue };
        item.source = Some(side.documents.routes[index].source.clone());
        let answering = answering(&table, &side.routes[index]);
        item.other_side = answering.map(|index| other.routes[index].name.clone());
    }
}

fn add_sources(items: &mut [ItemDocument], side: &Subject) {
    let sources: BTreeMap<&str, &String> =
        side.documents.routes.iter().map(|route| (route.route.as_str(), &route.source)).collect();
    for item in items {
        item.source = sources.get(item.name.as_str()).map(|source| (*source).clone());
    }
}

/// The route that answers a request that starts as a route asks for.
fn answering(table: &RouteTable<usize>, route: &Route) -> Option<usize> {
    let host = match &route.matches.host {
        HostPattern::Any => String::new(),
        HostPattern::Exact(name) => name.clone(),
        HostPattern::Wildcard(name) => format!("*.{name}"),
    };
    let path = route.matches.path.to_string();
    let method = route.matches.methods.first().cloned().unwrap_or(Method::GET);
    let headers = route.matches.headers.iter().map(|it| (it.name.clone(), it.value.clone()));
    let headers: HeaderMap = headers.collect();
    let head = RequestHead { host: &host, path: &path, method: &method, headers: &headers };
    match table.find(&head) {
        Found::Route(index) => Some(*index),
        Found::MethodNotAllowed(_) | Found::NoRoute => None,
    }
}
