use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use harbr_model::Health;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Change, EventKind, Severity};
use crate::admin::Admin;
use crate::fleet::NodeState;
use crate::health::Target;
use crate::ledger::Intent;

/// How often the controller's state is compared with what it was: what lasted shorter is not told.
const LOOK: Duration = Duration::from_millis(500);
/// Changes of one kind in one look that are told one by one; more are told as a number.
const MAX_SINGLE: usize = 20;

/// Tells what happened, by looking again and again: nothing else has to say what it does.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) admin: Admin,
}

/// What was seen at the last look.
#[derive(Debug, Default)]
struct Seen {
    health: HashMap<Target, Health>,
    nodes: BTreeMap<String, NodeState>,
    revision: u64,
    config_error: Option<Arc<str>>,
}

impl Observer {
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut seen = Seen::default();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            let intent = self.admin.ledger.intent();
            self.look_at_file(&mut seen, &intent);
            self.look_at_nodes(&mut seen, &intent);
            self.look_at_health(&mut seen);
        }
    }

    fn look_at_file(&self, seen: &mut Seen, intent: &Intent) {
        let error = intent.config_error.as_ref().map(|error| Arc::from(error.message.as_str()));
        if error != seen.config_error {
            if let Some(error) = &error {
                let first = error.lines().next().unwrap_or_default();
                self.admin.observed.events.record(
                    EventKind::Revision,
                    Severity::Bad,
                    format!("the file is rejected: {first}"),
                );
            }
            seen.config_error = error;
        }
        if let Some(revision) = intent.newest().filter(|revision| revision.number != seen.revision) {
            seen.revision = revision.number;
            let routes = revision.snapshot.routes().len();
            let text = format!("revision {} is to be served: {routes} routes", revision.number);
            self.admin.observed.events.record(EventKind::Revision, Severity::Notice, text);
        }
    }

    fn look_at_nodes(&self, seen: &mut Seen, intent: &Intent) {
        let nodes = self.admin.fleet.snapshot();
        let now: BTreeMap<_, _> = nodes
            .iter()
            .map(|node| (node.greeting.id.clone(), node.state(intent.intended(&node.greeting.id))))
            .collect();
        let changed = now.iter().filter(|(id, state)| seen.nodes.get(*id) != Some(state));
        let mut lines: Vec<_> =
            changed.map(|(id, state)| (severity_of(*state), format!("{id} is {}", state.as_str()))).collect();
        let left = seen.nodes.keys().filter(|id| !now.contains_key(*id));
        lines.extend(left.map(|id| (Severity::Notice, format!("{id} has left"))));
        self.record_all(EventKind::Node, "nodes", lines);
        seen.nodes = now;
    }

    fn look_at_health(&self, seen: &mut Seen) {
        let table = self.admin.health.borrow().clone();
        let mut lines = Vec::new();
        let mut now = HashMap::new();
        for (target, known) in table.iter() {
            let before = seen.health.get(target).copied();
            if before != Some(known.health) {
                self.admin
                    .observed
                    .history
                    .note(target.url.to_string(), Change { at: known.since, health: known.health });
            }
            if before.is_some_and(|before| before != known.health)
                || known.health == Health::Unhealthy && before.is_none()
            {
                let reason =
                    known.last_error.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
                lines.push((
                    severity_of_health(known.health),
                    format!("{} is {}{reason}", target.url, known.health.as_str()),
                ));
            }
            now.insert(target.clone(), known.health);
        }
        self.admin.observed.history.keep_only(&now.keys().map(|target| target.url.to_string()).collect());
        self.record_all(EventKind::Health, "endpoints", lines);
        seen.health = now;
    }

    /// A storm is told as one line, so that it does not wash away all else.
    fn record_all(&self, kind: EventKind, things: &str, lines: Vec<(Severity, String)>) {
        if lines.len() <= MAX_SINGLE {
            lines
                .into_iter()
                .for_each(|(severity, text)| self.admin.observed.events.record(kind, severity, text));
            return;
        }
        let bad = lines.iter().filter(|(severity, _)| *severity == Severity::Bad).count();
        let severity = if bad > 0 { Severity::Bad } else { Severity::Notice };
        let text = format!("{} {things} changed at once, {bad} of them for the worse", lines.len());
        self.admin.observed.events.record(kind, severity, text);
    }
}

fn severity_of(state: NodeState) -> Severity {
    match state {
        NodeState::Ready => Severity::Good,
        NodeState::Syncing | NodeState::Draining => Severity::Notice,
        NodeState::Rejected | NodeState::Disconnected => Severity::Bad,
    }
}

fn severity_of_health(health: Health) -> Severity {
    match health {
        Health::Healthy => Severity::Good,
        Health::Unknown => Severity::Notice,
        Health::Unhealthy => Severity::Bad,
    }
}
