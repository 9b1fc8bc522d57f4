use std::collections::BTreeMap;

use harbr_model::Snapshot;

/// Of each kind so many are named.
const NAMED: usize = 3;

/// What a change does, in a line: for people who look for it in the history.
pub(crate) fn summary(before: Option<&Snapshot>, after: &Snapshot) -> String {
    let Some(before) = before else {
        return format!("{} routes, {} upstreams", after.routes().len(), after.upstreams().len());
    };
    let routes = |snapshot: &Snapshot| -> BTreeMap<String, String> {
        snapshot.routes().iter().map(|route| (route.name.clone(), format!("{route:?}"))).collect()
    };
    let upstreams = |snapshot: &Snapshot| -> BTreeMap<String, String> {
        let upstreams = snapshot.upstreams().values();
        upstreams.map(|upstream| (upstream.name.clone(), format!("{upstream:?}"))).collect()
    };
    let listeners = |snapshot: &Snapshot| -> BTreeMap<String, String> {
        let listeners = snapshot.listeners().iter();
        listeners.map(|listener| (listener.name.clone(), format!("{listener:?}"))).collect()
    };
    let mut parts = Vec::new();
    changes("route", &routes(before), &routes(after), &mut parts);
    changes("upstream", &upstreams(before), &upstreams(after), &mut parts);
    changes("listener", &listeners(before), &listeners(after), &mut parts);
    if before.settings() != after.settings() {
        parts.push("settings changed".to_owned());
    }
    if parts.is_empty() { "nothing that nodes see".to_owned() } else { parts.join("; ") }
}

fn changes(
    kind: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    parts: &mut Vec<String>,
) {
    let named = |verb: &str, names: Vec<&String>, parts: &mut Vec<String>| {
        let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        match names.len() {
            0 => {}
            1 => parts.push(format!("{kind} {} {verb}", shown[0])),
            count if count <= NAMED => parts.push(format!("{count} {kind}s {verb}: {}", shown.join(", "))),
            count => parts.push(format!("{count} {kind}s {verb}: {}, …", shown.join(", "))),
        }
    };
    named("added", after.keys().filter(|name| !before.contains_key(*name)).collect(), parts);
    named("removed", before.keys().filter(|name| !after.contains_key(*name)).collect(), parts);
    let is_changed = |(name, text): &(&String, &String)| before.get(*name).is_some_and(|old| old != *text);
    named("changed", after.iter().filter(is_changed).map(|(name, _)| name).collect(), parts);
}

#[cfg(test)]
mod tests;
