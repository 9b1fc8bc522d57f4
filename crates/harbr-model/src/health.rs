use std::fmt;
use std::time::Duration;

/// How the controller finds out whether an endpoint can serve.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HealthCheck {
    pub probe: Probe,
    pub interval: Duration,
    pub timeout: Duration,
    /// Successes in a row that make an unhealthy endpoint healthy.
    pub rise: u32,
    /// Failures in a row that make a healthy endpoint unhealthy.
    pub fall: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Probe {
    /// `GET` of this path on the endpoint, with the endpoint's scheme; 200–299 is a success. The path is
    /// absolute: an endpoint URL's own path is not put before it.
    Http { path: String },
    /// The connection opens.
    Tcp,
}

impl HealthCheck {
    /// The product's defaults: every 10 s, 5 s to answer, one result is enough either way.
    #[must_use]
    pub fn new(probe: Probe) -> Self {
        Self { probe, interval: Duration::from_secs(10), timeout: Duration::from_secs(5), rise: 1, fall: 1 }
    }
}

impl fmt::Display for HealthCheck {
    /// The one text form, which also tells two checks apart: `GET /health every 10s timeout 5s rise 1 fall 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.probe {
            Probe::Http { path } => write!(f, "GET {path}")?,
            Probe::Tcp => f.write_str("TCP")?,
        }
        let Self { interval, timeout, rise, fall, .. } = self;
        write!(f, " every {interval:?} timeout {timeout:?} rise {rise} fall {fall}")
    }
}

/// What is known of an endpoint. `Unknown` serves traffic: only a failed probe takes an endpoint out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    Unknown,
    Healthy,
    Unhealthy,
}

impl Health {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}
