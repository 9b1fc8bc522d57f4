//! What an operator on the machine has a node do: [`crate::local`] is where that is asked.

use std::time::Instant;

use harbr_proto::{EncodedSnapshot, v1};

use super::{Node, Offer, Serving, Standing};
use crate::disk::{Pin, Slot};
use crate::local::Wanted;

impl Node {
    /// # Errors
    /// Why it cannot be done, for the operator.
    pub(crate) async fn execute(&mut self, wanted: Wanted) -> Result<(), String> {
        match wanted {
            Wanted::Status => Ok(()),
            Wanted::Pin { revision, reason } => self.pin(revision, reason).await,
            Wanted::Unpin => {
                tracing::warn!("unpinned by an operator");
                self.disk.set_pin(None).await
            }
        }
    }

    /// What a node says of itself to whoever is on its machine.
    pub(crate) fn local_status(&self) -> v1::LocalStatus {
        let quarantined = self.disk.quarantined().iter().cloned().map(Into::into).collect();
        v1::LocalStatus {
            serving: self.serving().map(Into::into),
            proven: self.disk.slots().proven.map(Into::into),
            candidate: self.disk.slots().candidate.map(Into::into),
            r#override: self.disk.pin().cloned().map(Into::into),
            quarantined,
            draining: self.shared.is_leaving() || self.shared.draining.is_on(),
            degraded: self.degraded().unwrap_or_default().to_owned(),
            ..v1::LocalStatus::default()
        }
    }

    async fn pin(&mut self, revision: u64, reason: String) -> Result<(), String> {
        let serving = match self.serving().filter(|serving| serving.revision == revision) {
            Some(serving) => serving,
            None => {
                let (serving, snapshot, standing) = self.find(revision).await?;
                let offer = Offer { serving, snapshot, standing, arrived: Instant::now() };
                self.take(offer, 0).await.map_err(|refusal| refusal.to_string())?;
                serving
            }
        };
        tracing::warn!(revision, reason, "pinned by an operator: the controller is not obeyed");
        self.disk.set_pin(Some(Pin { hash: serving.hash, revision, reason })).await
    }

    async fn find(&self, revision: u64) -> Result<(Serving, EncodedSnapshot, Standing), String> {
        let slots = [(Slot::Proven, Standing::Proven), (Slot::Candidate, Standing::Candidate)];
        for (slot, standing) in slots {
            if self.disk.slots().of(slot).is_some_and(|serving| serving.revision == revision)
                && let Some((serving, snapshot)) = self.disk.load(slot).await
            {
                return Ok((serving, snapshot, standing));
            }
        }
        let kept = slots.iter().filter_map(|(slot, _)| self.disk.slots().of(*slot));
        let kept: Vec<_> = kept.chain(self.serving()).map(|serving| serving.revision.to_string()).collect();
        let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
        Err(format!("this node does not have revision {revision}, but {kept}"))
    }
}
