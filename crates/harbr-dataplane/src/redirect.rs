use http::header::LOCATION;
use http::{Request, Response, StatusCode};

use crate::error::ProxyError;
use crate::exchange::Exchange;
use crate::head::Target;
use crate::response_body::Source;

/// The answer of a listener that serves nothing by itself: the same host, path and query by `https`. The method and
/// the body stay the client's (RFC 9110, 15.4.9).
pub(crate) fn to_https<B>(
    exchange: &mut Exchange,
    request: &Request<B>,
    port: u16,
) -> Result<Response<Source>, ProxyError> {
    let odd_paths = exchange.worker.shared.table.load().settings.odd_paths;
    let (method, uri) = (request.method(), request.uri());
    let target = Target::of(method, uri, request.version(), request.headers(), odd_paths)?;
    exchange.host.clone_from(&target.authority);
    let location = target.by_https(uri, port)?;
    let mut response = Response::new(Source::Text(None));
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    exchange.answer(response.status());
    Ok(response)
}
