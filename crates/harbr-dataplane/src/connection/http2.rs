//! HTTP/2 from a client (RFC 9113): many requests at once over one connection, each a task of its own.
//!
//! Who holds what: h2 the syntax of frames and fields, windows, and the floods that it can see; [`WatchedIo`]
//! the rest of them; the sweep the limits in time, of connections and, by [`Stream`], of single requests.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::watched_io::WatchedIo;
use super::{Client, Ending};
use crate::proxy;
use crate::stream::{self, Stream};
use crate::worker::Worker;

/// Bytes of one answer that wait for its client, beside the piece that came last.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Requests that were taken back before anybody saw them (CVE-2023-44487).
const MAX_RESETS_UNSEEN: usize = 20;
/// Requests that had to be reset for what their client did wrong (CVE-2025-8671).
const MAX_RESETS_BY_FAULT: usize = 100;
/// A connection that is silent this long is asked whether somebody is there, and how long that may take.
const PING_AFTER: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);

pub(super) async fn serve(
    worker: Rc<Worker>,
    client: Rc<Client>,
    io: impl AsyncRead + AsyncWrite + Unpin + 'static,
) {
    let state = client.state.clone();
    state.speak_http2();
    let next = NextStream::default();
    let builder = server(&worker, next.clone());
    let io = TokioIo::new(WatchedIo::new(io, state.clone(), worker.clone()));
    let service = service_fn(|request| {
        let stream = Rc::new(Stream::new(state.clone()));
        next.0.set(Some(stream.clone()));
        proxy::serve(worker.clone(), client.clone(), Some(stream), request)
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(client = %client.addr, %error, "a connection of HTTP/2 ended");
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

fn server(worker: &Rc<Worker>, next: NextStream) -> http2::Builder<Streams> {
    let table = worker.shared.table.load();
    let settings = &table.settings;
    let mut builder = http2::Builder::new(Streams { worker: worker.clone(), next });
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.http2.max_concurrent_streams)
        .initial_stream_window_size(settings.http2.stream_window)
        .initial_connection_window_size(settings.http2.connection_window)
        .max_header_list_size(settings.max_header_bytes)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS_UNSEEN)
        .max_local_error_reset_streams(MAX_RESETS_BY_FAULT)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

/// The stream whose request hyper has just handed over: the next task is its.
#[derive(Clone, Default)]
struct NextStream(Rc<Cell<Option<Rc<Stream>>>>);

/// Runs each request as a task of its worker.
#[derive(Clone)]
struct Streams {
    worker: Rc<Worker>,
    next: NextStream,
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Streams {
    fn execute(&self, future: F) {
        let tasks = &self.worker.tasks;
        match self.next.0.take() {
            Some(stream) => tasks.spawn_local(stream::drive(self.worker.clone(), stream, future)),
            None => tasks.spawn_local(future),
        };
    }
}
