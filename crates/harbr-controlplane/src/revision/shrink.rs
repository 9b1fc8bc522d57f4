use std::collections::HashSet;

use harbr_model::Snapshot;

/// Removals of fewer than this are never too many.
const MIN_REMOVED: usize = 3;

/// Why the change is too destructive to be meant, if it is: it removes more than `percent` of the routes, the upstreams
/// or the endpoints. Endpoints count by number: other addresses for the same upstream are no removal.
pub(crate) fn shrink(before: &Snapshot, after: &Snapshot, percent: u8) -> Option<String> {
    let routes: HashSet<&str> = after.routes().iter().map(|route| route.name.as_str()).collect();
    let routes_removed = before.routes().iter().filter(|route| !routes.contains(route.name.as_str())).count();
    let upstreams_removed =
        before.upstreams().keys().filter(|name| !after.upstreams().contains_key(*name)).count();
    let endpoints = |snapshot: &Snapshot| -> usize {
        snapshot.upstreams().values().map(|upstream| upstream.endpoints.len()).sum()
    };
    let endpoints_removed = endpoints(before).saturating_sub(endpoints(after));
    let too_many: Vec<String> = [
        (routes_removed, before.routes().len(), "routes"),
        (upstreams_removed, before.upstreams().len(), "upstreams"),
        (endpoints_removed, endpoints(before), "endpoints"),
    ]
    .into_iter()
    .filter(|(removed, of, _)| *removed >= MIN_REMOVED && removed * 100 > of * usize::from(percent))
    .map(|(removed, of, what)| format!("{removed} of {of} {what}"))
    .collect();
    (!too_many.is_empty()).then(|| format!("it would remove {}", too_many.join(", ")))
}

#[cfg(test)]
mod tests;
