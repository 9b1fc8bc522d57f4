use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tokio::sync::mpsc;

/// Any body that a test sends, in either direction.
pub type TestBody = UnsyncBoxBody<Bytes, Infallible>;

#[must_use]
pub fn empty() -> TestBody {
    Empty::new().boxed_unsync()
}

/// With a `Content-Length`.
pub fn full(bytes: impl Into<Bytes>) -> TestBody {
    Full::new(bytes.into()).boxed_unsync()
}

/// Chunked: the pieces as they are, then trailers if there are any.
pub fn chunks(pieces: impl IntoIterator<Item = Bytes>, trailers: Option<HeaderMap>) -> TestBody {
    let frames: Vec<_> =
        pieces.into_iter().map(Frame::data).chain(trailers.map(Frame::trailers)).map(Ok).collect();
    BodyExt::boxed_unsync(StreamBody::new(stream::iter(frames)))
}

/// Chunked: each piece as it is sent; it ends when the sender is dropped.
#[must_use]
pub fn stream() -> (mpsc::Sender<Bytes>, TestBody) {
    let (tx, rx) = mpsc::channel(1);
    let frames = stream::unfold(rx, |mut rx: mpsc::Receiver<Bytes>| async move {
        let piece = rx.recv().await?;
        Some((Ok(Frame::data(piece)), rx))
    });
    (tx, BodyExt::boxed_unsync(StreamBody::new(frames)))
}

/// A hash that tells damaged bodies apart; FNV-1a, 64 bits. `so_far` is 0 at first.
#[must_use]
pub fn fnv1a(so_far: u64, bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let start = if so_far == 0 { OFFSET } else { so_far };
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
