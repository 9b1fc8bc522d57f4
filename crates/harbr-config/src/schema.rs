//! The JSON Schema of the file, for editors: derived from the raw types, so that it knows the keys that are read
//! and no others.
//!
//! Each key's description is the doc comment of its field. What kind of value a key takes is one of the types here
//! (`#[schemars(with = …)]`); besides what JSON Schema knows they say `x-type`, a word for the kind, and fields say
//! `x-required`, `x-default` and `x-limits`, for people. `docs/configuration.md` is made from all of that.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::raw::RawConfig;
use crate::read::{Entries, Field};

/// The schema of a configuration file (draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<RawConfig>().to_value();
    tidy(&mut schema);
    schema
}

/// Descriptions on one line, and required keys where JSON Schema looks for them.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(description)) = fields.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                let is_required = |property: &mut Value| {
                    property.as_object_mut().and_then(|it| it.remove("x-required")) == Some(json!(true))
                };
                let mut required = Vec::new();
                for (name, property) in properties {
                    if is_required(property) {
                        required.push(name.clone());
                    }
                }
                if !required.is_empty() {
                    fields.insert("required".to_owned(), json!(required));
                }
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Where a value stands, and whether it is good, is no matter of the schema.
impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<V: JsonSchema> JsonSchema for Entries<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Mapping_to_{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": generator.subschema_for::<V>()})
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $schema:tt)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

kinds! {
    Integer {"type": "integer", "x-type": "integer"}
    /// Up to a day.
    Milliseconds {"type": "integer", "minimum": 1, "maximum": 86_400_000, "x-type": "integer"}
    Duration {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$", "x-type": "duration"}
    Size {"type": "string", "pattern": "^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)$", "x-type": "size"}
    Address {"type": "string", "x-type": "address"}
    ConnectTarget {"type": "string", "pattern": ":[0-9]+$", "x-type": "host and port"}
    File {"type": "string", "x-type": "file"}
    Url {"type": "string", "pattern": "^https?://", "x-type": "URL"}
    UrlOrName {"type": "string", "x-type": "URL or name"}
    Path {"type": "string", "pattern": "^/", "x-type": "path"}
    Name {"type": "string", "pattern": "^[A-Za-z0-9._-]+$", "x-type": "name"}
    Host {"type": "string", "x-type": "`preserve`, `upstream` or a host"}
    Method {"type": "string", "pattern": "^[^a-z]+$", "x-type": "method"}
    /// Of addresses.
    Block {"type": "string", "x-type": "address or block"}
    HeaderName {"type": "string", "x-type": "header"}
    /// Whatever it looks like in YAML, it is text.
    HeaderValues {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
        "x-type": "mapping of headers to values",
    }
    Protocol {"enum": ["http1", "h2", "h2c", "auto"]}
    Balance {"enum": ["least_request", "round_robin"]}
    LogFormat {"enum": ["json", "text", "off"]}
    LogField {"enum": [
        "time",
        "client",
        "listener",
        "method",
        "host",
        "path",
        "query",
        "protocol",
        "tls",
        "status",
        "bytes_received",
        "bytes_sent",
        "duration_ms",
        "head_ms",
        "connect_ms",
        "response_ms",
        "body_ms",
        "route",
        "upstream",
        "endpoint",
        "attempts",
        "reason",
        "flags",
        "request_id",
        "trace_id",
    ], "x-type": "[field](access_log.md#fields)"}
    /// Of requests.
    SampleShare {"type": "string", "pattern": "^[0-9]{1,3}([.][0-9]{1,4})?%$", "x-type": "percentage"}
    TlsVersion {"enum": ["1.2", "1.3"]}
    ClientAuthMode {"enum": ["required", "optional"]}
    OtherPeers {"enum": ["refuse", "serve"]}
    ProxyProtocol {"enum": ["v1", "v2"]}
    /// A port, if it is not 443.
    Redirect {"type": ["boolean", "integer"], "x-type": "`true` or a port"}
    ServerName {"type": "string", "x-type": "host"}
    /// Of nodes.
    Share {"type": ["integer", "string"], "pattern": "^[0-9]+%?$", "x-type": "number or percentage"}
    Percentage {"type": "string", "pattern": "^[0-9]+%$", "x-type": "percentage"}
    Hash {"type": "string", "pattern": "^[0-9A-Fa-f]{8,64}$", "x-type": "hash"}
    Labels {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
        "x-type": "mapping of labels to values",
    }
    Strategy {"enum": ["waves", "immediate"]}
    WithoutEvidence {"enum": ["continue", "hold"]}
}
