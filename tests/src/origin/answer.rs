use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Response;

use super::{Handler, Hangup};
use crate::body::full;

/// What an origin can be told to do with each request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The JSON of an [`Echo`](super::Echo).
    Echo,
    /// Reads the request's body, then answers with this status and the origin's view of nothing.
    Status(u16),
    /// The echo, this long after the head of the request.
    EchoAfter(Duration),
    /// Closes the connection without a response.
    HangUp,
    /// Never answers.
    Silence,
    /// This for the first requests, then something else.
    First(usize, Box<Answer>, Box<Answer>),
}

impl Answer {
    /// `first` for `count` requests, then the echo.
    #[must_use]
    pub fn then_echo(count: usize, first: Answer) -> Self {
        Self::First(count, Box::new(first), Box::new(Self::Echo))
    }

    pub(super) fn into_handler(self) -> Handler {
        match self {
            Self::Echo => {
                Arc::new(|request| Box::pin(async move { Ok(super::echo::respond(request).await) }))
            }
            Self::EchoAfter(delay) => Arc::new(move |request| {
                Box::pin(async move {
                    tokio::time::sleep(delay).await;
                    Ok(super::echo::respond(request).await)
                })
            }),
            Self::Status(status) => Arc::new(move |request| {
                Box::pin(async move {
                    super::echo::drain(request).await;
                    let mut response = Response::new(full(""));
                    *response.status_mut() = status.try_into().expect("the test's status is one");
                    Ok(response)
                })
            }),
            Self::HangUp => Arc::new(|request| {
                Box::pin(async move {
                    super::echo::drain(request).await;
                    Err(Hangup)
                })
            }),
            Self::Silence => Arc::new(|_| Box::pin(std::future::pending())),
            Self::First(count, first, then) => {
                let (first, then) = (first.into_handler(), then.into_handler());
                let so_far = AtomicUsize::new(0);
                Arc::new(move |request| {
                    if so_far.fetch_add(1, Ordering::SeqCst) < count { first(request) } else { then(request) }
                })
            }
        }
    }
}
