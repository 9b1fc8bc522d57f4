use std::sync::{Arc, Mutex};

use bytes::Bytes;
use harbr_tests::{TestBody, chunks, fnv1a, full};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

/// What became of upgraded connections.
pub(super) type Tunnels = Arc<Mutex<JoinSet<()>>>;

/// Largest body either way.
pub(super) const MOST: u64 = 300_000;

/// Bytes that only this number gives.
pub(super) fn bytes(seed: u64, length: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// What an origin of this test answers: `/bytes/SEED/LENGTH` those bytes, `/pieces/…` the same in chunks, `/hash` the
/// hash of what it was sent, and an upgrade with all that it gets, inverted.
pub(super) async fn answer(mut request: Request<Incoming>, tunnels: Tunnels) -> Response<TestBody> {
    if request.headers().contains_key("upgrade") {
        return invert(&mut request, &tunnels);
    }
    let path = request.uri().path().to_owned();
    let mut words = path.split('/').skip(1);
    let kind = words.next().unwrap_or_default();
    let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
    match (kind, &*numbers) {
        ("bytes", [seed, length]) => Response::new(full(bytes(*seed, *length))),
        ("pieces", [seed, length]) => {
            let whole = bytes(*seed, *length);
            let pieces: Vec<Bytes> = whole.chunks(7_001).map(Bytes::copy_from_slice).collect();
            Response::new(chunks(pieces, None::<HeaderMap>))
        }
        ("hash", _) => match request.into_body().collect().await {
            Ok(body) => Response::new(full(fnv1a(0, &body.to_bytes()).to_string())),
            Err(_) => Response::new(full("cut off")),
        },
        _ => Response::new(full("nothing")),
    }
}

fn invert(request: &mut Request<Incoming>, tunnels: &Tunnels) -> Response<TestBody> {
    let upgrade = hyper::upgrade::on(request);
    let tunnel = async move {
        let Ok(upgraded) = upgrade.await else { return };
        let mut io = TokioIo::new(upgraded);
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = io.read(&mut buffer).await {
            buffer[..count].iter_mut().for_each(|byte| *byte = !*byte);
            if io.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    let mut tunnels = tunnels.lock().unwrap();
    while tunnels.try_join_next().is_some() {}
    tunnels.spawn(tunnel);
    let mut response = Response::new(full(""));
    *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    response.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
    response
}
