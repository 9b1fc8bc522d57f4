//! HTTP/1 from a client. A connection that rests is taken apart and only its socket is kept: of the 24 KiB that it
//! takes with hyper's buffers and the state of a request, 2 remain (measured with 2,000 of them). The first byte of the next request
//! puts it together again, which costs what a new connection does after its accept.

use std::rc::Rc;
use std::time::Duration;

use harbr_model::Settings;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::{Client, ConnectionState, Ending};
use crate::access_log::Record;
use crate::error::ProxyError;
use crate::guarded_io::GuardedIo;
use crate::proxy;
use crate::tracked_io::TrackedIo;
use crate::worker::Worker;

/// How long a connection that is parked has to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) async fn serve(worker: Rc<Worker>, client: Rc<Client>, mut io: TrackedIo) {
    while let Some(at_rest) = serve_until_rest(&worker, &client, io).await {
        io = at_rest;
        match park(&worker, &client.state, &io).await {
            Woken::Readable => {}
            Woken::Ended(Ending::Graceful) => {
                let _said = timeout(GOODBYE, io.shutdown()).await;
                return;
            }
            Woken::Ended(Ending::Abort) => return,
        }
    }
}

/// Why a connection is parked no longer.
enum Woken {
    /// By a request, or by its client's end: hyper knows what to do then.
    Readable,
    Ended(Ending),
}

async fn park(worker: &Worker, state: &ConnectionState, io: &TrackedIo) -> Woken {
    let parked = &worker.shared.cells.of(worker.index).connections_parked;
    parked.increment();
    state.set_parked(true);
    let woken = loop {
        tokio::select! {
            // A request that has come is served, also if it is the last.
            biased;
            readable = io.readable() => break match readable {
                Ok(()) => Woken::Readable,
                Err(_) => Woken::Ended(Ending::Abort),
            },
            () = state.ended() => if let Some(ending) = state.ending() {
                break Woken::Ended(ending);
            },
        }
    };
    state.set_parked(false);
    parked.decrement();
    woken
}

/// Comes back with the socket if the connection rests, and with nothing at its end.
async fn serve_until_rest(worker: &Rc<Worker>, client: &Rc<Client>, io: TrackedIo) -> Option<TrackedIo> {
    let state = &client.state;
    let (builder, max_head) = {
        let table = worker.shared.table.load();
        (server(&table.settings), buffer_size(&table.settings))
    };
    let io = TokioIo::new(GuardedIo::new(io, state.clone(), max_head));
    let service = service_fn(|request| proxy::serve(worker.clone(), client.clone(), None, request));
    // Boxed, so that its memory is given back while the connection is parked.
    let mut connection = Box::pin(builder.serve_connection(io, service).with_upgrades());
    loop {
        tokio::select! {
            // No draw of who comes first, which costs more than either.
            biased;
            ended = connection.as_mut() => {
                // Any other error is the client's: what it means was said where a request failed.
                if let Err(error) = ended && error.is_parse() {
                    note_unreadable(worker, client, &error);
                }
                return None;
            }
            () = state.ended() => match state.ending() {
                Some(Ending::Abort) => return None,
                Some(Ending::Graceful) => connection.as_mut().graceful_shutdown(),
                // The sweep has found it at rest; a request may have come since.
                None if state.rests() => {
                    let parts = Pin::into_inner(connection).into_parts()?;
                    return Some(parts.io.into_inner().into_inner(&parts.read_buf));
                }
                None => {}
            },
        }
    }
}

/// hyper has refused a head by itself; nobody else knows of that request.
fn note_unreadable(worker: &Worker, client: &Client, error: &hyper::Error) {
    let cells = worker.shared.cells.of(worker.index);
    let error = if error.is_parse_too_large() {
        ProxyError::HeadTooLarge
    } else {
        ProxyError::BadRequest("it cannot be read")
    };
    cells.requests.error.increment();
    cells.reasons[error.reason() as usize].increment();
    if worker.access_log.takes(false) {
        let head = client.state.in_phase_for();
        worker.access_log.write(&Record::of_unreadable(client, &error, head));
    }
}

fn server(settings: &Settings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // The sweep holds the limits in time.
        .header_read_timeout(None)
        .max_headers(settings.max_headers as usize)
        .max_header_size(settings.max_header_bytes as usize)
        .max_buf_size(buffer_size(settings));
    builder
}

/// What is read ahead of one connection at most.
fn buffer_size(settings: &Settings) -> usize {
    (settings.max_header_bytes as usize).max(64 * 1024)
}
