//! A configuration as it is kept and sent: numbered, hashed, whole.

mod compile;
mod health_index;
mod shrink;
mod summary;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use harbr_config::{Diagnostics, Position, RenderStyle};
use harbr_model::{RolloutPolicy, Snapshot};
use harbr_proto::{EncodedSnapshot, Fence, SnapshotHash, v1};

use crate::rollout::Needs;

pub(crate) use self::compile::{Compiled, compile};
pub(crate) use self::health_index::HealthIndex;
pub(crate) use self::shrink::shrink;
pub(crate) use self::summary::summary;

/// A recorded configuration.
#[derive(Debug)]
pub(crate) struct Revision {
    pub(crate) number: u64,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) encoded: EncodedSnapshot,
    /// Where each route stands in the file, by its name.
    pub(crate) sources: Arc<BTreeMap<String, Position>>,
    /// By which the one after it is rolled out.
    pub(crate) policy: RolloutPolicy,
    /// Which health results are for which endpoints.
    pub(crate) health: Arc<HealthIndex>,
    pub(crate) needs: Needs,
    /// What it takes to come from the one before, which is what nearly every node has: worked out once.
    pub(crate) step: Option<Step>,
}

/// The way from one revision to the next.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) from: SnapshotHash,
    pub(crate) chunks: Vec<v1::SnapshotChunk>,
    /// Checked endpoints that the one before did not have.
    pub(crate) health: HealthIndex,
}

/// Why the file on disk is not what is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// All that is wrong, rendered for people.
    pub(crate) message: String,
    /// The same, each by itself, if it is something in the file.
    pub(crate) diagnostics: Option<Diagnostics>,
    pub(crate) since: SystemTime,
}

impl Revision {
    pub(crate) fn new(number: u64, compiled: Compiled, before: Option<&Self>) -> Self {
        let Compiled { snapshot, encoded, sources, policy, .. } = compiled;
        let health = Arc::new(HealthIndex::of(&snapshot));
        let step = before.map(|before| Step {
            from: before.hash(),
            chunks: encoded.chunks(Fence::default(), number, Some(&before.encoded)),
            health: health.without(&before.health),
        });
        Self {
            number,
            needs: Needs::of(&snapshot, &encoded),
            snapshot: Arc::new(snapshot),
            encoded,
            sources: Arc::new(sources),
            policy,
            health,
            step,
        }
    }

    /// The same under another number.
    pub(crate) fn again(&self, number: u64) -> Self {
        Self {
            number,
            snapshot: self.snapshot.clone(),
            encoded: self.encoded.clone(),
            sources: self.sources.clone(),
            policy: self.policy.clone(),
            health: self.health.clone(),
            needs: self.needs.clone(),
            step: None,
        }
    }

    pub(crate) fn hash(&self) -> SnapshotHash {
        self.encoded.hash()
    }

    /// The messages that bring a node from `base` here: a change where that is known and smaller, else all.
    pub(crate) fn chunks(&self, fence: Fence, base: Option<&EncodedSnapshot>) -> Vec<v1::SnapshotChunk> {
        let change = base.map(|base| match &self.step {
            Some(step) if step.from == base.hash() => fenced(&step.chunks, fence),
            Some(_) | None => self.encoded.chunks(fence, self.number, Some(base)),
        });
        match change {
            Some(chunks) if resource_bytes(&chunks) < self.encoded.encoded_len() => chunks,
            Some(_) | None => self.encoded.chunks(fence, self.number, None),
        }
    }
}

impl ConfigError {
    /// All that is wrong in the file.
    pub(crate) fn of_file(diagnostics: Diagnostics) -> Arc<Self> {
        let message = diagnostics.render(RenderStyle::Plain);
        Arc::new(Self { message, diagnostics: Some(diagnostics), since: SystemTime::now() })
    }

    /// What is not about a place in the file.
    pub(crate) fn elsewhere(message: String) -> Arc<Self> {
        Arc::new(Self { message, diagnostics: None, since: SystemTime::now() })
    }

    /// Of the first error in the file.
    pub(crate) fn position(&self) -> Option<Position> {
        self.diagnostics.as_ref()?.first_error().map(|error| error.span.start)
    }
}

/// Bytes of keys and bodies in these messages.
pub(crate) fn resource_bytes(chunks: &[v1::SnapshotChunk]) -> usize {
    let upserts = |chunk: &v1::SnapshotChunk| {
        chunk.upserts.iter().map(|entry| entry.key.len() + entry.body.len()).sum::<usize>()
    };
    let removals = |chunk: &v1::SnapshotChunk| chunk.removals.iter().map(String::len).sum::<usize>();
    chunks.iter().map(|chunk| upserts(chunk) + removals(chunk)).sum()
}

fn fenced(chunks: &[v1::SnapshotChunk], fence: Fence) -> Vec<v1::SnapshotChunk> {
    let fence = Some(v1::Fence::from(fence));
    chunks.iter().map(|chunk| v1::SnapshotChunk { fence, ..chunk.clone() }).collect()
}

#[cfg(test)]
mod tests;
