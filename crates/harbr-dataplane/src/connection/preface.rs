//! Which protocol a client speaks on a connection where nothing said so before: what it sends first decides
//! (RFC 9113, 3.3 and 3.4). How long it may take, the sweep holds, from accept on.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;

use tokio::io::{AsyncRead, ReadBuf};

/// What a client begins with that knows that the other end speaks HTTP/2.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// More than most heads of a first request: nothing is read twice for the look at its first bytes.
const FIRST_READ: usize = 2 * 1024;

/// What the bytes so far say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Http1,
    Http2,
    /// So far it is the preface, but not all of it.
    Open,
}

pub(super) fn decide(first: &[u8]) -> Verdict {
    if first.starts_with(PREFACE) {
        Verdict::Http2
    } else if PREFACE.starts_with(first) {
        Verdict::Open
    } else {
        Verdict::Http1
    }
}

/// Reads until it is clear, and gives back what was read. The end of what a client sends is left to HTTP/1.
///
/// # Errors
/// If the connection is broken.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<(Verdict, Vec<u8>)> {
    let mut first = Vec::new();
    loop {
        let before = first.len();
        poll_fn(|cx| {
            let mut bytes = [MaybeUninit::uninit(); FIRST_READ];
            let mut buffer = ReadBuf::uninit(&mut bytes);
            Pin::new(&mut *io)
                .poll_read(cx, &mut buffer)
                .map_ok(|()| first.extend_from_slice(buffer.filled()))
        })
        .await?;
        match decide(&first) {
            Verdict::Open if first.len() > before => {}
            Verdict::Open => return Ok((Verdict::Http1, first)),
            clear @ (Verdict::Http1 | Verdict::Http2) => return Ok((clear, first)),
        }
    }
}

#[cfg(test)]
mod tests;
