use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;

/// A file that is part of the program.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! asset {
    ($path:literal, $content_type:expr, $file:literal) => {
        Asset {
            path: $path,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../dashboard/", $file)),
        }
    };
}

pub(super) const ASSETS: &[Asset] = &[
    asset!("/", "text/html; charset=utf-8", "index.html"),
    asset!("/icon.svg", "image/svg+xml", "icon.svg"),
    asset!("/style.css", STYLE, "style.css"),
    asset!("/app.js", SCRIPT, "app.js"),
    asset!("/charts.js", SCRIPT, "charts.js"),
    asset!("/live.js", SCRIPT, "live.js"),
    asset!("/operator.js", SCRIPT, "operator.js"),
    asset!("/parts.js", SCRIPT, "parts.js"),
    asset!("/views/events.js", SCRIPT, "views/events.js"),
    asset!("/views/explain.js", SCRIPT, "views/explain.js"),
    asset!("/views/fleet.js", SCRIPT, "views/fleet.js"),
    asset!("/views/revisions.js", SCRIPT, "views/revisions.js"),
    asset!("/views/rollout.js", SCRIPT, "views/rollout.js"),
    asset!("/views/routes.js", SCRIPT, "views/routes.js"),
    asset!("/views/upstreams.js", SCRIPT, "views/upstreams.js"),
    asset!("/vendor/htm-preact.js", SCRIPT, "vendor/htm-preact.js"),
    asset!("/vendor/uplot.js", SCRIPT, "vendor/uplot.js"),
    asset!("/vendor/uplot.css", STYLE, "vendor/uplot.css"),
];

impl Asset {
    pub(super) fn answer(&self) -> Response {
        let mut response = Response::new(Body::from(self.bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        // The files change with the program, under the same names.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}
