use harbr_proto::document::DiagnosticDocument;
use serde::Serialize;
use serde_json::Value;

/// `harbrctl plan` and `harbrctl diff`
#[derive(Debug, Serialize)]
pub(crate) struct PlanDocument {
    /// A file, or `revision 7`.
    pub(crate) old: String,
    pub(crate) new: String,
    /// Whether both mean the same.
    pub(crate) same: bool,
    pub(crate) settings: Vec<FieldDocument>,
    pub(crate) listeners: ChangesDocument,
    pub(crate) upstreams: ChangesDocument,
    pub(crate) routes: ChangesDocument,
    /// What it does to requests of the last minutes. Null: none are known.
    pub(crate) traffic: Option<TrafficDocument>,
    /// Routes of the new one that can never match, or that another host's rule comes before.
    pub(crate) shadowed: Vec<DiagnosticDocument>,
    /// The other warnings of the new one.
    pub(crate) warnings: Vec<DiagnosticDocument>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct ChangesDocument {
    pub(crate) added: Vec<ItemDocument>,
    pub(crate) removed: Vec<ItemDocument>,
    pub(crate) changed: Vec<ItemDocument>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ItemDocument {
    pub(crate) name: String,
    /// `file:line`, of routes.
    pub(crate) source: Option<String>,
    /// The route that answers what starts like this one, on the other side: before it was added, or now that
    /// it is removed. Null: none does.
    pub(crate) other_side: Option<String>,
    /// Of one that is changed.
    pub(crate) fields: Vec<FieldDocument>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct FieldDocument {
    /// `retry_count`, or `health_check.interval_ms`.
    pub(crate) field: String,
    pub(crate) old: Value,
    pub(crate) new: Value,
}

impl ChangesDocument {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// What a change does to real requests. Each counts once, in one of the kinds or in none.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct TrafficDocument {
    /// How far back it goes.
    pub(crate) window_seconds: u64,
    /// Requests that were looked at, each for itself …
    pub(crate) sampled: u64,
    /// … and of a file those that are none that could be routed.
    pub(crate) unreadable: u64,
    pub(crate) nodes: Vec<String>,
    /// Nodes that have not said what they remember.
    pub(crate) silent: Vec<String>,
    /// Requests that they stand for.
    pub(crate) all: QuantityDocument,
    pub(crate) becomes_404: QuantityDocument,
    pub(crate) becomes_405: QuantityDocument,
    /// Had no route, or none for the method, and has one.
    pub(crate) becomes_routed: QuantityDocument,
    /// Goes to other endpoints.
    pub(crate) changes_upstream: QuantityDocument,
    /// By another route to the same endpoints.
    pub(crate) changes_route: QuantityDocument,
    /// All of these.
    pub(crate) changed: QuantityDocument,
    /// Stays on its route, of which, or of whose upstream, something else is changed.
    pub(crate) edited: QuantityDocument,
    /// Headers that a route of the new one matches on, and that are not in the sample: it is taken as if no request
    /// had them.
    pub(crate) unknown_headers: Vec<String>,
    /// The most frequent first.
    pub(crate) moves: Vec<MoveDocument>,
    pub(crate) moves_left_out: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct QuantityDocument {
    /// In the window; estimated where not all requests are remembered.
    #[serde(serialize_with = "rounded")]
    pub(crate) requests: f64,
    /// Of all requests: from 0 to 1.
    #[serde(serialize_with = "rounded")]
    pub(crate) share: f64,
    #[serde(serialize_with = "rounded")]
    pub(crate) per_second: f64,
}

/// Requests that went one way and would go another.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MoveDocument {
    pub(crate) kind: MoveKind,
    pub(crate) from: AnswerDocument,
    pub(crate) to: AnswerDocument,
    #[serde(flatten)]
    pub(crate) quantity: QuantityDocument,
    /// `GET a.test/x`
    pub(crate) examples: Vec<String>,
}

#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct AnswerDocument {
    pub(crate) route: Option<String>,
    pub(crate) upstream: Option<String>,
    /// Where no route answers.
    pub(crate) status: Option<u16>,
}

/// How a request is answered differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub(crate) enum MoveKind {
    #[serde(rename = "404")]
    NotFound,
    #[serde(rename = "405")]
    MethodNotAllowed,
    #[serde(rename = "routed")]
    Routed,
    #[serde(rename = "upstream")]
    Upstream,
    #[serde(rename = "route")]
    Route,
    #[serde(rename = "edited")]
    Edited,
    /// All but the last one; no single request has it.
    #[serde(rename = "changed")]
    Changed,
}

impl TrafficDocument {
    pub(crate) fn of(&self, kind: MoveKind) -> QuantityDocument {
        match kind {
            MoveKind::NotFound => self.becomes_404,
            MoveKind::MethodNotAllowed => self.becomes_405,
            MoveKind::Routed => self.becomes_routed,
            MoveKind::Upstream => self.changes_upstream,
            MoveKind::Route => self.changes_route,
            MoveKind::Edited => self.edited,
            MoveKind::Changed => self.changed,
        }
    }

    pub(crate) fn set(&mut self, quantity: impl Fn(MoveKind) -> QuantityDocument) {
        self.becomes_404 = quantity(MoveKind::NotFound);
        self.becomes_405 = quantity(MoveKind::MethodNotAllowed);
        self.becomes_routed = quantity(MoveKind::Routed);
        self.changes_upstream = quantity(MoveKind::Upstream);
        self.changes_route = quantity(MoveKind::Route);
        self.edited = quantity(MoveKind::Edited);
        self.changed = quantity(MoveKind::Changed);
    }
}

/// What sums of fractions have behind the sixth digit is noise.
fn rounded<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 1e6).round() / 1e6)
}
