//! What of a request may be shown to people who look at traffic: nothing that lets them in.

use std::borrow::Cow;

/// Bytes of a path, and of the names in a query, that are kept.
const MAX_PATH: usize = 512;
const MAX_QUERY: usize = 256;
/// A run of letters and digits of this length is a token, not a word or a number.
const MIN_TOKEN: usize = 16;
/// What stands for what is not shown.
const MASK: &str = "*";
/// What of a path is kept at all.
pub(crate) fn shortened(path: &str) -> &str {
    cut(path, MAX_PATH)
}

/// The path, with `*` for each segment that looks like a token: `/reset/*`.
pub(crate) fn masked_path(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(is_token) {
        return Cow::Borrowed(path);
    }
    let masked = path.split('/').map(|segment| if is_token(segment) { MASK } else { segment });
    Cow::Owned(masked.collect::<Vec<_>>().join("/"))
}

/// The names in a query, and no value: `page=*&token=*`.
pub(crate) fn masked_query(query: &str) -> String {
    let masked =
        query.split('&').take_while(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
            Some((name, _)) if !is_token(name) => format!("{name}={MASK}"),
            Some(_) => format!("{MASK}={MASK}"),
            // It may be a value as well as a name.
            None => MASK.to_owned(),
        });
    let mut text = String::new();
    for pair in masked {
        if text.len() + pair.len() >= MAX_QUERY {
            break;
        }
        let separator = if text.is_empty() { "" } else { "&" };
        text.extend([separator, &pair]);
    }
    text
}

/// Letters and digits mixed, for longer than words are; the parts of a UUID are shorter.
fn is_token(segment: &str) -> bool {
    segment.len() >= MIN_TOKEN
        && segment.split(|character: char| !character.is_ascii_alphanumeric()).any(|run| {
            run.len() >= MIN_TOKEN
                && run.bytes().any(|byte| byte.is_ascii_digit())
                && run.bytes().any(|byte| byte.is_ascii_alphabetic())
        })
}

/// At most so many bytes, and whole characters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
