use std::collections::BTreeMap;

use super::{EventKind, News, Severity};
use crate::store::{Fate, RevisionRecord};

/// What was known of revisions, and of the file, at the last look.
#[derive(Debug)]
pub(super) struct SeenRevisions {
    /// Of those from before, in milliseconds since the epoch, nothing is told that they had been through.
    since: u64,
    config_error: Option<String>,
    /// By number.
    revisions: BTreeMap<u64, Seen>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Of its story: how many there were, and the last of them.
    lines: usize,
    last: Option<String>,
    fate: Fate,
}

impl SeenRevisions {
    pub(super) fn new(since: u64) -> Self {
        Self { since, config_error: None, revisions: BTreeMap::new() }
    }

    /// `records`: the newest first.
    pub(super) fn look(&mut self, config_error: Option<&str>, records: &[RevisionRecord]) -> Vec<News> {
        let mut news: Vec<News> = self.look_at_file(config_error).into_iter().collect();
        for record in records.iter().rev() {
            let (lines, last) = (record.story.len(), record.story.last().cloned());
            match self.revisions.insert(record.number, Seen { lines, last, fate: record.fate }) {
                None if record.made < self.since => {}
                None => {
                    news.push(made(record));
                    news.extend(went(record, &Seen { lines: 0, last: None, fate: Fate::Rolling }));
                }
                Some(before) => news.extend(went(record, &before)),
            }
        }
        let oldest = records.last().map_or(0, |record| record.number);
        self.revisions.retain(|number, _| *number >= oldest);
        news
    }

    fn look_at_file(&mut self, error: Option<&str>) -> Option<News> {
        let first = error.map(|error| error.lines().next().unwrap_or_default().to_owned());
        if first == self.config_error {
            return None;
        }
        let text = match &first {
            Some(error) => format!("the file is rejected: {error}"),
            None => "the file is valid again".to_owned(),
        };
        let severity = if first.is_some() { Severity::Bad } else { Severity::Good };
        self.config_error = first;
        Some(News { kind: EventKind::Revision, severity, subject: String::new(), text })
    }
}

fn made(record: &RevisionRecord) -> News {
    let RevisionRecord { number, cause, actor, reason, summary, .. } = record;
    let by = if actor.is_empty() { String::new() } else { format!(", by {actor}") };
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let text = format!("revision {number}: {summary} ({cause}{by}{why})");
    News { kind: EventKind::Revision, severity: Severity::Notice, subject: number.to_string(), text }
}

/// The lines that came since, the last of them with what became of the revision.
fn went(record: &RevisionRecord, before: &Seen) -> Vec<News> {
    let RevisionRecord { number, story, .. } = record;
    let new = match story.len() {
        // Long ones are cut at their beginning.
        same if same > 0 && same <= before.lines && story.last() != before.last.as_ref() => {
            &story[same - 1..]
        }
        lines => &story[before.lines.min(lines)..],
    };
    let of = |kind, severity, text: String| News { kind, severity, subject: number.to_string(), text };
    let line = |line: &String| of(EventKind::Rollout, Severity::Notice, format!("revision {number}: {line}"));
    if record.fate == before.fate || matches!(record.fate, Fate::Pending | Fate::Rolling) {
        return new.iter().map(line).collect();
    }
    let (severity, what) = match record.fate {
        Fate::Proven => (Severity::Good, "is proven"),
        Fate::Rejected => (Severity::Bad, "is taken back"),
        Fate::RolledBack => (Severity::Notice, "is taken back by an operator"),
        Fate::Superseded | Fate::Pending | Fate::Rolling => (Severity::Notice, "is superseded"),
    };
    let (reason, earlier) = match new.split_last() {
        Some((reason, earlier)) => (format!(": {reason}"), earlier),
        None => (String::new(), new),
    };
    let end = of(EventKind::Revision, severity, format!("revision {number} {what}{reason}"));
    earlier.iter().map(line).chain([end]).collect()
}

#[cfg(test)]
mod tests;
