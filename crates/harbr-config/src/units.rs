//! Durations (`250ms`, `10s`) and sizes (`64KiB`, `10MB`) as the file writes them: an integer and a unit.

use std::time::Duration;

/// Why a text is not an amount of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvalidAmount {
    /// A number, and nothing that says of what.
    NoUnit,
    UnknownUnit,
    /// No integer in front.
    Syntax,
    TooLarge,
}

/// The largest unit first: that is the order in which [`format_duration`] tries them.
const DURATION_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

pub(crate) fn parse_duration(text: &str) -> Result<Duration, InvalidAmount> {
    parse(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// In bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, InvalidAmount> {
    parse(text, &SIZE_UNITS)
}

/// In the largest unit that leaves no remainder. What is finer than a millisecond is dropped.
pub(crate) fn format_duration(duration: Duration) -> String {
    format(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &DURATION_UNITS)
}

/// In the largest unit that leaves no remainder.
pub(crate) fn format_size(bytes: u64) -> String {
    format(bytes, &SIZE_UNITS)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Result<u64, InvalidAmount> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(InvalidAmount::Syntax);
    }
    if unit.is_empty() {
        return Err(InvalidAmount::NoUnit);
    }
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or(InvalidAmount::UnknownUnit)?;
    let number: u64 = number.parse().map_err(|_| InvalidAmount::TooLarge)?;
    number.checked_mul(*factor).ok_or(InvalidAmount::TooLarge)
}

fn format(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = |factor: u64| amount != 0 && amount.is_multiple_of(factor);
    let (unit, factor) = units
        .iter()
        .find(|(_, factor)| fits(*factor))
        .or(units.last())
        .map_or(("", 1), |(unit, factor)| (*unit, *factor));
    format!("{}{unit}", amount / factor)
}

#[cfg(test)]
mod tests;
