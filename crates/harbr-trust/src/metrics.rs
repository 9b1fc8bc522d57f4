//! What is scraped of the TLS files.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use crate::reloaded::Reloaded;

const NOT_AFTER: &str = "harbr_tls_not_after_seconds";
const LAST_RELOAD_SUCCESSFUL: &str = "harbr_tls_last_reload_successful";

impl<T> Reloaded<T> {
    /// Appends to a scrape, in Prometheus' text format.
    pub fn write_metrics(&self, text: &mut String) {
        let not_after = self.not_after().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let is_good = u8::from(self.problem().is_none());
        let _ = writeln!(
            text,
            "# HELP {NOT_AFTER} When the certificate that is shown to the other plane expires, since the epoch.\n\
             # TYPE {NOT_AFTER} gauge\n\
             {NOT_AFTER} {not_after}\n\
             # HELP {LAST_RELOAD_SUCCESSFUL} 1 if the TLS files as they are now are what is used, else 0.\n\
             # TYPE {LAST_RELOAD_SUCCESSFUL} gauge\n\
             {LAST_RELOAD_SUCCESSFUL} {is_good}"
        );
    }
}
