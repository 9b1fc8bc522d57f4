use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::limits::{
    HTTP2_WINDOWS, MAX_CERTIFICATES, MAX_CONNECT_TARGETS, MAX_ENDPOINTS, MAX_LISTENERS, MAX_NAME_BYTES,
    MAX_RETRIES, MAX_ROUTES, MAX_SAMPLE_SIZE, MAX_SAMPLE_STRIDE, MAX_TIMEOUT, MAX_TRUSTED_PROXIES,
};
use crate::{
    Authority, Certificate, HostPattern, Http2Settings, Listener, LogFormat, PathPrefix, Route, Settings,
    Tracing, TrafficSample, Upstream,
};

/// All that a node needs to serve, whole and immutable. It exists only if all of it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    settings: Settings,
    listeners: Vec<Listener>,
    certificates: BTreeMap<String, Certificate>,
    authorities: BTreeMap<String, Authority>,
    upstreams: BTreeMap<String, Upstream>,
    routes: Vec<Route>,
}

/// What a snapshot is made of. Each is valid in itself by its type; whether they fit together is still to be seen.
#[derive(Debug, Clone)]
pub struct Resources {
    pub settings: Settings,
    pub listeners: Vec<Listener>,
    pub certificates: Vec<Certificate>,
    pub authorities: Vec<Authority>,
    pub upstreams: Vec<Upstream>,
    pub routes: Vec<Route>,
}

