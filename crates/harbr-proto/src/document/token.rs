use crate::v1;
use prost_types::Timestamp;
use serde::Serialize;

use super::{rfc3339, said};

/// One element of `harbrctl token list`.
#[derive(Debug, Clone, Serialize)]
pub struct TokenDocument {
    pub id: String,
    /// Null: for any name that is free.
    pub node_id: Option<String>,
    pub uses_left: u32,
    #[serde(serialize_with = "rfc3339")]
    pub expires: Option<Timestamp>,
    pub actor: String,
    /// Only where it was made just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl TokenDocument {
    #[must_use]
    pub fn created(token: String, described: v1::Token) -> Self {
        Self { token: Some(token), ..Self::from(described) }
    }
}

impl From<v1::Token> for TokenDocument {
    fn from(token: v1::Token) -> Self {
        let v1::Token { id, node_id, uses_left, expires, actor } = token;
        Self { id, node_id: said(node_id), uses_left, expires, actor, token: None }
    }
}
