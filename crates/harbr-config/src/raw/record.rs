//! What is recorded of single requests.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Text;
use crate::read::Field;
use crate::schema as kind;

/// What stands at `access_log`: the format alone, or more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(untagged)]
#[schemars(rename = "AccessLogOrFormat")]
pub(crate) enum RawAccessLog {
    #[schemars(with = "kind::LogFormat")]
    Text(Text),
    Mapping(RawAccessLogSettings),
}

/// What is written of requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "AccessLog")]
pub(crate) struct RawAccessLogSettings {
    /// Of each line.
    #[schemars(with = "kind::LogFormat", extend("default" = "json"))]
    pub(crate) format: Text,
    /// What a line of JSON says, in this order.
    #[schemars(with = "Vec<kind::LogField>", extend("x-default" = "[all](access_log.md#fields)", "x-limits" = "at least one; only with `json`"))]
    pub(crate) fields: Field<Vec<Text>>,
    /// Of the requests that went well so many are written, drawn at random. Those with a `reason` or a status from 400
    /// on are all written.
    #[schemars(with = "kind::SampleShare", extend("default" = "100%"))]
    pub(crate) sample: Text,
}

/// Where spans of requests go.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Tracing")]
pub(crate) struct RawTracing {
    /// A collector that takes OTLP over gRPC, such as `http://localhost:4317`.
    #[schemars(with = "kind::Url", extend("x-required" = true))]
    pub(crate) endpoint: Text,
    /// Of so many requests spans are made, drawn at random. What a trusted proxy has decided in its `traceparent` goes
    /// before.
    #[schemars(with = "kind::SampleShare", extend("default" = "100%"))]
    pub(crate) sample: Text,
    /// What the spans say that they come from.
    #[schemars(with = "kind::Name", extend("default" = "harbr-router", "x-limits" = "letters, digits, `-_.`"))]
    pub(crate) service_name: Text,
}
