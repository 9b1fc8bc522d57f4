use std::collections::BTreeMap;

use harbr_model::Route;
use harbr_routing::may_be_secret;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers of one request that are remembered, and bytes of each.
const MAX_HEADERS: usize = 32;
const MAX_VALUE: usize = 256;

/// Which headers the routes of a table match on, and what of them may be remembered.
#[derive(Debug, Default)]
pub(crate) struct MatchedHeaders(Vec<(HeaderName, Remembered)>);

#[derive(Debug)]
enum Remembered {
    Any,
    /// Of what may be a secret only what the configuration says anyway.
    Only(Vec<HeaderValue>),
}

impl MatchedHeaders {
    pub(crate) fn of_routes<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut values: BTreeMap<&str, (&HeaderName, Vec<HeaderValue>)> = BTreeMap::new();
        for wanted in routes.into_iter().flat_map(|route| &route.matches.headers) {
            let (_, known) = values.entry(wanted.name.as_str()).or_insert((&wanted.name, Vec::new()));
            if may_be_secret(wanted.name.as_str()) && !known.contains(&wanted.value) {
                known.push(wanted.value.clone());
            }
        }
        let remembered = |(name, known): (&HeaderName, Vec<HeaderValue>)| match may_be_secret(name.as_str()) {
            true => (name.clone(), Remembered::Only(known)),
            false => (name.clone(), Remembered::Any),
        };
        Self(values.into_values().map(remembered).collect())
    }

    /// What is remembered of a request's headers.
    pub(super) fn of(&self, headers: &HeaderMap) -> Vec<(HeaderName, Box<[u8]>)> {
        let all = self.0.iter().flat_map(|(name, remembered)| {
            let values = headers.get_all(name).iter().filter(|value| remembered.takes(value));
            values.map(|value| (name.clone(), value.as_bytes().into()))
        });
        all.take(MAX_HEADERS).collect()
    }
}

impl Remembered {
    fn takes(&self, value: &HeaderValue) -> bool {
        match self {
            Self::Any => value.len() <= MAX_VALUE,
            Self::Only(known) => known.contains(value),
        }
    }
}
