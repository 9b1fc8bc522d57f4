//! What was seen of the nodes while a revision is on its way: who took it, and who was lost with it.

use std::collections::BTreeMap;
use std::time::Duration;

use harbr_proto::SnapshotHash;

use super::wave::serves;
use crate::fleet::Node;

/// A node that ends without a word this soon after it took a revision may have died of it.
const SOON: Duration = Duration::from_secs(10);
/// One that is lost is waited for so long: its connection may have broken, not the node.
const LOST_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Default)]
pub(super) struct Witness {
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug, Clone)]
struct Seen {
    instance: String,
    /// Since it was given the candidate.
    given: Option<Duration>,
    /// Since it was first seen to serve it.
    served: Option<Duration>,
    lost: Option<Lost>,
}

/// It was cut off soon after it took the candidate.
#[derive(Debug, Clone, Copy)]
struct Lost {
    at: Duration,
}

impl Witness {
    pub(super) fn follow(
        &mut self,
        nodes: &[Node],
        is_given: impl Fn(&str) -> bool,
        candidate: SnapshotHash,
        now: Duration,
    ) {
        self.seen.retain(|id, _| nodes.iter().any(|node| node.greeting.id == *id));
        for node in nodes {
            let instance = &node.greeting.instance;
            let seen = self.seen.entry(node.greeting.id.clone()).or_insert_with(|| Seen {
                instance: instance.clone(),
                given: None,
                served: None,
                lost: None,
            });
            if node.is_connected() {
                if seen.instance == *instance {
                    seen.lost = None;
                } else {
                    *seen = Seen { instance: instance.clone(), given: None, served: None, lost: None };
                }
                if is_given(&node.greeting.id) {
                    seen.given.get_or_insert(now);
                }
                if serves(node, candidate) {
                    seen.served.get_or_insert(now);
                }
            } else if seen.lost.is_none()
                && seen.served.is_some_and(|served| now.saturating_sub(served) < SOON)
            {
                seen.lost = Some(Lost { at: now });
            }
        }
    }

    pub(super) fn has_seen(&self, id: &str) -> bool {
        self.seen.contains_key(id)
    }

    /// How long the node has had the candidate without serving it.
    pub(super) fn waited(&self, id: &str, now: Duration) -> Duration {
        let given = self.seen.get(id).and_then(|seen| seen.given);
        given.map_or(Duration::ZERO, |given| now.saturating_sub(given))
    }

    /// Cut off soon after it took the candidate, and not back yet.
    pub(super) fn is_missed(&self, id: &str) -> bool {
        self.seen.get(id).is_some_and(|seen| seen.lost.is_some())
    }

    /// Who is missed for too long. Where all that serve it are, it is our own connection that is to blame, unless
    /// there is but one.
    pub(super) fn lost(&self, now: Duration) -> Option<&str> {
        let served = self.seen.values().filter(|seen| seen.served.is_some()).count();
        let lost = || self.seen.iter().filter(|(_, seen)| seen.lost.is_some());
        if served > 1 && lost().count() == served && self.seen.len() == served {
            return None;
        }
        let is_late = |lost: Lost| now.saturating_sub(lost.at) >= LOST_LIMIT;
        lost().find(|(_, seen)| seen.lost.is_some_and(is_late)).map(|(id, _)| id.as_str())
    }
}
