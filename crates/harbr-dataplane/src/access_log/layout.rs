use harbr_model::{LogField, LogFormat};

/// How lines look. What all of them have in common is put together once.
#[derive(Debug)]
pub(super) enum Layout {
    Off,
    Json { fields: Box<[JsonField]>, end: Box<[u8]> },
    Text,
}

#[derive(Debug)]
pub(super) struct JsonField {
    pub field: LogField,
    /// From the value before it up to its own: `","status":`.
    pub before: Box<[u8]>,
}

impl Layout {
    pub(super) fn of(format: &LogFormat) -> Self {
        let fields = match format {
            LogFormat::Off => return Self::Off,
            LogFormat::Text => return Self::Text,
            LogFormat::Json(fields) => fields,
        };
        let mut before = String::from("{");
        let fields = fields.iter().map(|&field| {
            let quote = if is_always_text(field) { "\"" } else { "" };
            before.push_str(&format!("\"{}\":{quote}", field.as_str()));
            let next = format!("{quote},");
            let before = std::mem::replace(&mut before, next).into_bytes().into();
            JsonField { field, before }
        });
        let fields = fields.collect();
        let end = before.replace(',', "}\n").into_bytes().into();
        Self::Json { fields, end }
    }
}

/// Its value is never `null`, and needs no escapes: the quotes stand in what is around it.
fn is_always_text(field: LogField) -> bool {
    match field {
        LogField::Time | LogField::Client | LogField::Listener => true,
        LogField::Method
        | LogField::Host
        | LogField::Path
        | LogField::Query
        | LogField::Protocol
        | LogField::Tls
        | LogField::Status
        | LogField::BytesReceived
        | LogField::BytesSent
        | LogField::DurationMs
        | LogField::HeadMs
        | LogField::ConnectMs
        | LogField::ResponseMs
        | LogField::BodyMs
        | LogField::Route
        | LogField::Upstream
        | LogField::Endpoint
        | LogField::Attempts
        | LogField::Reason
        | LogField::Flags
        | LogField::RequestId
        | LogField::TraceId => false,
    }
}
