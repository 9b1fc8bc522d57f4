use harbr_model::{RETRY_BUDGET_FLOOR, RETRY_BUDGET_SHARE};
use harbr_proto::document::{DrainedDocument, HeaderDocument, HeaderEditsDocument, RouteDocument, rfc3339};
use harbr_routing::Mismatch;
use http::Method;
use prost_types::Timestamp;
use serde::Serialize;

use super::{RequestToExplain, header_document};

/// `harbrctl explain`
#[derive(Debug, Serialize)]
pub(crate) struct ExplainDocument {
    /// What was looked at: a file, or `revision 7`.
    pub(crate) configuration: String,
    pub(crate) request: RequestDocument,
    /// The status that the proxy itself answers with; null: the upstream answers.
    pub(crate) status: Option<u16>,
    pub(crate) reason: Option<String>,
    /// Of a 405.
    pub(crate) allowed_methods: Vec<String>,
    /// The route that answers, whole.
    pub(crate) route: Option<RouteDocument>,
    /// Each route whose host and path match, in the order in which they are tried.
    pub(crate) candidates: Vec<CandidateDocument>,
    /// How many routes are none.
    pub(crate) others: Others,
    pub(crate) forwarded: Option<ForwardedDocument>,
    pub(crate) endpoints: Vec<EndpointExplanation>,
    pub(crate) timeouts: Option<TimeoutsDocument>,
    pub(crate) retries: Option<RetryDocument>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RequestDocument {
    pub(crate) method: String,
    /// Without the port.
    pub(crate) host: String,
    /// As it was given, with its query.
    pub(crate) path: String,
    /// As it is matched and forwarded; empty where it has no normal form.
    pub(crate) normal_path: String,
    pub(crate) headers: Vec<HeaderDocument>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CandidateDocument {
    pub(crate) route: String,
    /// `file:line`
    pub(crate) source: String,
    pub(crate) answers: bool,
    pub(crate) why: String,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Others {
    pub(crate) other_host: usize,
    pub(crate) other_path: usize,
}

/// The head as it goes on.
#[derive(Debug, Serialize)]
pub(crate) struct ForwardedDocument {
    /// Without an endpoint's own path before it.
    pub(crate) path: String,
    /// Null: the endpoint's own.
    pub(crate) host: Option<String>,
    /// All others, as they are sent.
    pub(crate) headers: Vec<HeaderDocument>,
    pub(crate) request_headers: HeaderEditsDocument,
    pub(crate) response_headers: HeaderEditsDocument,
}

#[derive(Debug, Serialize)]
pub(crate) struct EndpointExplanation {
    pub(crate) url: String,
    pub(crate) weight: u32,
    /// Whether requests may go there now.
    pub(crate) eligible: bool,
    pub(crate) health: &'static str,
    /// That took it out; null for one that is not.
    pub(crate) failures_in_a_row: Option<u32>,
    pub(crate) last_error: Option<String>,
    /// Since when it has this health.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) since: Option<Timestamp>,
    /// By whose order it gets no new request.
    pub(crate) drained: Option<DrainedDocument>,
    /// What the endpoint would be asked for.
    pub(crate) target: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct TimeoutsDocument {
    /// Of one attempt, up to the response's head.
    pub(crate) attempt_ms: u64,
    /// Of all attempts together.
    pub(crate) request_ms: u64,
    /// For which a body may stand still.
    pub(crate) idle_ms: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct RetryDocument {
    /// Attempts after the first.
    pub(crate) count: u32,
    /// Whether it is tried again also after a reset, a timeout, a 502, 503 or 504; else only where nothing was
    /// sent.
    pub(crate) after_failures: bool,
    /// Of the upstream's active requests on a node, at most this many percent are retries …
    pub(crate) budget_percent: u32,
    /// … or this many.
    pub(crate) budget_at_least: u32,
}

impl ExplainDocument {
    pub(crate) fn new(configuration: &str, request: &RequestToExplain) -> Self {
        let headers = request.headers.iter();
        Self {
            configuration: configuration.to_owned(),
            request: RequestDocument {
                method: request.method.to_string(),
                host: request.host().to_owned(),
                path: request.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
                normal_path: String::new(),
                headers: headers.map(|(name, value)| header_document(name, value)).collect(),
            },
            status: None,
            reason: None,
            allowed_methods: Vec::new(),
            route: None,
            candidates: Vec::new(),
            others: Others::default(),
            forwarded: None,
            endpoints: Vec::new(),
            timeouts: None,
            retries: None,
        }
    }

    pub(crate) fn refuse(&mut self, status: u16, reason: &str) {
        (self.status, self.reason) = (Some(status), Some(reason.to_owned()));
    }
}

impl Others {
    pub(crate) fn count(&mut self, mismatch: Mismatch) {
        match mismatch {
            Mismatch::Host => self.other_host += 1,
            Mismatch::Path => self.other_path += 1,
        }
    }
}

impl RetryDocument {
    pub(crate) fn of(count: u32, method: &Method) -> Self {
        Self {
            count,
            after_failures: count > 0 && method.is_idempotent(),
            budget_percent: 100 / RETRY_BUDGET_SHARE,
            budget_at_least: RETRY_BUDGET_FLOOR,
        }
    }
}
