use std::pin::Pin;
use std::vec;

use futures_util::Stream;
use futures_util::stream::unfold;
use harbr_proto::v1;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use super::{Admin, at_most};
use crate::caller::Caller;
use crate::observe::{Event, Following};

pub(super) type EventStream = Pin<Box<dyn Stream<Item = Result<v1::Event, Status>> + Send>>;

struct Reader {
    past: vec::IntoIter<Event>,
    /// `None`: the past is all that is asked for.
    coming: Option<Following>,
    caller: Caller,
    stop: CancellationToken,
}

/// What is remembered, and then what comes, for as long as the caller may see it.
pub(super) fn watch(admin: &Admin, request: &Request<v1::WatchEventsRequest>) -> EventStream {
    let v1::WatchEventsRequest { most, follow } = *request.get_ref();
    let (past, coming) = admin.observed.events.follow(at_most(most));
    let reader = Reader {
        past: past.into_iter(),
        coming: follow.then_some(coming),
        caller: request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Anonymous),
        stop: admin.stop.clone(),
    };
    Box::pin(unfold(reader, async |mut reader| {
        let next = reader.next().await?;
        Some((next, reader))
    }))
}

impl Reader {
    async fn next(&mut self) -> Option<Result<v1::Event, Status>> {
        if let Some(event) = self.past.next() {
            return Some(Ok(event.into_wire(0)));
        }
        let coming = self.coming.as_mut()?;
        tokio::select! {
            next = coming.next() => next.map(|(event, missed)| Ok(event.into_wire(missed))),
            () = self.caller.expired() => {
                self.coming = None;
                Some(Err(Status::unauthenticated("the certificate that was shown has expired")))
            }
            () = self.stop.cancelled() => {
                self.coming = None;
                Some(Err(Status::unavailable("the controller shuts down")))
            }
        }
    }
}
