use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics;

/// How often one kind of refusal is logged; all are counted.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Why somebody was not let in, or not let do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// What came is not what is spoken here.
    Garbage,
    /// Nothing that makes a beginning came in time.
    Silent,
    /// It had not begun, and others needed the place.
    CrowdedOut,
    /// It left before it had begun, as the probe of a load balancer does.
    Gone,
    NoCertificate,
    UnknownAuthority,
    Expired,
    /// The certificate is wrong in some other way, or says no role.
    BadCertificate,
    /// The other side does not believe our certificate.
    Distrusted,
    /// The role does not allow the call.
    Forbidden,
    /// A node that calls itself by a name that is not in its certificate.
    OtherName,
    /// A token that lets nobody in, or not any more.
    BadToken,
}

/// Counts refusals, and logs each kind once in a while: who floods us does not fill the disk too.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    kinds: Mutex<[Kind; Refusal::ALL.len()]>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Kind {
    logged: Option<Instant>,
    /// Since then.
    silent: u64,
}

impl Refusal {
    pub(crate) const ALL: [Self; 12] = [
        Self::Garbage,
        Self::Silent,
        Self::CrowdedOut,
        Self::Gone,
        Self::NoCertificate,
        Self::UnknownAuthority,
        Self::Expired,
        Self::BadCertificate,
        Self::Distrusted,
        Self::Forbidden,
        Self::OtherName,
        Self::BadToken,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Silent => "silent",
            Self::CrowdedOut => "crowded_out",
            Self::Gone => "gone",
            Self::NoCertificate => "no_certificate",
            Self::UnknownAuthority => "unknown_authority",
            Self::Expired => "expired",
            Self::BadCertificate => "bad_certificate",
            Self::Distrusted => "distrusted",
            Self::Forbidden => "forbidden",
            Self::OtherName => "other_name",
            Self::BadToken => "bad_token",
        }
    }
}

impl Refusals {
    /// `who`: an address, or a name.
    pub(crate) fn note(&self, refusal: Refusal, who: &dyn Display, reason: &dyn Display) {
        ::metrics::counter!(metrics::GRPC_REFUSED, "reason" => refusal.as_str()).increment(1);
        let Some(silent) = self.log_now(refusal, Instant::now()) else { return };
        let kind = refusal.as_str();
        // Nothing that a person must look at: it is what health checks of load balancers look like.
        if refusal == Refusal::Gone {
            tracing::debug!(kind, silent, "{who} has left before it said anything");
        } else {
            tracing::warn!(
                kind,
                silent,
                "{who} is refused: {reason}; more of this kind are counted, and logged once a minute"
            );
        }
    }

    /// How many of this kind were not logged since the last that was; `None`: nor is this one.
    fn log_now(&self, refusal: Refusal, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = &mut kinds[refusal as usize];
        if kind.logged.is_some_and(|logged| now.duration_since(logged) < LOG_EVERY) {
            kind.silent += 1;
            return None;
        }
        let silent = std::mem::take(&mut kind.silent);
        kind.logged = Some(now);
        Some(silent)
    }
}

#[cfg(test)]
mod tests;
