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
