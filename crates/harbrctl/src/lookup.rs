//! Finds what a name on the command line means.

use anyhow::anyhow;

/// What can be asked for by name.
pub(crate) trait Named {
    const KIND: &'static str;

    fn name(&self) -> &str;
}

/// All of `items`, or those that `names` name, in that order.
pub(crate) fn named<T: Named + Clone>(items: Vec<T>, names: &[String]) -> anyhow::Result<Vec<T>> {
    if names.is_empty() {
        return Ok(items);
    }
    names.iter().map(|name| find(&items, name).cloned()).collect()
}

pub(crate) fn one<T: Named + Clone>(items: Vec<T>, name: &str) -> anyhow::Result<T> {
    find(&items, name).cloned()
}

fn find<'a, T: Named>(items: &'a [T], name: &str) -> anyhow::Result<&'a T> {
    items.iter().find(|item| item.name() == name).ok_or_else(|| {
        let kind = T::KIND;
        match nearest(items.iter().map(Named::name), name) {
            Some(near) => anyhow!("there is no {kind} `{name}`: did you mean `{near}`?"),
            None => anyhow!("there is no {kind} `{name}`"),
        }
    })
}

/// The closest name, if it is close enough to be meant.
fn nearest<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> Option<&'a str> {
    const CLOSE: f64 = 0.7;
    names
        .map(|name| (strsim::normalized_damerau_levenshtein(name, wanted), name))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
