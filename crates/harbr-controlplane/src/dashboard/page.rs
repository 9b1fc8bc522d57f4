use serde::{Deserialize, Serialize};

/// Elements of one answer at most.
const MAX_LIMIT: usize = 200;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Selection {
    /// Only what has this text in it, whatever the case.
    pub(super) q: String,
    pub(super) sort: String,
    pub(super) offset: usize,
    pub(super) limit: Option<usize>,
}

/// That part, and how many there are in all.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub(super) total: usize,
    pub(super) items: Vec<T>,
}

impl Selection {
    /// Whether one of `texts` has what is searched for.
    pub(super) fn finds<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        let wanted = self.q.trim().to_lowercase();
        wanted.is_empty() || texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
    }

    /// Of what was found, in its order.
    pub(super) fn cut<T>(&self, found: Vec<T>) -> Page<T> {
        let limit = self.limit.unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
        Page { total: found.len(), items: found.into_iter().skip(self.offset).take(limit).collect() }
    }
}