/// Why resources do not make a snapshot. Names the resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSnapshot {
    #[error("there is no listener")]
    NoListener,
    #[error("there is no route")]
    NoRoute,
    #[error("more than {limit} {what}")]
    TooMany { what: &'static str, limit: usize },
    #[error("{what} `{name}` has a name that is empty or too long")]
    Name { what: &'static str, name: String },
    #[error("two {what} are named `{name}`")]
    DuplicateName { what: &'static str, name: String },
    #[error("upstream `{name}` has no endpoint")]
    NoEndpoint { name: String },
    #[error("upstream `{name}` names {url} twice")]
    DuplicateEndpoint { name: String, url: String },
    #[error("upstream `{name}` is spoken to by {protocol}, which {url} is not for")]
    Protocol { name: String, protocol: &'static str, url: String },
    #[error("route `{route}` goes to upstream `{upstream}`, which does not exist")]
    UnknownUpstream { route: String, upstream: String },
    #[error("certificate `{name}` is empty")]
    EmptyCertificate { name: String },
    #[error("authority `{name}` is empty")]
    EmptyAuthority { name: String },
    #[error("{what} uses certificate `{certificate}`, which does not exist")]
    UnknownCertificate { what: String, certificate: String },
    #[error("{what} trusts authority `{authority}`, which does not exist")]
    UnknownAuthority { what: String, authority: String },
    #[error("{what} both speaks TLS and sends its clients to where it is spoken")]
    RedirectedTls { what: String },
    #[error("routes `{first}` and `{second}` match the same requests")]
    SameMatch { first: String, second: String },
    #[error("{what} has {setting} outside its limits")]
    OutOfRange { what: String, setting: &'static str },
}

impl Resources {
    /// Only the settings, to add the rest to.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            listeners: Vec::new(),
            certificates: Vec::new(),
            authorities: Vec::new(),
            upstreams: Vec::new(),
            routes: Vec::new(),
        }
    }
}

impl Snapshot {
    /// Routes with the same host and path keep their order, which decides between them. All else is brought
    /// to one order, so that equal meaning is equal bytes on the wire.
    ///
    /// # Errors
    /// The first rule that the resources break together.
    pub fn new(resources: Resources) -> Result<Self, InvalidSnapshot> {
        let Resources { settings, mut listeners, certificates, authorities, upstreams, mut routes } =
            resources;
        check_settings(&settings)?;
        let known = Known {
            certificates: check_certificates(certificates)?,
            authorities: check_authorities(authorities)?,
        };
        check_listeners(&listeners, &known)?;
        let upstreams = check_upstreams(upstreams, &known)?;
        check_routes(&routes, &upstreams)?;
        listeners.sort_by(|a, b| a.name.cmp(&b.name));
        routes.sort_by(|a, b| (&a.matches.host, &a.matches.path).cmp(&(&b.matches.host, &b.matches.path)));
        let Known { certificates, authorities } = known;
        Ok(Self { settings, listeners, certificates, authorities, upstreams, routes })
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    #[must_use]
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// By name.
    #[must_use]
    pub fn certificates(&self) -> &BTreeMap<String, Certificate> {
        &self.certificates
    }

    /// By name.
    #[must_use]
    pub fn authorities(&self) -> &BTreeMap<String, Authority> {
        &self.authorities
    }

    /// By name.
    #[must_use]
    pub fn upstreams(&self) -> &BTreeMap<String, Upstream> {
        &self.upstreams
    }

    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

fn check_settings(settings: &Settings) -> Result<(), InvalidSnapshot> {
    let Settings { max_connections, max_header_bytes, max_headers, .. } = *settings;
    let what = "the file";
    check_range(max_connections >= 1, what, "max_connections")?;
    check_range((1_024..=1024 * 1024).contains(&max_header_bytes), what, "max_header_bytes")?;
    check_range((1..=1_000).contains(&max_headers), what, "max_headers")?;
    let Http2Settings { max_concurrent_streams, stream_window, connection_window } = settings.http2;
    check_range((1..=1_000).contains(&max_concurrent_streams), what, "max_concurrent_streams")?;
    check_range(HTTP2_WINDOWS.contains(&stream_window), what, "stream_window")?;
    check_range(HTTP2_WINDOWS.contains(&connection_window), what, "connection_window")?;
    let TrafficSample { one_in, size } = settings.traffic_sample;
    check_range(one_in <= MAX_SAMPLE_STRIDE, what, "one_in")?;
    check_range((1..=MAX_SAMPLE_SIZE).contains(&size), what, "size")?;
    if let LogFormat::Json(fields) = &settings.access_log.format {
        let distinct: HashSet<_> = fields.iter().collect();
        check_range(!fields.is_empty() && distinct.len() == fields.len(), what, "access_log.fields")?;
    }
    if let Some(Tracing { service_name, .. }) = &settings.tracing {
        check_name("a service", service_name)?;
    }
    check_count("trusted proxies", settings.trusted_proxies.len(), MAX_TRUSTED_PROXIES)?;
    for (setting, duration) in [
        ("header_timeout", settings.header_timeout),
        ("keep_alive_timeout", settings.keep_alive_timeout),
        ("upstream_idle_timeout", settings.upstream_idle_timeout),
        ("health_freeze", settings.health_freeze),
    ] {
        check_range(is_sane(duration), what, setting)?;
    }
    Ok(())
}

fn check_certificates(
    certificates: Vec<Certificate>,
) -> Result<BTreeMap<String, Certificate>, InvalidSnapshot> {
    check_count("certificates", certificates.len(), MAX_CERTIFICATES)?;
    let mut by_name = BTreeMap::new();
    for certificate in certificates {
        check_name("certificate", &certificate.name)?;
        if certificate.chain.is_empty() {
            return Err(InvalidSnapshot::EmptyCertificate { name: certificate.name });
        }
        if let Some(first) = by_name.insert(certificate.name.clone(), certificate) {
            return Err(InvalidSnapshot::DuplicateName { what: "certificates", name: first.name });
        }
    }
    Ok(by_name)
}

fn check_authorities(authorities: Vec<Authority>) -> Result<BTreeMap<String, Authority>, InvalidSnapshot> {
    check_count("authorities", authorities.len(), MAX_CERTIFICATES)?;
    let mut by_name = BTreeMap::new();
    for authority in authorities {
        check_name("authority", &authority.name)?;
        if authority.certificates.is_empty() {
            return Err(InvalidSnapshot::EmptyAuthority { name: authority.name });
        }
        if let Some(first) = by_name.insert(authority.name.clone(), authority) {
            return Err(InvalidSnapshot::DuplicateName { what: "authorities", name: first.name });
        }
    }
    Ok(by_name)
}

/// What listeners and upstreams can name.
struct Known {
    certificates: BTreeMap<String, Certificate>,
    authorities: BTreeMap<String, Authority>,
}

impl Known {
    fn check<'n>(
        &self,
        what: &str,
        certificates: impl IntoIterator<Item = &'n String>,
        authority: Option<&String>,
    ) -> Result<(), InvalidSnapshot> {
        let what = what.to_owned();
        if let Some(unknown) = certificates.into_iter().find(|name| !self.certificates.contains_key(*name)) {
            return Err(InvalidSnapshot::UnknownCertificate { what, certificate: unknown.clone() });
        }
        match authority.filter(|name| !self.authorities.contains_key(*name)) {
            Some(unknown) => Err(InvalidSnapshot::UnknownAuthority { what, authority: unknown.clone() }),
            None => Ok(()),
        }
    }
}

fn check_listeners(listeners: &[Listener], known: &Known) -> Result<(), InvalidSnapshot> {
    if listeners.is_empty() {
        return Err(InvalidSnapshot::NoListener);
    }
    check_count("listeners", listeners.len(), MAX_LISTENERS)?;
    let mut names = HashSet::new();
    for listener in listeners {
        check_name("listener", &listener.name)?;
        if !names.insert(&listener.name) {
            return Err(InvalidSnapshot::DuplicateName { what: "listeners", name: listener.name.clone() });
        }
        let what = format!("listener `{}`", listener.name);
        if let Some(peers) = &listener.proxy_peers {
            check_count("trusted senders of PROXY headers", peers.from.len(), MAX_TRUSTED_PROXIES)?;
        }
        check_count("targets of CONNECT", listener.connect.len(), MAX_CONNECT_TARGETS)?;
        let Some(tls) = &listener.tls else { continue };
        if listener.redirect_https.is_some() {
            return Err(InvalidSnapshot::RedirectedTls { what });
        }
        check_range(!tls.certificates.is_empty(), &what, "the number of certificates")?;
        let authority = tls.client_auth.as_ref().map(|client_auth| &client_auth.authority);
        known.check(&what, &tls.certificates, authority)?;
    }
    Ok(())
}

fn check_upstreams(
    upstreams: Vec<Upstream>,
    known: &Known,
) -> Result<BTreeMap<String, Upstream>, InvalidSnapshot> {
    let mut by_name = BTreeMap::new();
    for upstream in upstreams {
        check_name("upstream", &upstream.name)?;
        check_endpoints(&upstream)?;
        check_health_check(&upstream)?;
        if let Some(tls) = &upstream.tls {
            let what = format!("upstream `{}`", upstream.name);
            known.check(&what, &tls.certificate, tls.authority.as_ref())?;
        }
        if let Some(first) = by_name.insert(upstream.name.clone(), upstream) {
            return Err(InvalidSnapshot::DuplicateName { what: "upstreams", name: first.name });
        }
    }
    Ok(by_name)
}

fn check_endpoints(upstream: &Upstream) -> Result<(), InvalidSnapshot> {
    if upstream.endpoints.is_empty() {
        return Err(InvalidSnapshot::NoEndpoint { name: upstream.name.clone() });
    }
    check_count("endpoints in an upstream", upstream.endpoints.len(), MAX_ENDPOINTS)?;
    let mut urls = HashSet::new();
    for endpoint in &upstream.endpoints {
        check_range(
            (1..=1_000).contains(&endpoint.weight),
            &format!("upstream `{}`", upstream.name),
            "a weight",
        )?;
        if !urls.insert(&endpoint.url) {
            let (name, url) = (upstream.name.clone(), endpoint.url.to_string());
            return Err(InvalidSnapshot::DuplicateEndpoint { name, url });
        }
        if upstream.protocol.scheme().is_some_and(|scheme| scheme != endpoint.url.scheme()) {
            let (name, url) = (upstream.name.clone(), endpoint.url.to_string());
            return Err(InvalidSnapshot::Protocol { name, protocol: upstream.protocol.as_str(), url });
        }
    }
    Ok(())
}

fn check_health_check(upstream: &Upstream) -> Result<(), InvalidSnapshot> {
    let Some(check) = &upstream.health_check else { return Ok(()) };
    let what = format!("upstream `{}`", upstream.name);
    check_range(is_sane(check.interval), &what, "a health check interval")?;
    check_range(is_sane(check.timeout), &what, "a health check timeout")?;
    check_range((1..=100).contains(&check.rise), &what, "a health check rise")?;
    check_range((1..=100).contains(&check.fall), &what, "a health check fall")
}

fn check_routes(routes: &[Route], upstreams: &BTreeMap<String, Upstream>) -> Result<(), InvalidSnapshot> {
    if routes.is_empty() {
        return Err(InvalidSnapshot::NoRoute);
    }
    check_count("routes", routes.len(), MAX_ROUTES)?;
    let mut names = HashSet::new();
    let mut unconditional: BTreeMap<(&HostPattern, &PathPrefix), &str> = BTreeMap::new();
    for route in routes {
        check_name("route", &route.name)?;
        if !names.insert(&route.name) {
            return Err(InvalidSnapshot::DuplicateName { what: "routes", name: route.name.clone() });
        }
        if !upstreams.contains_key(&route.upstream) {
            let (route, upstream) = (route.name.clone(), route.upstream.clone());
            return Err(InvalidSnapshot::UnknownUpstream { route, upstream });
        }
        check_policies(route)?;
        let matches = &route.matches;
        // The first route without conditions takes all; what follows it at the same place is never reached.
        if let Some(first) = unconditional.get(&(&matches.host, &matches.path)) {
            let (first, second) = ((*first).to_owned(), route.name.clone());
            return Err(InvalidSnapshot::SameMatch { first, second });
        }
        if matches.methods.is_empty() && matches.headers.is_empty() {
            unconditional.insert((&matches.host, &matches.path), &route.name);
        }
    }
    Ok(())
}

fn check_policies(route: &Route) -> Result<(), InvalidSnapshot> {
    let what = format!("route `{}`", route.name);
    let timeouts = &route.timeouts;
    check_range(is_sane(timeouts.attempt), &what, "timeout_ms")?;
    check_range(
        is_sane(timeouts.request) && timeouts.request >= timeouts.attempt,
        &what,
        "a request timeout",
    )?;
    check_range(is_sane(timeouts.idle), &what, "idle_timeout")?;
    check_range(route.max_retries <= MAX_RETRIES, &what, "retry_count")
}

fn check_name(what: &'static str, name: &str) -> Result<(), InvalidSnapshot> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        let name = name.chars().take(64).collect();
        return Err(InvalidSnapshot::Name { what, name });
    }
    Ok(())
}

fn check_count(what: &'static str, count: usize, limit: usize) -> Result<(), InvalidSnapshot> {
    if count > limit { Err(InvalidSnapshot::TooMany { what, limit }) } else { Ok(()) }
}

fn check_range(in_range: bool, what: &str, setting: &'static str) -> Result<(), InvalidSnapshot> {
    if in_range { Ok(()) } else { Err(InvalidSnapshot::OutOfRange { what: what.to_owned(), setting }) }
}

fn is_sane(duration: Duration) -> bool {
    !duration.is_zero() && duration <= MAX_TIMEOUT
}

#[cfg(test)]
mod tests;
