use std::time::Duration;

use harbr_proto::v1;
use serde::{Deserialize, Serialize};

/// A line of `harbrctl sample -o json`. What is not said of a request in a file is as if each were written down, for ten
/// minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SampledRecord {
    /// The node that remembers it.
    #[serde(default)]
    pub(crate) node: Option<String>,
    pub(crate) method: String,
    pub(crate) host: String,
    /// In its normal form, without the query.
    pub(crate) path: String,
    /// Of those that a route matches on.
    #[serde(default)]
    pub(crate) headers: Vec<SampledHeader>,
    /// Requests that it stands for.
    #[serde(default = "one")]
    pub(crate) weight: f64,
    /// Over which they came.
    #[serde(default = "ten_minutes")]
    pub(crate) over_seconds: f64,
    #[serde(default)]
    pub(crate) age_seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SampledHeader {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl SampledRecord {
    pub(super) fn of(node: &str, covered: Duration, request: v1::SampledRequest) -> Self {
        let v1::SampledRequest { method, host, path, headers, weight, age } = request;
        let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
        let header = |v1::Header { name, value }| {
            // A value that is no text is none that a configuration could ask for.
            Some(SampledHeader { name, value: String::from_utf8(value).ok()? })
        };
        Self {
            node: Some(node.to_owned()),
            method,
            host,
            path,
            headers: headers.into_iter().filter_map(header).collect(),
            weight,
            over_seconds: thousandths(covered.as_secs_f64()),
            age_seconds: thousandths(age.as_secs_f64()),
        }
    }

    pub(crate) fn over(&self) -> Duration {
        Duration::try_from_secs_f64(self.over_seconds).unwrap_or_default()
    }

    /// Requests a second that it stands for.
    pub(crate) fn per_second(&self) -> f64 {
        // What has run for less has no rate yet.
        self.weight / self.over_seconds.max(1.0)
    }
}

/// For reading: exact enough.
pub(crate) fn thousandths(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn one() -> f64 {
    1.0
}

fn ten_minutes() -> f64 {
    600.0
}
