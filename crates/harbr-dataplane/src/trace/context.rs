//! The header `traceparent` (W3C Trace Context, 3.2).

use std::fmt;

use http::HeaderValue;

/// Never all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId([u8; 16]);

/// Never all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanId([u8; 8]);

/// Which trace a request belongs to, and the span that it was sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceParent {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub is_sampled: bool,
}

/// `00-<trace>-<span>-<flags>`
const LENGTH: usize = 55;

impl TraceParent {
    /// `None` if it is not valid: then its trace is not known.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let [version] = hex(&known[..2])?;
        let is_complete = match version {
            0 => rest.is_empty(),
            // A later version may say more, behind another dash.
            1..=0xfe => rest.first().is_none_or(|next| *next == b'-'),
            0xff => false,
        };
        let has_dashes = [2, 35, 52].iter().all(|place| known[*place] == b'-');
        let (trace_id, span_id) = (hex(&known[3..35])?, hex(&known[36..52])?);
        let [flags] = hex(&known[53..])?;
        if !is_complete || !has_dashes || trace_id == [0; 16] || span_id == [0; 8] {
            return None;
        }
        let (trace_id, span_id) = (TraceId(trace_id), SpanId(span_id));
        Some(Self { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }

    /// The root of a new trace of which no spans are made.
    pub(super) fn random() -> Self {
        Self { trace_id: TraceId::random(), span_id: SpanId::random(), is_sampled: false }
    }

    pub(super) fn to_value(self) -> HeaderValue {
        let Self { trace_id, span_id, is_sampled } = self;
        let text = format!("00-{trace_id}-{span_id}-{:02x}", u8::from(is_sampled));
        HeaderValue::try_from(text).expect("digits and dashes are a value")
    }
}

impl TraceId {
    pub(super) fn random() -> Self {
        Self(fastrand::u128(1..).to_be_bytes())
    }

    pub(super) fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl SpanId {
    pub(super) fn random() -> Self {
        Self(fastrand::u64(1..).to_be_bytes())
    }

    pub(super) fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Two digits a byte, in lower case.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let [high, low] = pair.try_into().ok()?;
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
