//! What of a request may be shown to people who look at traffic: nothing that lets them in.

use std::borrow::Cow;

/// Bytes of a path, and of the names in a query, that are kept.
const MAX_PATH: usize = 512;
const MAX_QUERY: usize = 256;
/// A run of letters and digits of this length is a token, not a word.
const MIN_TOKEN: usize = 16;
/// A run of digits of this length may be a card's or an account's.
const MIN_NUMBER: usize = 12;
/// What stands for what is not shown.
const MASK: &str = "*";

/// The path as it is shown: `*` for each segment that looks like a token, a number of a card, a UUID or an address of
/// somebody (`/reset/*`), and no more than its beginning.
pub(crate) fn shown_path(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(is_private) {
        return Cow::Borrowed(cut(path, MAX_PATH));
    }
    let masked = path.split('/').map(|segment| if is_private(segment) { MASK } else { segment });
    let masked = masked.collect::<Vec<_>>().join("/");
    Cow::Owned(cut(&masked, MAX_PATH).to_owned())
}

/// The names in a query, and no value: `page=*&token=*`.
pub(crate) fn masked_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let masked = pairs.map(|pair| match pair.split_once('=') {
        Some((name, _)) if !is_private(name) => format!("{name}={MASK}"),
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

fn is_private(segment: &str) -> bool {
    if segment.contains('@') || segment.contains("%40") {
        return true;
    }
    segment.len() >= MIN_NUMBER
        && (is_uuid(segment)
            || segment.split(|character: char| !character.is_ascii_alphanumeric()).any(is_token_or_number))
}

/// Letters and digits mixed, for longer than words are, or many digits.
fn is_token_or_number(run: &str) -> bool {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    if digits == run.len() { digits >= MIN_NUMBER } else { digits > 0 && run.len() >= MIN_TOKEN }
}

fn is_uuid(segment: &str) -> bool {
    let is_part = |(part, length): (&str, usize)| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    segment.len() == 36 && segment.split('-').zip([8, 4, 4, 4, 12]).filter(|part| is_part(*part)).count() == 5
}

/// At most so many bytes, and whole characters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests;
