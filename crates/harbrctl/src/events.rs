//! What happened, for people and programs.

use std::time::SystemTime;

use harbr_proto::document::EventDocument;
use harbr_proto::v1;

use crate::cli::Format;
use crate::controller::Controller;
use crate::output::{print, print_document};
use crate::paint::Paint;

pub(crate) async fn run(
    controller: &Controller,
    limit: u32,
    watch: bool,
    format: Format,
) -> anyhow::Result<()> {
    let mut events = controller.events(v1::WatchEventsRequest { most: limit, follow: watch }).await?;
    let mut past = Vec::new();
    let paint = Paint::for_stdout();
    while let Some(event) = events.next().await? {
        let event = EventDocument::from(event);
        match (format, watch) {
            (Format::Table | Format::Wide, _) => print(&line(&event, paint))?,
            // A document that never ends could not be read.
            (Format::Json, true) => print(&(serde_json::to_string(&event)? + "\n"))?,
            (Format::Yaml, true) => print(&format!("---\n{}", serde_yaml::to_string(&event)?))?,
            (Format::Json | Format::Yaml, false) => past.push(event),
        }
    }
    match (format, watch) {
        (Format::Json | Format::Yaml, false) => print_document(&past, format),
        _ => Ok(()),
    }
}

/// `2026-01-02T03:04:05Z  health    http://10.0.0.7:80/ is unhealthy: connection refused`
fn line(event: &EventDocument, paint: Paint) -> String {
    let EventDocument { kind, severity, text, missed, .. } = event;
    let missed = match missed {
        0 => String::new(),
        missed => paint.uncertain(&format!("({missed} events came too fast and are not shown)")) + "\n",
    };
    let text = match *severity {
        "good" => paint.good(text),
        "bad" => paint.bad(text),
        _ => text.clone(),
    };
    format!("{missed}{}  {kind:<8}  {text}\n", at(event))
}

/// To the second, in UTC: what other logs are compared with.
fn at(event: &EventDocument) -> String {
    let time = event.at.and_then(|at| SystemTime::try_from(at).ok()).unwrap_or(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests;
