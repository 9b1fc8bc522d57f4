//! Everything that can go wrong with a request: whose fault it is, what the client is told, and under which
//! name it is counted. It becomes a response in one place, [`ProxyError::status`] and its caller.

use http::{Method, StatusCode};

/// Why a request was not answered by an upstream's own response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("bad request: {0}")]
    BadRequest(&'static str),
    #[error("the request's head is over the limit")]
    HeadTooLarge,
    #[error("the request's body is over the limit")]
    BodyTooLarge,
    #[error("the request's body is malformed or ended early")]
    BodyBroken,
    #[error("the request's body stood still for too long")]
    BodyStalled,
    #[error("this connection is for another host")]
    Misdirected,
    #[error("no route")]
    NoRoute,
    #[error("the method is not allowed here")]
    MethodNotAllowed(Vec<Method>),
    #[error("the target is too long")]
    TargetTooLong,
    #[error("the request goes in a circle")]
    Loop,
    /// RFC 9110, 7.6.2: the request asks to be answered here.
    #[error("the request is to go no further")]
    NoForwardsLeft(Vec<Method>),
    #[error("no tunnel goes there")]
    Forbidden,
    #[error("no healthy endpoint")]
    NoHealthyEndpoint,
    #[error("the upstream's name does not resolve")]
    Unresolved,
    #[error("cannot connect to the upstream")]
    Connect,
    #[error("the upstream's certificate or TLS is not acceptable")]
    Tls,
    #[error("the upstream closed the connection before it answered")]
    Reset,
    #[error("the upstream's answer is malformed")]
    Malformed,
    #[error("the upstream did not answer in time")]
    Timeout,
}

/// The machine-readable name of an end that was not the upstream's own whole response. In logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    BadRequest,
    HeadTooLarge,
    BodyTooLarge,
    BodyBroken,
    BodyStalled,
    Misdirected,
    NoRoute,
    MethodNotAllowed,
    TargetTooLong,
    Loop,
    NoForwardsLeft,
    /// A tunnel to where none may go.
    Forbidden,
    NoHealthyEndpoint,
    Unresolved,
    Connect,
    Tls,
    Reset,
    Malformed,
    Timeout,
    /// The client left before it had the whole response.
    ClientGone,
    /// The upstream's response ended early.
    Truncated,
    /// The upstream's response stood still for too long.
    ResponseStalled,
}

/// Why a failed attempt was not followed by another, though the route has retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryEnd {
    /// As many as `retry_count` were made.
    Limit,
    /// The budget had no place for one more.
    Budget,
}

impl RetryEnd {
    /// As Envoy's response flags have it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Limit => "URX",
            Self::Budget => "UO",
        }
    }
}

impl ProxyError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyStalled => StatusCode::REQUEST_TIMEOUT,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::NoForwardsLeft(_) => StatusCode::OK,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NoHealthyEndpoint => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unresolved | Self::Connect | Self::Tls | Self::Reset | Self::Malformed => {
                StatusCode::BAD_GATEWAY
            }
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::BadRequest(_) => Reason::BadRequest,
            Self::HeadTooLarge => Reason::HeadTooLarge,
            Self::BodyTooLarge => Reason::BodyTooLarge,
            Self::BodyBroken => Reason::BodyBroken,
            Self::BodyStalled => Reason::BodyStalled,
            Self::Misdirected => Reason::Misdirected,
            Self::NoRoute => Reason::NoRoute,
            Self::MethodNotAllowed(_) => Reason::MethodNotAllowed,
            Self::TargetTooLong => Reason::TargetTooLong,
            Self::Loop => Reason::Loop,
            Self::NoForwardsLeft(_) => Reason::NoForwardsLeft,
            Self::Forbidden => Reason::Forbidden,
            Self::NoHealthyEndpoint => Reason::NoHealthyEndpoint,
            Self::Unresolved => Reason::Unresolved,
            Self::Connect => Reason::Connect,
            Self::Tls => Reason::Tls,
            Self::Reset => Reason::Reset,
            Self::Malformed => Reason::Malformed,
            Self::Timeout => Reason::Timeout,
        }
    }

    /// The methods to name in `Allow`.
    pub(crate) fn allowed(&self) -> Option<&[Method]> {
        if let Self::NoForwardsLeft(methods) = self {
            // A route without a list takes them all.
            return Some(methods.as_slice()).filter(|methods| !methods.is_empty());
        }
        if let Self::MethodNotAllowed(methods) = self { Some(methods) } else { None }
    }

    /// The client's connection is not fit for another request: the rest of its body is unread or unreadable.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::BadRequest(_)
                | Self::TargetTooLong
                | Self::BodyTooLarge
                | Self::BodyBroken
                | Self::BodyStalled
        )
    }
}

impl Reason {
    pub(crate) const ALL: [Self; 22] = [
        Self::BadRequest,
        Self::HeadTooLarge,
        Self::BodyTooLarge,
        Self::BodyBroken,
        Self::BodyStalled,
        Self::Misdirected,
        Self::NoRoute,
        Self::MethodNotAllowed,
        Self::TargetTooLong,
        Self::Loop,
        Self::NoForwardsLeft,
        Self::Forbidden,
        Self::NoHealthyEndpoint,
        Self::Unresolved,
        Self::Connect,
        Self::Tls,
        Self::Reset,
        Self::Malformed,
        Self::Timeout,
        Self::ClientGone,
        Self::Truncated,
        Self::ResponseStalled,
    ];

    /// As Envoy's response flags have it, where they have a word for it.
    pub(crate) fn flag(self) -> Option<&'static str> {
        match self {
            Self::BadRequest | Self::HeadTooLarge | Self::TargetTooLong | Self::BodyBroken => Some("DPE"),
            Self::BodyStalled | Self::ResponseStalled => Some("SI"),
            Self::NoRoute | Self::MethodNotAllowed => Some("NR"),
            Self::NoHealthyEndpoint => Some("UH"),
            Self::Unresolved => Some("DF"),
            Self::Connect | Self::Tls => Some("UF"),
            Self::Reset | Self::Truncated => Some("UC"),
            Self::Malformed => Some("UPE"),
            Self::Timeout => Some("UT"),
            Self::ClientGone => Some("DC"),
            Self::BodyTooLarge | Self::Misdirected | Self::Loop | Self::NoForwardsLeft | Self::Forbidden => {
                None
            }
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::HeadTooLarge => "head_too_large",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyBroken => "body_broken",
            Self::BodyStalled => "body_stalled",
            Self::Misdirected => "misdirected",
            Self::NoRoute => "no_route",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TargetTooLong => "target_too_long",
            Self::Loop => "loop",
            Self::NoForwardsLeft => "no_forwards_left",
            Self::Forbidden => "forbidden",
            Self::NoHealthyEndpoint => "no_healthy_endpoint",
            Self::Unresolved => "unresolved",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::Malformed => "malformed",
            Self::Timeout => "timeout",
            Self::ClientGone => "client_gone",
            Self::Truncated => "truncated",
            Self::ResponseStalled => "response_stalled",
        }
    }
}

#[cfg(test)]
mod tests;
