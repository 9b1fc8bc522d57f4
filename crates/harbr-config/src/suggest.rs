//! "Did you mean …?"

/// Longer words are not mistyped keys; comparing them would only cost time.
const MAX_LENGTH: usize = 64;
/// Enough for every key of the format, and for the upstreams of any file that a person edits.
const MAX_CANDIDATES: usize = 1_000;

/// The candidate that is so close to the text that a slip of the finger explains the difference.
pub(crate) fn closest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = text.chars().count();
    if length > MAX_LENGTH {
        return None;
    }
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(|candidate| candidate.len().abs_diff(text.len()) <= allowed.max(2))
        .map(|candidate| (distance(text, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `timeoutMs` and `timeout-ms` are `timeout_ms` to whoever writes them.
fn distance(text: &str, candidate: &str) -> usize {
    let plain = |word: &str| word.to_lowercase().replace(['_', '-'], "");
    if plain(text) == plain(candidate) { 0 } else { strsim::damerau_levenshtein(text, candidate) }
}

#[cfg(test)]
mod tests;
