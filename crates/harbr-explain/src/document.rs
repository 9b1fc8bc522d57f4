use harbr_model::{RETRY_BUDGET_FLOOR, RETRY_BUDGET_SHARE};
use harbr_proto::document::{DrainedDocument, HeaderDocument, HeaderEditsDocument, RouteDocument, rfc3339};
use harbr_routing::Mismatch;
use http::Method;
use prost_types::Timestamp;
use serde::Serialize;

use super::{RequestToExplain, header_document};

/// `harbrctl explain`
#[derive(Debug, Serialize)]
pub struct ExplainDocument {
    /// What was looked at: a file, or `revision 7`.
    pub configuration: String,
    pub request: RequestDocument,
    /// The status that the proxy itself answers with; null: the upstream answers.
    pub status: Option<u16>,
    pub reason: Option<String>,
    /// Of a 405.
    pub allowed_methods: Vec<String>,
    /// The route that answers, whole.
    pub route: Option<RouteDocument>,
    /// Each route whose host and path match, in the order in which they are tried.
    pub candidates: Vec<CandidateDocument>,
    /// How many routes are none.
    pub others: Others,
    pub forwarded: Option<ForwardedDocument>,
    pub endpoints: Vec<EndpointExplanation>,
    pub timeouts: Option<TimeoutsDocument>,
    pub retries: Option<RetryDocument>,
}

#[derive(Debug, Serialize)]
pub struct RequestDocument {
    pub method: String,
    /// Without the port.
    pub host: String,
    /// As it was given, with its query.
    pub path: String,
    /// As it is matched and forwarded; empty where it has no normal form.
    pub normal_path: String,
    pub headers: Vec<HeaderDocument>,
}

#[derive(Debug, Serialize)]
pub struct CandidateDocument {
    pub route: String,
    /// `file:line`
    pub source: String,
    pub answers: bool,
    pub why: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Others {
    pub other_host: usize,
    pub other_path: usize,
}

/// The head as it goes on.
#[derive(Debug, Serialize)]
pub struct ForwardedDocument {
    /// Without an endpoint's own path before it.
    pub path: String,
    /// Null: the endpoint's own.
    pub host: Option<String>,
    /// All others, as they are sent.
    pub headers: Vec<HeaderDocument>,
    pub request_headers: HeaderEditsDocument,
    pub response_headers: HeaderEditsDocument,
}

#[derive(Debug, Serialize)]
pub struct EndpointExplanation {
    pub url: String,
    pub weight: u32,
    /// Whether requests may go there now.
    pub eligible: bool,
    pub health: &'static str,
    /// That took it out; null for one that is not.
    pub failures_in_a_row: Option<u32>,
    pub last_error: Option<String>,
    /// Since when it has this health.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<Timestamp>,
    /// By whose order it gets no new request.
    pub drained: Option<DrainedDocument>,
    /// What the endpoint would be asked for.
    pub target: String,
}

#[derive(Debug, Serialize)]
pub struct TimeoutsDocument {
    /// Of one attempt, up to the response's head.
    pub attempt_ms: u64,
    /// Of all attempts together.
    pub request_ms: u64,
    /// For which a body may stand still.
    pub idle_ms: u64,
}

#[derive(Debug, Serialize)]
pub struct RetryDocument {
    /// Attempts after the first.
    pub count: u32,
    /// Whether it is tried again also after a reset, a timeout, a 502, 503 or 504; else only where nothing was
    /// sent.
    pub after_failures: bool,
    /// Of the upstream's active requests on a node, at most this many percent are retries …
    pub budget_percent: u32,
    /// … or this many.
    pub budget_at_least: u32,
}

impl ExplainDocument {
    pub fn new(configuration: &str, request: &RequestToExplain) -> Self {
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

    pub fn refuse(&mut self, status: u16, reason: &str) {
        (self.status, self.reason) = (Some(status), Some(reason.to_owned()));
    }
}

impl Others {
    pub fn count(&mut self, mismatch: Mismatch) {
        match mismatch {
            Mismatch::Host => self.other_host += 1,
            Mismatch::Path => self.other_path += 1,
        }
    }
}

impl RetryDocument {
    pub fn of(count: u32, method: &Method) -> Self {
        Self {
            count,
            after_failures: count > 0 && method.is_idempotent(),
            budget_percent: 100 / RETRY_BUDGET_SHARE,
            budget_at_least: RETRY_BUDGET_FLOOR,
        }
    }
}
