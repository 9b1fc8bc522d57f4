//! Join tokens: what each is still good for. Decides only; keeping is for others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tokens that are good for something, at once.
const MAX_TOKENS: usize = 1_000;

/// By id. Secrets are not among it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens(BTreeMap<String, Token>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// SHA-256 of the secret, in hexadecimal.
    pub(crate) digest: String,
    /// The only name that it is good for.
    pub(crate) node_id: Option<String>,
    pub(crate) uses_left: u32,
    /// Milliseconds since the epoch.
    pub(crate) expires: u64,
    /// Who made it.
    pub(crate) actor: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefusedToken {
    /// Whether there is such an id is nobody's business who has no token.
    #[error("this token is not known, has expired or was used up")]
    Unknown,
    #[error("this token is for a node of another name")]
    OtherNode,
    #[error("there is no such token")]
    NoToken,
    #[error("there are {MAX_TOKENS} tokens already")]
    TooMany,
}

impl Tokens {
    /// # Errors
    /// If there are too many.
    pub(crate) fn add(&mut self, id: &str, token: Token, now: u64) -> Result<(), RefusedToken> {
        self.forget_expired(now);
        if self.0.len() >= MAX_TOKENS {
            return Err(RefusedToken::TooMany);
        }
        self.0.insert(id.to_owned(), token);
        Ok(())
    }

    /// Uses a token up, or one use of it.
    ///
    /// # Errors
    /// If it is not good for this node, or for nothing any more.
    pub(crate) fn redeem(
        &mut self,
        id: &str,
        digest: &str,
        node_id: &str,
        now: u64,
    ) -> Result<(), RefusedToken> {
        self.forget_expired(now);
        let token = self.0.get_mut(id).filter(|token| token.digest == digest).ok_or(RefusedToken::Unknown)?;
        if token.node_id.as_ref().is_some_and(|only| only != node_id) {
            return Err(RefusedToken::OtherNode);
        }
        token.uses_left = token.uses_left.saturating_sub(1);
        if token.uses_left == 0 {
            self.0.remove(id);
        }
        Ok(())
    }

    /// # Errors
    /// If there is none.
    pub(crate) fn revoke(&mut self, id: &str) -> Result<(), RefusedToken> {
        self.0.remove(id).map(drop).ok_or(RefusedToken::NoToken)
    }

    /// Those that are good for something.
    pub(crate) fn live(&self, now: u64) -> impl Iterator<Item = (&str, &Token)> {
        self.0.iter().filter(move |(_, token)| token.expires > now).map(|(id, token)| (id.as_str(), token))
    }

    fn forget_expired(&mut self, now: u64) {
        self.0.retain(|_, token| token.expires > now);
    }
}

#[cfg(test)]
mod tests;
