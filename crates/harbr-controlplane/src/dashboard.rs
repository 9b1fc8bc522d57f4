//! The page for people: a few files that are part of the program, and a JSON API beside them.
//!
//! It only reads. It asks the same service that `harbrctl` asks, and answers with the same documents, cut to pages:
//! a browser never gets 10,000 routes. What changes by itself comes over one stream of server-sent events.

mod access;
mod api;
mod assets;
mod page;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::get;

pub(crate) use self::access::Access;
use crate::admin::Admin;

/// Nothing from anywhere else, nothing inline, in no frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

pub(crate) fn router(admin: Admin, access: Access) -> Router {
    let api = Router::new()
        .route("/overview", get(api::overview))
        .route("/nodes", get(api::nodes))
        .route("/routes", get(api::routes))
        .route("/series", get(api::series))
        .route("/upstreams", get(api::upstreams))
        .route("/events", get(api::events))
        .route("/stream", get(stream::stream))
        .with_state(Arc::new(admin));
    assets::ASSETS
        .iter()
        .fold(Router::new(), |router, asset| router.route(asset.path, get(async || asset.answer())))
        .nest("/api/v1", api)
        .layer(from_fn_with_state(access, access::guard))
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
