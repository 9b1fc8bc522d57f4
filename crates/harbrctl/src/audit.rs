//! Who changed what, when and why.

use harbr_proto::document::AuditDocument;

use crate::cli::Format;
use crate::controller::Controller;
use crate::output::{print, print_document};
use crate::table::{or_dash, render};
use crate::when::Now;

pub(crate) async fn run(controller: &Controller, limit: u32, format: Format) -> anyhow::Result<()> {
    let entries = controller.audit(limit).await?;
    let entries: Vec<AuditDocument> = entries.into_iter().map(AuditDocument::from).collect();
    match format {
        Format::Json | Format::Yaml => print_document(&entries, format),
        Format::Table => print(&table(&entries, |entry| Now::of_clock().age(entry.at.as_ref()))),
        Format::Wide => {
            print(&table(&entries, |entry| entry.at.map_or_else(String::new, |at| at.to_string())))
        }
    }
}

fn table(entries: &[AuditDocument], when: impl Fn(&AuditDocument) -> String) -> String {
    let rows = entries.iter().map(|entry| {
        let said = |text: &Option<String>| or_dash(text.as_deref().unwrap_or_default());
        [when(entry), said(&entry.actor), entry.what.clone(), said(&entry.reason)]
    });
    render(["WHEN", "ACTOR", "WHAT", "REASON"], rows)
}
