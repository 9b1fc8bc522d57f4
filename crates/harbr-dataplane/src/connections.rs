use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::RandomState;
use harbr_model::Settings;

use crate::connection::{ConnectionState, Ending, Phase};

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

    /// Ends what is over its limits.
    pub(crate) fn sweep(&self, settings: &Settings) {
        for state in self.0.by_id.borrow().values() {
            match over_limit(state, settings) {
                Some(ending) => state.end(ending),
                None if state.is_write_stalled() => state.end(Ending::Abort),
                None => {}
            }
        }
    }

    /// Ends the connection that has rested longest, to make room for a client that waits.
    pub(crate) fn end_longest_idle(&self) {
        let by_id = self.0.by_id.borrow();
        let idle = by_id.values().filter(|state| state.phase() == Phase::Idle);
        if let Some(longest) = idle.max_by_key(|state| state.in_phase_for()) {
            longest.end(Ending::Graceful);
        }
    }

    /// Ends every connection that rests.
    pub(crate) fn end_resting(&self) {
        for state in self.0.by_id.borrow().values() {
            match state.phase() {
                Phase::Fresh => state.end(Ending::Abort),
                Phase::Idle => state.end(Ending::Graceful),
                Phase::Head | Phase::Active | Phase::Tunnel => {}
            }
        }
    }
}

fn over_limit(state: &ConnectionState, settings: &Settings) -> Option<Ending> {
    match state.phase() {
        Phase::Fresh | Phase::Head if state.in_phase_for() > settings.header_timeout => Some(Ending::Abort),
        Phase::Idle if state.in_phase_for() > settings.keep_alive_timeout => Some(Ending::Graceful),
        Phase::Fresh | Phase::Head | Phase::Idle | Phase::Active | Phase::Tunnel => None,
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.by_id.borrow_mut().remove(&self.id);
    }
}
