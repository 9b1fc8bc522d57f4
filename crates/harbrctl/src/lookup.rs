//! Finds what a name on the command line means.

use anyhow::anyhow;
use harbr_proto::document::{NodeDocument, RouteDocument, UpstreamDocument};

/// What can be asked for by name.
pub(crate) trait Named {
    const KIND: &'static str;

    fn name(&self) -> &str;
}

/// All of `items`, or those that `names` name, in that order. A name can be that of several: two nodes may
/// have been given the same.
pub(crate) fn named<T: Named + Clone>(items: Vec<T>, names: &[String]) -> anyhow::Result<Vec<T>> {
    if names.is_empty() {
        return Ok(items);
    }
    let mut found = Vec::new();
    for name in names {
        let before = found.len();
        found.extend(items.iter().filter(|item| item.name() == name).cloned());
        if found.len() == before {
            return Err(unknown(&items, name));
        }
    }
    Ok(found)
}

fn unknown<T: Named>(items: &[T], name: &str) -> anyhow::Error {
    let kind = T::KIND;
    match nearest(items.iter().map(Named::name), name) {
        Some(near) => anyhow!("there is no {kind} `{name}`: did you mean `{near}`?"),
        None => anyhow!("there is no {kind} `{name}`"),
    }
}

/// The closest name, if it is close enough to be meant.
pub(crate) fn nearest<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> Option<&'a str> {
    const CLOSE: f64 = 0.7;
    names
        .map(|name| (strsim::normalized_damerau_levenshtein(name, wanted), name))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

impl Named for NodeDocument {
    const KIND: &'static str = "node";

    fn name(&self) -> &str {
        &self.id
    }
}

impl Named for RouteDocument {
    const KIND: &'static str = "route";

    fn name(&self) -> &str {
        &self.route
    }
}

impl Named for UpstreamDocument {
    const KIND: &'static str = "upstream";

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests;
