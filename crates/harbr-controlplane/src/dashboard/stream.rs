use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event as Message, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use harbr_proto::document::EventDocument;
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::api::overview_of;
use crate::admin::Admin;
use crate::observe::Following;

/// How often a page is told how things are.
const TICK: Duration = Duration::from_secs(2);
/// Pages at once. The address has a place for each connection, and probes of its health need some.
static PLACES: Semaphore = Semaphore::const_new(48);

struct Reader {
    admin: Arc<Admin>,
    tick: Interval,
    coming: Following,
    _place: SemaphorePermit<'static>,
}

/// An `overview` at once and then every two seconds; an `event` as it happens.
pub(super) async fn stream(
    State(admin): State<Arc<Admin>>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, (StatusCode, &'static str)> {
    let full = (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n");
    let place = PLACES.try_acquire().map_err(|_| full)?;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (_, coming) = admin.observed.events.follow(0);
    Ok(Sse::new(unfold(Reader { admin, tick, coming, _place: place }, async |mut reader| {
        let stop = reader.admin.stop.clone();
        let message = stop.run_until_cancelled(reader.next()).await?;
        Some((Ok(message), reader))
    })))
}

impl Reader {
    async fn next(&mut self) -> Message {
        tokio::select! {
            _tick = self.tick.tick() => message("overview", &overview_of(&self.admin).await),
            Some((event, missed)) = self.coming.next() => {
                message("event", &EventDocument::from(event.into_wire(missed)))
            }
        }
    }
}

fn message<T: Serialize>(name: &str, document: &T) -> Message {
    let message = Message::default().event(name);
    message.json_data(document).expect("the documents have only what JSON has, on one line")
}
