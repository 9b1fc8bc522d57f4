use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use harbr_model::Settings;

use crate::connection::{ConnectionState, Ending, Phase, Speaks};
use crate::stats::ConnectionEndCells;

/// How long a new connection that sends nothing keeps its place while others wait for one.
const FRESH_GRACE: Duration = Duration::from_secs(1);

/// The client connections of one worker. A coarse sweep over them holds all their limits in time, instead of
/// a timer for each.
#[derive(Debug, Default)]
pub(crate) struct Connections(Rc<Registry>);

#[derive(Debug, Default)]
struct Registry {
    by_id: RefCell<HashMap<u64, Arc<ConnectionState>, RandomState>>,
    next_id: Cell<u64>,
}

/// Takes the connection off the list when dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    registry: Rc<Registry>,
    id: u64,
}

impl Connections {
    pub(crate) fn register(&self, state: Arc<ConnectionState>) -> Registered {
        let id = self.0.next_id.replace(self.0.next_id.get() + 1);
        self.0.by_id.borrow_mut().insert(id, state);
        Registered { registry: self.0.clone(), id }
    }

    /// Ends what is over its limits, and parks what rests.
    pub(crate) fn sweep(&self, settings: &Settings, ended: &ConnectionEndCells) {
        for state in self.0.by_id.borrow().values() {
            match state.phase() {
                // What became of its request, the request says when it is dropped.
                _ if state.is_abandoned() => state.end(Ending::Abort),
                _ if state.is_stalled() => {
                    state.end(Ending::Abort);
                    ended.stalled.increment();
                }
                _ if state.is_head_late(settings.header_timeout) => {
                    state.end(Ending::Abort);
                    ended.header_timeout.increment();
                }
                _ if state.outstays() => state.end(Ending::Abort),
                Phase::Fresh | Phase::Head if state.in_phase_for() > settings.header_timeout => {
                    state.end(Ending::Abort);
                    ended.header_timeout.increment();
                }
                Phase::Idle if state.is_at_rest() && state.in_phase_for() > settings.keep_alive_timeout => {
                    state.end_at_rest();
                    ended.keep_alive_timeout.increment();
                }
                Phase::Idle => state.park_when_at_rest(),
                Phase::Fresh
                | Phase::Head
                | Phase::Active
                | Phase::Answering
                | Phase::LateBody
                | Phase::Tunnel => {}
            }
        }
    }

    /// Ends the connection that has rested longest, to make room for a client that waits.
    pub(crate) fn end_longest_at_rest(&self, ended: &ConnectionEndCells) {
        let by_id = self.0.by_id.borrow();
        // A fresh one may have a request on its way.
        let is_spared =
            |state: &ConnectionState| state.phase() == Phase::Fresh && state.in_phase_for() <= FRESH_GRACE;
        let at_rest = by_id.values().filter(|state| state.is_at_rest() && !is_spared(state));
        if let Some(longest) = at_rest.max_by_key(|state| state.in_phase_for()) {
            longest.end_at_rest();
            ended.made_room.increment();
        }
    }

    /// Ends every connection that has rested for a while; one that was used lately may be about to be again.
    pub(crate) fn end_unused(&self, at_rest_for: Duration) {
        let by_id = self.0.by_id.borrow();
        let is_unused = |state: &ConnectionState| {
            state.phase() == Phase::Idle && state.is_at_rest() && state.in_phase_for() > at_rest_for
        };
        by_id.values().filter(|state| is_unused(state)).for_each(|state| state.end_at_rest());
    }

    /// Ends every connection that rests.
    pub(crate) fn end_all_at_rest(&self) {
        let by_id = self.0.by_id.borrow();
        by_id.values().filter(|state| state.is_at_rest()).for_each(|state| state.end_at_rest());
    }

    /// Tells every client of HTTP/2 to open no more requests on its connection. No request races with it, as
    /// with the end of a connection of HTTP/1: what is on its way is answered, or said to be unseen.
    pub(crate) fn say_goodbye(&self) {
        let by_id = self.0.by_id.borrow();
        let speaks_http2 = |state: &&Arc<ConnectionState>| state.speaks() == Speaks::Http2;
        by_id.values().filter(speaks_http2).for_each(|state| state.end_once());
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.by_id.borrow_mut().remove(&self.id);
    }
}
