use std::net::SocketAddr;

use crate::client::get;

/// What `/metrics` said at one moment.
#[derive(Debug)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// # Panics
    /// If the address does not serve metrics.
    pub async fn scrape(admin: SocketAddr) -> Self {
        let reply = get(admin, "/metrics").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        Self { text: reply.text() }
    }

    /// The sum over the series with this name that carry all of these labels; `None` if there is none.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        self.text
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| {
                let (series_name, series_labels) = series.split_once('{').unwrap_or((series, ""));
                series_name == name && wanted.iter().all(|label| has_label(series_labels, label))
            })
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .reduce(|a, b| a + b)
    }

    /// As [`value`](Self::value) of a counter.
    ///
    /// # Panics
    /// If there is no such series.
    #[must_use]
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let value = self.value(name, labels);
        let value = value.unwrap_or_else(|| panic!("no series {name}{labels:?} in:\n{}", self.text));
        assert!(value >= 0.0 && value.fract() == 0.0, "{name}{labels:?} is {value}");
        // Exact: the tests count far below 2^53.
        format!("{value:.0}").parse().expect("a whole number")
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn has_label(labels: &str, wanted: &str) -> bool {
    let labels = labels.trim_end_matches('}');
    labels.match_indices(wanted).any(|(at, found)| {
        let before = at == 0 || labels.as_bytes()[at - 1] == b',';
        let end = at + found.len();
        before && (end == labels.len() || labels.as_bytes()[end] == b',')
    })
}
