//! Tells what happened, by looking again and again: nothing else has to say what it does.

mod health;
mod nodes;
mod revisions;

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::health::SeenHealth;
use self::nodes::{Look, SeenNodes};
use self::revisions::SeenRevisions;
use super::events::{EventKind, News, Severity};
use crate::admin::Admin;
use crate::orders::now_millis;

/// How often the controller's state is compared with what it was: what lasted shorter is not told.
const LOOK: Duration = Duration::from_millis(500);
/// Revisions that are looked at: more are not made between two looks.
const MOST_REVISIONS: usize = 32;
/// Changes of one kind in one look that are told one by one; more are told as a number.
const MAX_SINGLE: usize = 20;

#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) admin: Admin,
}

impl Observer {
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (mut revisions, mut nodes, mut health) =
            (SeenRevisions::new(now_millis()), SeenNodes::default(), SeenHealth::default());
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tables = self.admin.health.clone();
        tables.mark_changed();
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            let admin = &self.admin;
            let intent = admin.ledger.intent();
            let records = admin.ledger.history(MOST_REVISIONS);
            let error = intent.config_error.as_ref().map(|error| error.message.as_str());
            revisions.look(error, &records).into_iter().for_each(|news| admin.observed.events.record(news));
            let drains = admin.orders.drains().borrow().clone();
            let now = admin.fleet.snapshot();
            let now = now.iter().map(|node| Look::new(node, intent.intended(&node.greeting.id), &drains));
            self.record(nodes.look(now.collect()), "nodes");
            // Of ten thousand endpoints most looks have nothing new.
            if tables.has_changed().unwrap_or(false) {
                let table = tables.borrow_and_update().clone();
                self.record(health.look(&table, &admin.observed.history), "endpoints");
            }
        }
    }

    /// A storm is told as one line, so that it does not wash away all else.
    fn record(&self, news: Vec<News>, things: &str) {
        let events = &self.admin.observed.events;
        let Some(first) = news.first().filter(|_| news.len() > MAX_SINGLE) else {
            return news.into_iter().for_each(|news| events.record(news));
        };
        let bad = news.iter().filter(|news| news.severity == Severity::Bad).count();
        events.record(News {
            kind: first.kind,
            severity: if bad > 0 { Severity::Bad } else { Severity::Notice },
            subject: String::new(),
            text: format!("{} {things} changed at once, {bad} of them for the worse", news.len()),
        });
    }
}
