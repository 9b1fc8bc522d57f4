use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Message, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Sight;
use super::api::{EventDocument, overview_of};
use crate::observe::Event;

/// How often a page is told how things are.
const TICK: Duration = Duration::from_secs(2);

struct Reader {
    sight: Arc<Sight>,
    tick: Interval,
    events: Receiver<Event>,
}

/// An `overview` at once and then every two seconds; an `event` as it happens.
pub(super) async fn stream(
    State(sight): State<Arc<Sight>>,
) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (_, events) = sight.admin.observed.events.follow(0);
    Sse::new(unfold(Reader { sight, tick, events }, async |mut reader| {
        let stop = reader.sight.stop.clone();
        let message = stop.run_until_cancelled(reader.next()).await?;
        Some((Ok(message), reader))
    }))
}

impl Reader {
    async fn next(&mut self) -> Message {
        loop {
            tokio::select! {
                _tick = self.tick.tick() => return message("overview", &overview_of(&self.sight).await),
                event = self.events.recv() => match event {
                    Ok(event) => return message("event", &EventDocument::from(event)),
                    // The list of events has what this reader was too slow for.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                },
            }
        }
    }
}

fn message<T: Serialize>(name: &str, document: &T) -> Message {
    let message = Message::default().event(name);
    message.json_data(document).expect("the documents have only what JSON has, on one line")
}
