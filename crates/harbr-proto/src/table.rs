//! A snapshot as operators are shown it, and its routes back from there.

use std::sync::Arc;

use harbr_model::{Health, Listener, Route, Settings, Snapshot, Upstream};

use sha2::{Digest as _, Sha256};

use crate::decode::{InvalidResource, decode_routes, decode_settings};
use crate::{health_to_wire, v1};

/// Of the health of endpoints it knows nothing. `source`: where a route stands, `file:line`.
#[must_use]
pub fn table(snapshot: &Snapshot, source: &dyn Fn(&Route) -> String) -> v1::Table {
    v1::Table {
        revision: 0,
        hash: String::new(),
        settings: Some(snapshot.settings().into()),
        listeners: snapshot.listeners().iter().map(|it| listener(it, snapshot)).collect(),
        routes: snapshot.routes().iter().map(|route| route_status(route, source(route))).collect(),
        upstreams: snapshot.upstreams().values().map(upstream).collect(),
    }
}

/// Only what may be shown: never a key.
fn listener(listener: &Listener, snapshot: &Snapshot) -> v1::ListenerStatus {
    let names = listener.tls.iter().flat_map(|tls| &tls.certificates);
    let certificate = |name: &String| {
        let first = snapshot.certificates().get(name).and_then(|certificate| certificate.chain.first());
        v1::CertificateStatus { name: name.clone(), sha256: first.map(sha256).unwrap_or_default() }
    };
    v1::ListenerStatus {
        name: listener.name.clone(),
        addr: listener.addr.to_string(),
        certificates: names.map(certificate).collect(),
    }
}

fn sha256(der: &Arc<[u8]>) -> String {
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `source`: where it stands, `file:line`.
#[must_use]
pub fn route_status(route: &Route, source: String) -> v1::RouteStatus {
    v1::RouteStatus {
        host: route.matches.host.to_string(),
        path: route.matches.path.to_string(),
        route: Some(route.into()),
        source,
    }
}

fn upstream(upstream: &Upstream) -> v1::UpstreamStatus {
    let endpoints = upstream.endpoints.iter().map(|endpoint| v1::EndpointStatus {
        url: endpoint.url.to_string(),
        weight: endpoint.weight,
        health: health_to_wire(Health::Unknown).into(),
        ..v1::EndpointStatus::default()
    });
    v1::UpstreamStatus { upstream: Some(upstream.into()), endpoints: endpoints.collect() }
}

impl TryFrom<v1::RouteStatus> for Route {
    type Error = InvalidResource;

    fn try_from(status: v1::RouteStatus) -> Result<Self, InvalidResource> {
        let v1::RouteStatus { host, path, route, .. } = status;
        let key = format!("routes/{host}{path}");
        let group = v1::RouteGroup { host, path, routes: route.into_iter().collect() };
        let mut routes = decode_routes(group).map_err(|invalid| invalid.of(&key))?;
        routes.pop().ok_or(InvalidResource::Unreadable { key })
    }
}

impl TryFrom<v1::Settings> for Settings {
    type Error = InvalidResource;

    fn try_from(settings: v1::Settings) -> Result<Self, InvalidResource> {
        decode_settings(&settings).map_err(|invalid| invalid.of("settings"))
    }
}
