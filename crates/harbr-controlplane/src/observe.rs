//! What the controller remembers of the last 15 minutes, for people who look: traffic by route and by node, health by
//! endpoint, and what happened. Nothing decides by it.

mod events;
mod history;
mod observer;
mod series;
mod track;

pub(crate) use events::{Event, Events, Following};
pub(crate) use history::{Change, HealthHistory};
pub(crate) use observer::Observer;
pub(crate) use series::{MAX_ROUTES, Series};
pub(crate) use track::{Points, STEP, Summary, Track};

/// What the [`Observer`] has seen.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) events: Events,
    pub(crate) history: HealthHistory,
}
