//! What several tests of this crate share.

use std::fmt::Write;
use std::time::Duration;

use harbr_config::Files;

use crate::revision::{Compiled, compile};

/// Long enough for a busy machine; reached only by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A file with these routes, each to its URL, checked on `/health` if `check` is not empty.
pub(crate) fn config(routes: &[(&str, &str)], check: &str) -> String {
    let mut text =
        "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 5000\nmax_connections: 100\nroutes:\n".to_owned();
    for (route, url) in routes {
        let _ = writeln!(text, "  \"{route}\":\n    upstream: \"{url}\"");
        if !check.is_empty() {
            let _ = writeln!(text, "    health_check: {check}");
        }
    }
    text
}

pub(crate) fn compiled(routes: &[(&str, &str)]) -> Compiled {
    compile("test.yml", config(routes, "").as_bytes(), &Files::none()).unwrap()
}

/// Waits until the condition gives a value.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
}
