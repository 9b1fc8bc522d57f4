//! Reads along the frames that a client of HTTP/2 sends, their nine-byte heads only (RFC 9113, 4.1), for what
//! hyper does not hold: how many frames that ask for nothing a connection may carry, and for how long a head
//! may be on its way. hyper and h2 hold the rest: resets before a request is seen, streams that they
//! themselves have to reset, continuations, empty DATA, queues of what was not read.

use super::preface::PREFACE;

const HEAD: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const CONTINUATION: u8 = 0x9;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// Settings are a part of the preface (RFC 9113, 3.4): there is no patience with a client that leaves them out.
const WITHOUT_SETTINGS: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct FrameWatch {
    /// The bytes of the next frame's head that came so far.
    head: [u8; HEAD],
    head_len: usize,
    /// What is still to come of the preface or of the current frame.
    skip: usize,
    /// The fields of a request are on their way: nothing else may come between (RFC 9113, 6.10).
    block: Block,
    has_begun: bool,
    seen: Seen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    Open,
    /// It ends with the current frame.
    Ending,
}

/// What some bytes held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Frames that began.
    pub frames: u32,
    /// Those of them that begin the fields of a request, or of its trailers.
    pub heads: u32,
    /// What those of them that ask for nothing cost of the connection's patience.
    pub cost: u32,
}

impl FrameWatch {
    /// The preface is still to come.
    pub(super) fn new() -> Self {
        Self {
            head: [0; HEAD],
            head_len: 0,
            skip: PREFACE.len(),
            block: Block::None,
            has_begun: false,
            seen: Seen::default(),
        }
    }

    /// What the next bytes hold.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Seen {
        self.seen = Seen::default();
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.skip == 0 && self.block == Block::Ending {
                self.block = Block::None;
            }
            if bytes.is_empty() {
                return self.seen;
            }
            let taken = bytes.len().min(HEAD - self.head_len);
            self.head[self.head_len..self.head_len + taken].copy_from_slice(&bytes[..taken]);
            self.head_len += taken;
            bytes = &bytes[taken..];
            if self.head_len == HEAD {
                self.head_len = 0;
                self.begin_frame();
            }
        }
    }

    /// A request's head has begun and has not ended.
    pub(super) fn is_in_head(&self) -> bool {
        self.block != Block::None
    }

    fn begin_frame(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.head;
        let len = u32::from_be_bytes([0, high, middle, low]);
        self.skip = len as usize;
        if matches!(kind, HEADERS | CONTINUATION) {
            self.block = if flags & END_HEADERS == 0 { Block::Open } else { Block::Ending };
        }
        self.seen.frames += 1;
        self.seen.heads += u32::from(kind == HEADERS);
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let cost = if is_first && kind != SETTINGS { WITHOUT_SETTINGS } else { cost(kind, flags, len) };
        self.seen.cost = self.seen.cost.saturating_add(cost);
    }
}

/// A request and its body have limits of their own. All else is housekeeping, of which little is needed.
fn cost(kind: u8, flags: u8, len: u32) -> u32 {
    match kind {
        HEADERS => 0,
        DATA if len > 0 || flags & END_STREAM != 0 => 0,
        DATA | CONTINUATION => 1,
        // What it takes back may have been done already (CVE-2023-44487).
        RST_STREAM => 5,
        SETTINGS => 5,
        // PRIORITY, PING, WINDOW_UPDATE, and what nobody knows.
        _ => 1 + len / 1_024,
    }
}

#[cfg(test)]
mod tests;
