use std::fmt;
use std::str::FromStr;

const WHOLE: u32 = 1_000_000;

/// Of so many requests something is kept: a percentage, down to a ten-thousandth of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleShare(u32);

/// A text is no percentage from 0 to 100 with at most four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a percentage from `0%` to `100%` with at most four decimals, such as `0.1%`")]
pub struct InvalidSampleShare;

impl SampleShare {
    pub const ALL: Self = Self(WHOLE);

    /// # Errors
    /// If it is more than a whole.
    pub fn per_million(share: u32) -> Result<Self, InvalidSampleShare> {
        if share <= WHOLE { Ok(Self(share)) } else { Err(InvalidSampleShare) }
    }

    #[must_use]
    pub fn to_per_million(self) -> u32 {
        self.0
    }

    /// Whether one is kept for which this was drawn, evenly from all there is.
    #[must_use]
    pub fn takes(self, drawn: u32) -> bool {
        (u64::from(drawn) * u64::from(WHOLE)) >> u32::BITS < u64::from(self.0)
    }
}

impl FromStr for SampleShare {
    type Err = InvalidSampleShare;

    fn from_str(text: &str) -> Result<Self, InvalidSampleShare> {
        let percent = text.strip_suffix('%').ok_or(InvalidSampleShare)?;
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
        let is_number = |digits: &str, most: usize| {
            (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 3) || !is_number(decimals, 4) {
            return Err(InvalidSampleShare);
        }
        let number: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| InvalidSampleShare)?;
        Self::per_million(number)
    }
}

impl fmt::Display for SampleShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / 10_000, format!("{:04}", self.0 % 10_000));
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}%"),
            decimals => write!(f, "{whole}.{decimals}%"),
        }
    }
}

#[cfg(test)]
mod tests;
