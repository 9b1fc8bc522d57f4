//! The page for people: a few files that are part of the program, and a JSON API beside them.
//!
//! It asks the same service that `harbrctl` asks, and answers with the same documents, cut to pages: a browser never
//! gets 10,000 routes. What changes by itself comes over one stream of server-sent events. Who only looks changes
//! nothing; an operator, by [`Door`], may lead a rollout and drain nodes.

mod api;
mod assets;
mod door;
mod page;
mod stream;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::get;

pub(crate) use self::door::Door;
use crate::admin::Admin;

/// Nothing from anywhere else, nothing inline, in no frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

pub(crate) fn router(admin: Admin, door: Door) -> Router {
    assets::ASSETS
        .iter()
        .fold(Router::new(), |router, asset| router.route(asset.path, get(async || asset.answer())))
        .nest("/api/v1", api::router(admin))
        .layer(from_fn_with_state(door, door::guard))
        .layer(map_response(with_policy))
}

async fn with_policy(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests;
