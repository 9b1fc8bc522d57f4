//! What a file says in secret is not said again.

use std::borrow::Cow;

/// The user and password of each URL, starred out: diagnostics go to logs, and to whoever asks for the status.
/// As many characters as before, so that columns stay right.
///
/// A text that is no good URL is masked too, and rather too much than too little: in each word, all up to the
/// last `@`, if a `:` of a scheme or before a password comes first.
pub(crate) fn mask_user_info(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')) {
        let (before, after) = word.rfind('@').map_or(("", word), |at| word.split_at(at));
        let (shown, secret) = match before.split_once("://") {
            Some((scheme, _)) => before.split_at(scheme.len() + "://".len()),
            None if before.contains(':') => ("", before),
            None => (before, ""),
        };
        masked.push_str(shown);
        masked.extend(secret.chars().map(|_| '*'));
        masked.push_str(after);
    }
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests;
