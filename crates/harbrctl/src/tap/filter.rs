use std::str::FromStr;

/// `503`, `5xx` or `400-499`; both 0: any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Statuses {
    pub(super) least: u32,
    pub(super) most: u32,
}

/// `10/s`, or `10`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate(pub(super) u32);

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) = match (text.strip_suffix("xx"), text.split_once('-')) {
            (Some(class), _) => (format!("{class}00"), format!("{class}99")),
            (None, Some((least, most))) => (least.to_owned(), most.to_owned()),
            (None, None) => (text.to_owned(), text.to_owned()),
        };
        let status = |text: &str| text.parse().ok().filter(|status| (100..=999).contains(status));
        match (status(&least), status(&most)) {
            (Some(least), Some(most)) if least <= most => Ok(Self { least, most }),
            _ => Err(format!("`{text}` is no status: write 503, 5xx or 400-499")),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix("/s").unwrap_or(text).parse().ok();
        let number = number.filter(|number| (1..=1_000).contains(number));
        number.map(Self).ok_or_else(|| format!("`{text}` is no rate from 1/s to 1000/s"))
    }
}
