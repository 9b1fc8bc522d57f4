//! What operators want to know of the nodes' traffic: what they remember of it (`sample`), and what ends while somebody
//! looks (`tap`). Nodes are asked by their directives; nothing of it is kept here once it is told.

mod sample;
mod tap;

use std::sync::Arc;

use harbr_proto::v1;
use tokio::sync::watch;

use self::sample::Sample;
pub(crate) use self::tap::Tapping;
use self::tap::{OpenTap, Taps};

/// Who asks, what nodes are asked, and where what they say goes.
#[derive(Debug, Default)]
pub(crate) struct Inquiries {
    wanted: watch::Sender<Arc<Wanted>>,
    sample: Sample,
    taps: Taps,
}

/// What nodes are asked now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    sample: Option<v1::SampleRequest>,
    taps: Vec<OpenTap>,
}

impl Wanted {
    /// With what this node is asked.
    pub(crate) fn directives(&self, id: &str, directives: v1::Directives) -> v1::Directives {
        let taps = self.taps.iter().filter(|tap| tap.is_for(id)).map(|tap| tap.tap.clone()).collect();
        v1::Directives { sample: self.sample, taps, ..directives }
    }
}

impl Inquiries {
    pub(crate) fn wanted(&self) -> watch::Receiver<Arc<Wanted>> {
        self.wanted.subscribe()
    }

    /// A node tells a part of what it remembers.
    pub(crate) fn note_sample(&self, node: &str, chunk: v1::SampleChunk) {
        self.sample.note(node, chunk);
    }

    /// A node tells what has ended.
    pub(crate) fn note_tapped(&self, node: &str, tapped: v1::Tapped) {
        self.taps.note(node, tapped);
    }

    fn want(&self, change: impl FnOnce(&mut Wanted)) {
        self.wanted.send_modify(|wanted| change(Arc::make_mut(wanted)));
    }
}

#[cfg(test)]
mod tests;
