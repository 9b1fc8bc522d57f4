use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};

use super::record::OriginName;
use crate::body::{TestBody, fnv1a, full};

/// What an origin saw of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Echo {
    pub origin: String,
    /// `HTTP/1.1`, `HTTP/2.0`
    pub version: String,
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body_bytes: u64,
    /// [`fnv1a`] of the body; 0 of an empty one.
    pub body_hash: u64,
    /// False if the body was cut off.
    pub complete: bool,
    pub trailers: Vec<(String, String)>,
}

impl Echo {
    /// All values of a header, in order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(seen, _)| seen == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that came once.
    ///
    /// # Panics
    /// If it came more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() <= 1, "`{name}` came {} times: {values:?}", values.len());
        values.first().copied()
    }
}

pub(super) async fn respond(request: Request<Incoming>) -> Response<TestBody> {
    let (head, mut body) = request.into_parts();
    let mut echo = Echo {
        origin: head.extensions.get::<OriginName>().map(|name| name.0.to_string()).unwrap_or_default(),
        version: format!("{:?}", head.version),
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: pairs(&head.headers),
        body_bytes: 0,
        body_hash: 0,
        complete: true,
        trailers: Vec::new(),
    };
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            echo.complete = false;
            break;
        };
        match frame.into_data() {
            Ok(data) => {
                echo.body_bytes += data.len() as u64;
                echo.body_hash = fnv1a(echo.body_hash, &data);
            }
            Err(frame) => echo.trailers = frame.trailers_ref().map(pairs).unwrap_or_default(),
        }
    }
    let json = serde_json::to_vec(&echo).expect("an echo is JSON");
    let mut response = Response::new(full(Bytes::from(json)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reads a body, and forgets it.
pub(super) async fn drain(request: Request<Incoming>) {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
