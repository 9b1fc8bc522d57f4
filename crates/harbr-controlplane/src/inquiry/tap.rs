use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use harbr_proto::v1;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::Inquiries;

/// Open at once.
const MAX_TAPS: usize = 16;
/// Of each node.
const MAX_PER_SECOND: u32 = 1_000;
/// A tap ends after this, whoever looks.
const MAX_TIME: Duration = Duration::from_secs(60 * 60);
/// Messages on their way to one who looks; what comes when there is no room is left out.
const QUEUE: usize = 256;

/// What one who looks is told.
pub(crate) type Tapping = BoxStream<'static, Result<v1::TapResponse, Status>>;

/// What nodes are asked for one who looks.
#[derive(Debug, Clone)]
pub(super) struct OpenTap {
    /// Empty: all.
    nodes: BTreeSet<String>,
    pub(super) tap: v1::Tap,
}

impl OpenTap {
    pub(super) fn is_for(&self, node: &str) -> bool {
        self.nodes.is_empty() || self.nodes.contains(node)
    }
}

/// Who looks.
#[derive(Debug, Default)]
pub(super) struct Taps {
    open: Mutex<BTreeMap<u64, Looker>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Looker {
    outbound: mpsc::Sender<Result<v1::TapResponse, Status>>,
    /// What it could not be told yet that it was not told.
    left_out: u64,
}

impl Inquiries {
    /// What nodes tell for this tap. It ends when the stream is dropped, when its time is over, or with `stop`.
    ///
    /// # Errors
    /// If there are as many as there may be.
    pub(crate) fn tap(
        self: &Arc<Self>,
        request: v1::TapRequest,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Tapping, Status> {
        let v1::TapRequest { nodes, tap } = request;
        let tap = tap.unwrap_or_default();
        let time = tap.ttl.and_then(|ttl| Duration::try_from(ttl).ok()).unwrap_or(MAX_TIME).min(MAX_TIME);
        let (outbound, inbound) = mpsc::channel(QUEUE);
        let id = self.taps.add(outbound)?;
        let per_second = tap.per_second.clamp(1, MAX_PER_SECOND);
        let tap = v1::Tap { id, per_second, ttl: time.try_into().ok(), ..tap };
        let open = OpenTap { nodes: nodes.into_iter().collect(), tap };
        self.want(|wanted| wanted.taps.push(open));
        let closing = Closing { inquiries: self.clone(), id };
        let told = ReceiverStream::new(inbound).take_until(timeout(time, stop)).boxed();
        let tapping =
            unfold((told, closing), async |(mut told, closing)| Some((told.next().await?, (told, closing))));
        Ok(tapping.boxed())
    }
}

/// Ends a tap with the stream that it is in, whatever ends that.
struct Closing {
    inquiries: Arc<Inquiries>,
    id: u64,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.inquiries.taps.open().remove(&self.id);
        self.inquiries.want(|wanted| wanted.taps.retain(|open| open.tap.id != self.id));
    }
}

impl Taps {
    pub(super) fn note(&self, node: &str, tapped: v1::Tapped) {
        let v1::Tapped { tap, requests, left_out } = tapped;
        let mut open = self.open();
        let Some(looker) = open.get_mut(&tap) else { return };
        let lost = requests.len() as u64;
        let left_out = left_out.saturating_add(looker.left_out);
        let message = v1::TapResponse { node: node.to_owned(), requests, left_out };
        looker.left_out = match looker.outbound.try_send(Ok(message)) {
            Ok(()) => 0,
            Err(_) => left_out.saturating_add(lost),
        };
    }

    fn add(&self, outbound: mpsc::Sender<Result<v1::TapResponse, Status>>) -> Result<u64, Status> {
        let mut open = self.open();
        if open.len() >= MAX_TAPS {
            return Err(Status::resource_exhausted(format!(
                "{MAX_TAPS} taps are open, which is all there may be"
            )));
        }
        let id = self.next.fetch_add(1, Relaxed) + 1;
        open.insert(id, Looker { outbound, left_out: 0 });
        Ok(id)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Looker>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
