//! Who may look: anybody on this machine, else who knows the token.

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

const MIN_TOKEN_CHARS: usize = 16;
const NO_TOKEN: &str = "This address can be reached from other machines, and the controller was given no token: start it with \
                        --http-token-file FILE, or with a loopback --http-addr.\n";
const FOREIGN_HOST: &str =
    "Without a token only localhost and addresses are answered: a name may be somebody else's.\n";

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only this machine gets here at all. A page of another site must not, by a name that it points here.
    ThisMachine,
    /// Nobody.
    Closed,
    /// Who shows the token with this hash.
    Token([u8; 32]),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidToken {
    #[error("cannot read the token: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the token has fewer than {MIN_TOKEN_CHARS} characters")]
    Short,
}

impl Access {
    /// # Errors
    /// If the file cannot be read, or has no token that is hard to guess.
    pub(crate) fn new(addr: SocketAddr, token_file: Option<&Path>) -> Result<Self, InvalidToken> {
        match token_file {
            Some(file) => {
                let text = fs::read_to_string(file)?;
                let token = text.trim();
                if token.chars().count() < MIN_TOKEN_CHARS {
                    return Err(InvalidToken::Short);
                }
                Ok(Self::Token(Sha256::digest(token).into()))
            }
            None if addr.ip().is_loopback() => Ok(Self::ThisMachine),
            None => Ok(Self::Closed),
        }
    }

    /// What is answered instead, where nobody is let in.
    fn refusal(self, headers: &HeaderMap) -> Option<Response> {
        match self {
            Self::ThisMachine if is_this_machine(headers) => None,
            Self::ThisMachine => Some((StatusCode::MISDIRECTED_REQUEST, FOREIGN_HOST).into_response()),
            Self::Closed => Some((StatusCode::FORBIDDEN, NO_TOKEN).into_response()),
            // Hashes are compared, so that the time it takes tells nothing of the token.
            Self::Token(hash)
                if shown(headers).is_some_and(|token| <[u8; 32]>::from(Sha256::digest(token)) == hash) =>
            {
                None
            }
            Self::Token(_) => {
                let mut response = (StatusCode::UNAUTHORIZED, "a token is needed\n").into_response();
                // A browser asks for it, and sends it along from then on, with the stream too.
                let challenge =
                    HeaderValue::from_static("Basic realm=\"Harbr-Router: the token is the password\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                Some(response)
            }
        }
    }
}

pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    match access.refusal(request.headers()) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    }
}

fn is_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_addr =
        host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    is_addr || name.eq_ignore_ascii_case("localhost")
}

/// `Bearer TOKEN`, or what a browser makes of a password.
fn shown(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().as_bytes().to_vec());
    }
    let user_and_password =
        BASE64_STANDARD.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = user_and_password.iter().position(|byte| *byte == b':')?;
    Some(user_and_password[colon + 1..].to_vec())
}

#[cfg(test)]
mod tests;
