use std::net::IpAddr;
use std::str::FromStr;

use harbr_model::Scheme;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// `name: value`, as curl takes it.
#[derive(Debug, Clone)]
pub struct HeaderArg(HeaderName, HeaderValue);

/// A request as its head says it.
#[derive(Debug)]
pub struct RequestToExplain {
    pub method: Method,
    pub uri: Uri,
    /// The host and its port, as a `Host` header says it; `None` for a path alone.
    pub authority: Option<String>,
    pub headers: HeaderMap,
    /// The client's address.
    pub from: IpAddr,
}

impl RequestToExplain {
    /// `words`: `URL`, or `METHOD URL`. A URL may be a path alone.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(words: &[String], headers: &[HeaderArg], from: IpAddr) -> Result<Self, String> {
        let (method, url) = match words {
            [url] => ("GET", url),
            [method, url] => (method.as_str(), url),
            _ => return Err("give a URL, or a method and a URL".to_owned()),
        };
        let method = Method::from_str(method).map_err(|_| format!("`{method}` is not a method"))?;
        let has_scheme = url.starts_with('/') || url.contains("://");
        let full = if has_scheme { url.clone() } else { format!("http://{url}") };
        let uri: Uri = full.parse().map_err(|error| format!("`{url}` is not a URL: {error}"))?;
        let mut map = HeaderMap::new();
        for HeaderArg(name, value) in headers {
            map.append(name.clone(), value.clone());
        }
        let host = map.get(HOST).and_then(|host| host.to_str().ok());
        let authority = host.or(uri.authority().map(|it| it.as_str())).map(str::to_owned);
        if let Some(authority) = &authority {
            // A proxy finds it there, however it was asked.
            let value =
                HeaderValue::from_str(authority).map_err(|_| format!("`{authority}` is not a host"))?;
            map.insert(HOST, value);
        }
        Ok(Self { method, uri, authority, headers: map, from })
    }

    /// As the listener takes it: a path alone is asked for in the clear.
    pub fn scheme(&self) -> Scheme {
        if self.uri.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http }
    }

    /// Without the port, as routes match it.
    pub fn host(&self) -> &str {
        let authority = self.authority.as_deref().unwrap_or_default();
        let after_host = match authority.rfind(']') {
            Some(bracket) => bracket + 1,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        &authority[..after_host]
    }
}

impl FromStr for HeaderArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("a header is written `name: value`")?;
        let name = name.parse().map_err(|_| format!("`{name}` is not the name of a header"))?;
        let value = value.trim().parse().map_err(|_| "this is not the value of a header".to_owned())?;
        Ok(Self(name, value))
    }
}
