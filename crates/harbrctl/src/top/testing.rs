//! What several tests need.

use std::time::Duration;

use harbr_proto::document::StatusDocument;
use harbr_proto::v1;

use super::look::Look;
use super::row::{Load, Row};
use crate::cli::Kind;

/// One that answers nothing but quickly.
pub(crate) fn row(name: &str, requests: f64) -> Row {
    let load = Load { requests, p50: Some(Duration::from_micros(870)), ..Load::default() };
    Row { name: name.to_owned(), facts: Vec::new(), load }
}

pub(crate) fn look(view: Kind, rows: Vec<Row>) -> Look {
    let status = v1::Status {
        revision: 7,
        proven_revision: 7,
        nodes_total: 3,
        nodes_ready: 2,
        ..v1::Status::default()
    };
    let total = Load {
        requests: 1_234.5,
        errors: 1.5,
        retries: 0.25,
        p50: Some(Duration::from_micros(1_234)),
        p99: Some(Duration::from_millis(250)),
        connections: 96,
    };
    Look { status: StatusDocument::from(status), total, view, rows, description: None }
}
