use std::time::Duration;

/// A day: no wait of a process is longer.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A duration as flags and the configuration file write it: `30s`, `250ms`, `5m`, `1h`.
///
/// # Errors
/// What is wrong, for the person who typed it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let expected = || format!("`{text}` is not a duration such as 30s, 250ms or 5m");
    let number: u64 = number.parse().map_err(|_| expected())?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(expected()),
    };
    let duration = Duration::from_millis(number.saturating_mul(milliseconds));
    if duration > MAX { Err(format!("`{text}` is more than a day")) } else { Ok(duration) }
}

#[cfg(test)]
mod tests;
