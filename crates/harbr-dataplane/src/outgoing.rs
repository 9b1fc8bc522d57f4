use harbr_model::{HostHeader, PathRewrite, Protocol, Route, Scheme};
use harbr_routing::forwarded_path;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::connection::{Client, Speaks};
use crate::endpoint::LiveEndpoint;
use crate::error::ProxyError;
use crate::head::Target;
use crate::live::LiveRoute;
use crate::request_body::RequestBody;
use harbr_routing::headers::{self, Sender, Trust};

/// A request as it is sent, but for what depends on the endpoint that gets it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub method: Method,
    pub target: Target,
    pub uri: Uri,
    pub headers: HeaderMap,
    /// The protocols that the client asks to change to.
    pub upgrade: Option<HeaderValue>,
    /// The client sends its body once the upstream asks for it.
    pub expects_continue: bool,
    pub request_id: HeaderValue,
}

impl Outgoing {
    /// The request as it goes on: without what was for this hop only, with what the upstream must know.
    pub(crate) fn new(
        parts: Parts,
        target: Target,
        (client, trust): (&Client, Trust),
        route: &Route,
        body: &Incoming,
    ) -> Self {
        let Parts { method, uri, version, mut headers, .. } = parts;
        if version == Version::HTTP_2 {
            headers::join_cookies(&mut headers);
        }
        let has_body = !body.is_end_stream();
        let says_empty = !has_body && headers.contains_key(CONTENT_LENGTH);
        let hop = headers::strip_request(&mut headers, version, trust);
        let expects_continue = hop.expects_continue && has_body;
        if says_empty {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if has_body && body.size_hint().exact().is_none() {
            // Of a GET hyper would send no body otherwise.
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        if hop.expects_continue && !has_body {
            headers.remove(EXPECT);
        }
        // Grown once.
        headers.reserve(headers::MOST_ADDED);
        let request_id = headers::set_request_id(&mut headers);
        let (addr, host) = (&client.forwarded_for, target.authority.as_ref());
        let sender =
            Sender { addr, scheme: client.scheme(), certificate: client.certificate(), host, version };
        headers::set_request(&mut headers, &sender, &hop);
        headers::edit(&mut headers, &route.request_headers);
        Self { method, target, uri, headers, upgrade: hop.upgrade, expects_continue, request_id }
    }

    /// The request for one endpoint.
    ///
    /// # Errors
    /// If what comes of the path is no path any more.
    pub(crate) fn for_endpoint(
        &self,
        route: &LiveRoute,
        endpoint: &LiveEndpoint,
        (speaks, body): (Speaks, RequestBody),
    ) -> Result<Request<RequestBody>, ProxyError> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        let (path, host) = (self.path(route, endpoint)?, self.host(route, endpoint));
        match speaks {
            Speaks::Http1 => {
                *request.uri_mut() = path.into();
                request.headers_mut().insert(HOST, host);
            }
            Speaks::Http2 => {
                let uri = Uri::builder().scheme(endpoint.url.scheme().as_str()).authority(host.as_bytes());
                let uri = uri.path_and_query(path).build();
                *request.uri_mut() = uri.map_err(|_| ProxyError::BadRequest("the host is malformed"))?;
                headers::strip_for_http2(request.headers_mut());
            }
        }
        Ok(request)
    }

    /// How the endpoint is to be spoken to. HTTP/2 has no change of protocol, so one that is asked for takes
    /// HTTP/1 where that can be chosen; elsewhere the upstream is not asked.
    pub(crate) fn protocol(&self, endpoint: &LiveEndpoint) -> Protocol {
        match endpoint.protocol {
            Protocol::Auto if self.upgrade.is_some() || endpoint.url.scheme() == Scheme::Http => {
                Protocol::Http1
            }
            own @ (Protocol::Http1 | Protocol::Http2 | Protocol::Http2Cleartext | Protocol::Auto) => own,
        }
    }

    /// What the endpoint is asked for, as spans say it.
    pub(crate) fn url(&self, route: &LiveRoute, endpoint: &LiveEndpoint) -> String {
        let path = self.path(route, endpoint).ok();
        let (scheme, authority) = (endpoint.url.scheme().as_str(), endpoint.url.authority());
        format!("{scheme}://{authority}{}", path.as_ref().map_or("", PathAndQuery::as_str))
    }

    fn path(&self, route: &LiveRoute, endpoint: &LiveEndpoint) -> Result<PathAndQuery, ProxyError> {
        let base_path = endpoint.url.base_path();
        if self.target.is_verbatim() && base_path.is_empty() && route.route.rewrite == PathRewrite::Keep {
            return self.uri.path_and_query().cloned().ok_or(ProxyError::BadRequest("the target is no path"));
        }
        let prefix = &route.route.matches.path;
        let path = forwarded_path(self.target.path(&self.uri), prefix, &route.route.rewrite, base_path);
        let path = match self.uri.query() {
            Some(query) => [&path, "?", query].concat(),
            None => path.into_owned(),
        };
        PathAndQuery::try_from(path).map_err(|_| ProxyError::BadRequest("the path is malformed"))
    }

    fn host(&self, route: &LiveRoute, endpoint: &LiveEndpoint) -> HeaderValue {
        match (&route.route.host_header, &self.target.authority) {
            (HostHeader::Preserve, Some(authority)) => authority.clone(),
            (HostHeader::Preserve, None) | (HostHeader::Upstream, _) => endpoint.authority.clone(),
            (HostHeader::Literal(host), _) => host.clone(),
        }
    }
}
