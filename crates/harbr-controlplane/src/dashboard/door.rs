//! Who may look, and who may change something.
//!
//! On loopback everybody on this machine may look. Beyond, and for every change, a person has to show the token; a
//! page of another site cannot change anything either, see [`super::api::change`].

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use crate::caller::{Caller, one_line};

const MIN_TOKEN_CHARS: usize = 16;
const NO_TOKEN: &str = "This address can be reached from other machines, and the controller was given no token: start it with \
                        --http-token-file FILE, or with a loopback --http-addr.\n";
const FOREIGN_HOST: &str =
    "Without a token only localhost and addresses are answered: a name may be somebody else's.\n";
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"Harbr-Router: your name, and the token as password\"");

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Door {
    /// Only this machine gets here at all. A page of another site must not, by a name that it points here.
    is_loopback: bool,
    /// The hash of what an operator shows.
    token: Option<[u8; 32]>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidToken {
    #[error("cannot read the token: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the token has fewer than {MIN_TOKEN_CHARS} characters")]
    Short,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    ForeignHost,
    /// There is no token that could be shown.
    Closed,
    WantsToken,
}

/// What was shown: a name, which nobody has proven, and a token.
struct Shown {
    name: String,
    token: Vec<u8>,
}

impl Door {
    /// # Errors
    /// If the file cannot be read, or has no token that is hard to guess.
    pub(crate) fn new(addr: SocketAddr, token_file: Option<&Path>) -> Result<Self, InvalidToken> {
        let is_loopback = addr.ip().is_loopback();
        let Some(file) = token_file else { return Ok(Self { is_loopback, token: None }) };
        let text = fs::read_to_string(file)?;
        let token = text.trim();
        if token.chars().count() < MIN_TOKEN_CHARS {
            return Err(InvalidToken::Short);
        }
        Ok(Self { is_loopback, token: Some(Sha256::digest(token).into()) })
    }

    /// Whether there is a way to be more than an onlooker.
    pub(super) fn has_token(self) -> bool {
        self.token.is_some()
    }

    fn admit(self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        match (shown(headers), self.token) {
            // Hashes are compared, so that the time it takes tells nothing of the token.
            (Some(shown), Some(hash)) if <[u8; 32]>::from(Sha256::digest(&shown.token)) == hash => {
                Ok(Caller::TokenHolder { name: one_line(&shown.name) })
            }
            (Some(_), Some(_)) => Err(Refusal::WantsToken),
            (_, _) if self.is_loopback && is_this_machine(headers) => Ok(Caller::Onlooker),
            (_, _) if self.is_loopback => Err(Refusal::ForeignHost),
            (_, None) => Err(Refusal::Closed),
            (None, Some(_)) => Err(Refusal::WantsToken),
        }
    }
}

/// Puts in who asks.
pub(super) async fn guard(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    match door.admit(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(door);
            next.run(request).await
        }
        Err(refusal) => {
            let mut response = refusal.into_response();
            // The page asks for the token itself.
            if is_of_a_page(request.headers()) {
                response.headers_mut().remove(WWW_AUTHENTICATE);
            }
            response
        }
    }
}

/// A browser says what it wants a thing for: a script's request is not for a document.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|destination| destination != "document")
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::ForeignHost => (StatusCode::MISDIRECTED_REQUEST, FOREIGN_HOST).into_response(),
            Self::Closed => (StatusCode::FORBIDDEN, NO_TOKEN).into_response(),
            // A browser asks for it, and sends it along from then on, with the stream too.
            Self::WantsToken => {
                (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, CHALLENGE)], "a token is needed\n")
                    .into_response()
            }
        }
    }
}

fn is_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_addr =
        host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    is_addr || name.eq_ignore_ascii_case("localhost")
}

/// `Bearer TOKEN`, or what a browser makes of a name and a password.
fn shown(headers: &HeaderMap) -> Option<Shown> {
    let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Shown { name: String::new(), token: rest.trim().as_bytes().to_vec() });
    }
    let both = BASE64_STANDARD.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = both.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8_lossy(&both[..colon]).into_owned();
    Some(Shown { name, token: both[colon + 1..].to_vec() })
}

#[cfg(test)]
mod tests;
