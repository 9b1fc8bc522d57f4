use std::time::Duration;

/// When a node takes an endpoint out by what it sees itself, and for how long. Beside the prober, whose word it
/// never overrules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlierPolicy {
    /// Attempts that fail in a row, by a 5xx, a reset or a timeout; 0: never.
    pub failures: u32,
    /// Connections that fail in a row; 0: never.
    pub connect_failures: u32,
    /// Of the first ejection; the next ones are longer by as much, up to `max_time`.
    pub base_time: Duration,
    pub max_time: Duration,
    /// Percent of an upstream's endpoints that are out at once, at most; rounded down, and never the last one.
    pub max_ejected: u32,
}

impl Default for OutlierPolicy {
    fn default() -> Self {
        Self {
            failures: 5,
            connect_failures: 5,
            base_time: Duration::from_secs(30),
            max_time: Duration::from_secs(300),
            max_ejected: 50,
        }
    }
}
