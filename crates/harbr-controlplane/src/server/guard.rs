//! The one place where it is decided who may call what.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::refusals::{Refusal, Refusals};
use crate::caller::{Access, Caller};

/// Lets through only what the caller's role allows.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    refusals: Arc<Refusals>,
}

#[derive(Debug, Clone)]
pub(super) struct Guarded<S> {
    inner: S,
    refusals: Arc<Refusals>,
}

impl Guard {
    pub(super) fn new(refusals: Arc<Refusals>) -> Self {
        Self { refusals }
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, refusals: self.refusals.clone() }
    }
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let needed = needed(path);
        // The server puts one in for each connection; without it nothing is known of who calls.
        let caller = request.extensions().get::<Caller>().unwrap_or(&Caller::Anonymous);
        if caller.may(needed) {
            return Either::Left(self.inner.call(request));
        }
        let call = path.rsplit('/').next().unwrap_or_default();
        let reason = format!("{call} takes {needed}, and this is {caller}");
        self.refusals.note(Refusal::Forbidden, caller, &reason);
        let status = match caller {
            Caller::Anonymous => Status::unauthenticated(reason),
            Caller::InProcess
            | Caller::Unproven
            | Caller::Proven(_)
            | Caller::Onlooker
            | Caller::TokenHolder { .. } => Status::permission_denied(reason),
        };
        Either::Right(ready(Ok(status.into_http())))
    }
}

/// What a call takes. Reads are called `Get…`, `List…` or `Watch…`; all else is taken to change something.
fn needed(path: &str) -> Access {
    match path.strip_prefix("/harbr.v1.").and_then(|path| path.split_once('/')) {
        Some(("JoinService", "Join")) => Access::Anyone,
        Some(("NodeService" | "JoinService", _)) => Access::Node,
        Some(("AdminService", call))
            if ["Get", "List", "Watch"].iter().any(|read| call.starts_with(read)) =>
        {
            Access::Viewer
        }
        Some(_) | None => Access::Operator,
    }
}

#[cfg(test)]
mod tests;
