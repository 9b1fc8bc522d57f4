use std::pin::pin;
use std::rc::Rc;

use harbr_model::Settings;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::{Client, Ending};
use crate::error::Reason;
use crate::guarded_io::GuardedIo;
use crate::proxy;
use crate::tracked_io::TrackedIo;
use crate::worker::Worker;

pub(super) async fn serve(worker: Rc<Worker>, client: Rc<Client>, io: TrackedIo) {
    let state = client.state.clone();
    let (builder, max_head) = {
        let table = worker.shared.table.load();
        (server(&table.settings), buffer_size(&table.settings))
    };
    let io = TokioIo::new(GuardedIo::new(io, state.clone(), max_head));
    let service = service_fn(|request| proxy::serve(worker.clone(), client.clone(), None, request));
    let mut connection = pin!(builder.serve_connection(io, service).with_upgrades());
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                // Any other error is the client's: what it means was said where a request failed.
                if let Err(error) = ended && error.is_parse() {
                    count_unreadable(&worker, &error);
                }
                return;
            }
            () = state.ended() => match state.ending() {
                Some(Ending::Abort) => return,
                Some(Ending::Graceful) | None => connection.as_mut().graceful_shutdown(),
            },
        }
    }
}

/// hyper has refused a head by itself; nobody else knows of that request.
fn count_unreadable(worker: &Worker, error: &hyper::Error) {
    let cells = worker.shared.cells.of(worker.index);
    let reason = if error.is_parse_too_large() { Reason::HeadTooLarge } else { Reason::BadRequest };
    cells.requests.error.increment();
    cells.reasons[reason as usize].increment();
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
