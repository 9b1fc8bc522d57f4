/// A header with one of these in its name may hold a secret.
const SECRET_WORDS: [&str; 8] =
    ["auth", "cookie", "credential", "key", "password", "secret", "session", "token"];

/// Whether what a header of this name says may let somebody in: `authorization`, `cookie`, `x-api-key`. Of such a header
/// only values that the configuration names itself are ever remembered or shown.
#[must_use]
pub fn may_be_secret(name: &str) -> bool {
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests;
