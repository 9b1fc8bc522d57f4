use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use harbr_proto::v1;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::Inquiries;

/// Requests of all nodes together.
const MAX_REQUESTS: usize = 100_000;
/// Of each node, however many there are.
const MIN_REQUESTS: usize = 10;
/// Their bytes; an answer to an operator has room for it.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// What nodes have not said by then is missing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who asks this soon after another is told the same.
const FRESH: Duration = Duration::from_secs(1);

/// What the nodes remember, gathered for one who asks at a time.
#[derive(Debug, Default)]
pub(super) struct Sample {
    last: tokio::sync::Mutex<Option<(Instant, Arc<v1::GetSampleResponse>)>>,
    gathering: Mutex<Gathering>,
    all_have_told: Notify,
}

/// One round of asking.
#[derive(Debug, Default)]
struct Gathering {
    id: u64,
    most: usize,
    bytes: usize,
    /// Who has not told all.
    awaited: BTreeSet<String>,
    told: BTreeMap<String, v1::NodeSample>,
}

impl Inquiries {
    /// What these nodes remember. Those that do not say it in time are named.
    pub(crate) async fn sample(&self, nodes: BTreeSet<String>) -> Arc<v1::GetSampleResponse> {
        let mut last = self.sample.last.lock().await;
        if let Some((at, known)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            tracing::trace!(age = ?at.elapsed(), "the sample was just gathered");
            return known.clone();
        }
        let most = (MAX_REQUESTS / nodes.len().max(1)).max(MIN_REQUESTS);
        let request = self.sample.begin(nodes, most);
        let asking = Asking::of(self, request);
        // Late ones are missing, that is all.
        let _all = timeout(PATIENCE, self.sample.told()).await;
        let gathered = Arc::new(self.sample.end());
        drop(asking);
        *last = Some((Instant::now(), gathered.clone()));
        gathered
    }
}

/// While it lasts nodes are asked. Who asked may leave in the middle: then nothing of it is kept.
struct Asking<'a>(&'a Inquiries);

impl<'a> Asking<'a> {
    fn of(inquiries: &'a Inquiries, request: v1::SampleRequest) -> Self {
        inquiries.want(|wanted| wanted.sample = Some(request));
        Self(inquiries)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.want(|wanted| wanted.sample = None);
        drop(self.0.sample.end());
    }
}

impl Sample {
    pub(super) fn note(&self, node: &str, chunk: v1::SampleChunk) {
        let mut gathering = self.gathering();
        if gathering.note(node, chunk) && gathering.awaited.is_empty() {
            self.all_have_told.notify_waiters();
        }
    }

    fn begin(&self, nodes: BTreeSet<String>, most: usize) -> v1::SampleRequest {
        let mut gathering = self.gathering();
        let id = gathering.id + 1;
        *gathering = Gathering { id, most, awaited: nodes, ..Gathering::default() };
        v1::SampleRequest { id, most: u32::try_from(most).unwrap_or(u32::MAX) }
    }

    /// Waits until all have told all.
    async fn told(&self) {
        loop {
            let told = self.all_have_told.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.gathering().awaited.is_empty() {
                return;
            }
            told.await;
        }
    }

    fn end(&self) -> v1::GetSampleResponse {
        let mut gathering = self.gathering();
        let silent = std::mem::take(&mut gathering.awaited).into_iter().collect();
        v1::GetSampleResponse { nodes: std::mem::take(&mut gathering.told).into_values().collect(), silent }
    }

    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gathering {
    /// Whether the node has told all with it. Nodes are not believed to keep to what they were asked.
    fn note(&mut self, node: &str, chunk: v1::SampleChunk) -> bool {
        let v1::SampleChunk { id, requests, covered, last } = chunk;
        if id != self.id || !self.awaited.contains(node) {
            return false;
        }
        let told = self.told.entry(node.to_owned()).or_insert_with(|| v1::NodeSample {
            node: node.to_owned(),
            covered,
            requests: Vec::new(),
        });
        self.bytes += requests.iter().map(size).sum::<usize>();
        let has_room = self.bytes <= MAX_BYTES && told.requests.len() + requests.len() <= self.most;
        if has_room {
            told.requests.extend(requests);
        }
        // One that tells more than there is room for stays among the silent.
        last && has_room && self.awaited.remove(node)
    }
}

fn size(request: &v1::SampledRequest) -> usize {
    let headers = request.headers.iter().map(|header| header.name.len() + header.value.len());
    size_of::<v1::SampledRequest>()
        + request.method.len()
        + request.host.len()
        + request.path.len()
        + headers.sum::<usize>()
}
