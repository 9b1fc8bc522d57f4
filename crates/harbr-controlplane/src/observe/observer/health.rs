use std::collections::HashMap;

use harbr_model::Health;

use super::{EventKind, News, Severity};
use crate::health::{HealthTable, Target};
use crate::observe::{Change, HealthHistory};

/// The health of all targets at the last look.
#[derive(Debug, Default)]
pub(super) struct SeenHealth {
    health: HashMap<Target, Health>,
}

impl SeenHealth {
    pub(super) fn look(&mut self, table: &HealthTable, history: &HealthHistory) -> Vec<News> {
        let mut news = Vec::new();
        let mut now = HashMap::new();
        for (target, known) in table.iter() {
            let before = self.health.get(target).copied();
            if before != Some(known.health) {
                history.note(target.url.to_string(), Change { at: known.since, health: known.health });
            }
            let is_news = match before {
                Some(before) => before != known.health,
                None => known.health == Health::Unhealthy,
            };
            if is_news {
                let reason = known.last_error.as_deref().map(|reason| format!(": {reason}"));
                let (url, health) = (target.url.to_string(), known.health.as_str());
                let text = format!("{url} is {health}{}", reason.unwrap_or_default());
                let severity = severity_of(known.health);
                news.push(News { kind: EventKind::Health, severity, subject: url, text });
            }
            now.insert(target.clone(), known.health);
        }
        history.keep_only(&now.keys().map(|target| target.url.to_string()).collect());
        self.health = now;
        news
    }
}

fn severity_of(health: Health) -> Severity {
    match health {
        Health::Healthy => Severity::Good,
        Health::Unknown => Severity::Notice,
        Health::Unhealthy => Severity::Bad,
    }
}
