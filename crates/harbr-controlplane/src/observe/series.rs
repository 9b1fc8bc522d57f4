use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::track::{Points, Summary, Track, Window};
use crate::gate::Tally;

/// Routes with a past of their own; of those beyond it the ones that rested longest make room.
pub(crate) const MAX_ROUTES: usize = 10_000;

/// Traffic over time, of all routes and of each.
#[derive(Debug, Default)]
pub(crate) struct Series(Mutex<Tracks>);

#[derive(Debug, Default)]
struct Tracks {
    all: Track,
    routes: HashMap<Arc<str>, Track>,
}

impl Series {
    /// Takes in what one node has just reported.
    pub(crate) fn add(&self, happened: &Tally, now: SystemTime) {
        let mut tracks = self.tracks();
        tracks.all.add(&happened.total, now);
        for (route, counts) in happened.routes.iter().filter(|(_, counts)| counts.requests > 0) {
            if !tracks.routes.contains_key(route) && tracks.routes.len() >= MAX_ROUTES {
                tracks.forget_rested();
            }
            tracks.routes.entry(route.clone()).or_default().add(counts, now);
        }
    }

    /// Of one route, or of all.
    pub(crate) fn points(&self, route: Option<&str>, now: SystemTime) -> Points {
        let tracks = self.tracks();
        match route.map(|route| tracks.routes.get(route)) {
            None => tracks.all.points(now),
            Some(Some(track)) => track.points(now),
            Some(None) => Track::default().points(now),
        }
    }

    pub(crate) fn now(&self, now: SystemTime) -> Summary {
        self.tracks().all.now(now)
    }

    /// The present of every route that answers at all.
    pub(crate) fn now_by_route(&self, now: SystemTime) -> HashMap<Arc<str>, Summary> {
        let tracks = self.tracks();
        let summaries = tracks.routes.iter().map(|(route, track)| (route.clone(), track.now(now)));
        summaries.filter(|(_, summary)| summary.requests > 0.0).collect()
    }

    /// The present of groups of routes, such as those of one upstream.
    pub(crate) fn now_by_group<K: Hash + Eq>(
        &self,
        now: SystemTime,
        group_of: impl Fn(&str) -> Option<K>,
    ) -> HashMap<K, Summary> {
        let mut groups: HashMap<K, Window> = HashMap::new();
        for (route, track) in &self.tracks().routes {
            if let Some(group) = group_of(route) {
                track.add_to(groups.entry(group).or_default(), now);
            }
        }
        let summaries = groups.into_iter().map(|(group, window)| (group, window.summary(now)));
        summaries.filter(|(_, summary)| summary.requests > 0.0).collect()
    }

    fn tracks(&self) -> MutexGuard<'_, Tracks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracks {
    /// Makes room for a tenth, so that it is not looked for at each new route.
    fn forget_rested(&mut self) {
        let mut steps: Vec<u64> = self.routes.values().map(Track::step).collect();
        let (_, limit, _) = steps.select_nth_unstable(MAX_ROUTES / 10);
        let limit = *limit;
        let mut surplus = MAX_ROUTES / 10;
        self.routes.retain(|_, track| {
            let goes = surplus > 0 && track.step() <= limit;
            surplus -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests;
