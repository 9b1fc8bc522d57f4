use std::borrow::Cow;

use harbr_model::{OddPaths, PathPrefix, PathRewrite};

/// Why a path is not forwarded at all: two readers could understand it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    #[error("the path does not start with a slash")]
    NoSlash,
    #[error("the path has a percent sign that two hexadecimal digits do not follow")]
    PercentEncoding,
    #[error("the path has a NUL")]
    Nul,
    #[error("the path has a backslash")]
    Backslash,
    #[error("the path climbs above the root")]
    AboveRoot,
}

/// The one form of a path that is matched and forwarded (RFC 3986, 6.2.2): percent-encoded unreserved
/// characters decoded, other escapes in upper case, what is not ASCII escaped, dot segments resolved. `%2F` and `//` stay as they are
/// and never separate segments.
///
/// # Errors
/// If the path has no form that all readers understand alike, and is not one of those that `odd` lets through.
pub fn normal_form(path: &str, odd: OddPaths) -> Result<Cow<'_, str>, InvalidPath> {
    if !path.starts_with('/') {
        return Err(InvalidPath::NoSlash);
    }
    if is_normal(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    resolve_dot_segments(&decode_unreserved(path, odd)?, odd).map(Cow::Owned)
}

/// What the upstream is asked for: its own base path, then the request's path with the matched prefix kept
/// or replaced. Always starts with a slash.
#[must_use]
pub fn forwarded_path<'a>(
    path: &'a str,
    prefix: &PathPrefix,
    rewrite: &PathRewrite,
    base_path: &str,
) -> Cow<'a, str> {
    let (replacement, rest) = match rewrite {
        PathRewrite::Keep => ("", path),
        PathRewrite::ReplacePrefix(to) => {
            (to.as_str(), path.get(prefix.as_str().len()..).unwrap_or_default())
        }
    };
    let slash =
        if rest.starts_with('/') || !(replacement.is_empty() && base_path.is_empty()) { "" } else { "/" };
    match (base_path, replacement, slash) {
        ("", "", "") => Cow::Borrowed(rest),
        _ => Cow::Owned([base_path, replacement, slash, rest].concat()),
    }
}

/// Nothing in the path asks for a second look.
fn is_normal(path: &[u8]) -> bool {
    let mut after_slash = false;
    for &byte in path {
        match byte {
            b'%' | b'\\' | 0 | 0x80.. => return false,
            b'.' if after_slash => return false,
            _ => after_slash = byte == b'/',
        }
    }
    true
}

fn decode_unreserved(path: &str, odd: OddPaths) -> Result<String, InvalidPath> {
    let mut decoded = String::with_capacity(path.len());
    let mut parts = path.split('%');
    push_checked(&mut decoded, parts.next().unwrap_or_default(), odd)?;
    for part in parts {
        let (escape, rest) = part.split_at_checked(2).ok_or(InvalidPath::PercentEncoding)?;
        if !escape.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidPath::PercentEncoding);
        }
        match u8::from_str_radix(escape, 16).map_err(|_| InvalidPath::PercentEncoding)? {
            0 if !odd.nul => return Err(InvalidPath::Nul),
            b'\\' if !odd.backslash => return Err(InvalidPath::Backslash),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => decoded.push(byte.into()),
            _ => {
                decoded.push('%');
                decoded.push_str(&escape.to_ascii_uppercase());
            }
        }
        push_checked(&mut decoded, rest, odd)?;
    }
    Ok(decoded)
}

fn push_checked(decoded: &mut String, part: &str, odd: OddPaths) -> Result<(), InvalidPath> {
    if part.contains('\\') && !odd.backslash {
        return Err(InvalidPath::Backslash);
    }
    if part.contains('\0') {
        return Err(InvalidPath::Nul);
    }
    for character in part.chars() {
        if character.is_ascii() {
            decoded.push(character);
        } else {
            let bytes = &mut [0; 4];
            let escapes = character.encode_utf8(bytes).bytes().map(|byte| format!("%{byte:02X}"));
            decoded.extend(escapes);
        }
    }
    Ok(())
}

/// RFC 3986, 5.2.4, but what climbs above the root is refused unless it is said to be dropped.
fn resolve_dot_segments(path: &str, odd: OddPaths) -> Result<String, InvalidPath> {
    let mut segments = Vec::new();
    let mut ends_in_dots = false;
    for segment in path.split('/').skip(1) {
        ends_in_dots = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                if segments.pop().is_none() && !odd.above_root {
                    return Err(InvalidPath::AboveRoot);
                }
            }
            _ => segments.push(segment),
        }
    }
    // `/a/.` and `/a/b/..` name the folder `/a/`.
    if ends_in_dots {
        segments.push("");
    }
    let mut resolved = String::with_capacity(path.len());
    for segment in &segments {
        resolved.push('/');
        resolved.push_str(segment);
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests;
