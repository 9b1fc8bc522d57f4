//! Raw types → model: every rule about values, and about what belongs together.
//!
//! A function here gives `None` for what is wrong or missing; why is among the findings by then. So a rule
//! about two values is checked where both are good, and each mistake is reported once.

mod credentials;
mod header;
mod health_check;
mod listener;
mod outlier;
mod record;
mod rollout;
mod route;
mod route_key;
mod routes;
mod settings;
mod tls;
mod upstream;
mod value;

use std::collections::BTreeMap;

use harbr_model::{Resources, RolloutPolicy, Snapshot};

use crate::Files;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::raw::RawConfig;

use credentials::Credentials;
use routes::RouteDefaults;

/// What a file means.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) snapshot: Snapshot,
    /// Where each route stands, by its name.
    pub(crate) routes: BTreeMap<String, Span>,
    pub(crate) rollout: RolloutPolicy,
    pub(crate) allow_shrink: Option<String>,
}

/// `top` is where the file's mapping starts.
pub(crate) fn build(raw: &RawConfig, files: &Files, top: Span, findings: &mut Findings) -> Option<Built> {
    let top = Span::at(top.start);
    let mut credentials = Credentials::new(files);
    let listeners = listener::listeners(raw, top, &mut credentials, findings);
    let settings = settings::settings(raw, top, findings);
    let defaults = RouteDefaults::read(raw, top, findings);
    let (rollout, allow_shrink) = rollout::rollout(&raw.rollout, findings);
    let mut upstreams = upstream::Upstreams::read(&raw.upstreams, &mut credentials, findings);
    let routes = routes::routes(raw, top, &defaults, &mut upstreams, findings);
    if findings.has_errors() {
        return None;
    }
    let (routes, places) = routes?;
    let (certificates, authorities) = credentials.into_lists();
    let resources = Resources {
        settings: settings?,
        listeners: listeners?,
        certificates,
        authorities,
        upstreams: upstreams.into_list(),
        routes,
    };
    match Snapshot::new(resources) {
        Ok(snapshot) => Some(Built { snapshot, routes: places, rollout, allow_shrink }),
        // A rule that only the model knows.
        Err(invalid) => {
            findings.push(Diagnostic::new(Code::BrokenRule, top, invalid.to_string()));
            None
        }
    }
}
