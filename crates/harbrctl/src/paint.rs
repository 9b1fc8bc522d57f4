//! Colour, where a person looks.

use std::env;
use std::io::{self, IsTerminal as _};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Color,
}

impl Paint {
    pub(crate) fn for_stdout() -> Self {
        Self::for_terminal(io::stdout().is_terminal())
    }

    pub(crate) fn for_stderr() -> Self {
        Self::for_terminal(io::stderr().is_terminal())
    }

    /// <https://no-color.org>: any value that is not empty turns colour off.
    fn for_terminal(is_terminal: bool) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if is_terminal && !refused { Self::Color } else { Self::Plain }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub(crate) fn uncertain(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// The colour that goes with a node's state or an endpoint's health.
    pub(crate) fn state(self, state: &str) -> String {
        match state {
            "ready" | "healthy" => self.good(state),
            "rejected" | "disconnected" | "unhealthy" => self.bad(state),
            _ => self.uncertain(state),
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Color => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}
