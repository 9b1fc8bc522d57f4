//! A plan, for people.

mod traffic;

use harbr_proto::document::DiagnosticDocument;
use serde_json::Value;

use super::document::{ChangesDocument, FieldDocument, ItemDocument, PlanDocument};
use crate::paint::Paint;

/// `file`: the one that the warnings are of; `unknown`: why there is no traffic.
pub(super) fn text(plan: &PlanDocument, file: &str, unknown: Option<&str>, paint: Paint) -> String {
    let PlanDocument { old, new, .. } = plan;
    if plan.same {
        return format!("{new} means what {old} says\n{}", warnings(plan, file, paint));
    }
    let mut text = format!("{old} → {new}\n\n");
    if !plan.settings.is_empty() {
        text.push_str(&format!("{} settings\n{}", paint.uncertain("~"), fields(&plan.settings)));
    }
    add_changes(&mut text, "listener", &plan.listeners, paint);
    add_changes(&mut text, "upstream", &plan.upstreams, paint);
    add_changes(&mut text, "route", &plan.routes, paint);
    text.push_str(&warnings(plan, file, paint));
    match (&plan.traffic, unknown) {
        (Some(traffic), _) => text.push_str(&format!("\n{}", traffic::text(traffic, paint))),
        (None, Some(why)) => text.push_str(&format!("\nno traffic to try it on: {why}\n")),
        (None, None) => {}
    }
    text.push_str(&format!("\n{}\n", summary(plan)));
    text
}

fn add_changes(text: &mut String, kind: &str, changes: &ChangesDocument, paint: Paint) {
    let is_route = kind == "route";
    let place = |item: &ItemDocument| match &item.source {
        Some(source) => format!("  ({source})"),
        None => String::new(),
    };
    for item in &changes.added {
        let before = match &item.other_side {
            _ if !is_route => String::new(),
            Some(route) => format!(": its requests went to {route}"),
            None => ": its requests went nowhere".to_owned(),
        };
        text.push_str(&format!("{} {kind} {}{}{before}\n", paint.good("+"), item.name, place(item)));
    }
    for item in &changes.removed {
        let after = match &item.other_side {
            _ if !is_route => String::new(),
            Some(route) => format!(": its requests go to {route}"),
            None => ": its requests go nowhere".to_owned(),
        };
        text.push_str(&format!("{} {kind} {}{}{after}\n", paint.bad("-"), item.name, place(item)));
    }
    for item in &changes.changed {
        text.push_str(&format!("{} {kind} {}{}\n", paint.uncertain("~"), item.name, place(item)));
        text.push_str(&fields(&item.fields));
    }
}

fn fields(fields: &[FieldDocument]) -> String {
    let width = fields.iter().map(|it| it.field.len()).max().unwrap_or(0);
    let line = |FieldDocument { field, old, new }: &FieldDocument| {
        format!("    {field:<width$}  {} → {}\n", shown(old), shown(new))
    };
    fields.iter().map(line).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn warnings(plan: &PlanDocument, file: &str, paint: Paint) -> String {
    let line = |DiagnosticDocument { severity, code, message, line, column, .. }: &DiagnosticDocument| {
        let severity = paint.uncertain(&format!("{severity}[{code}]"));
        format!("{file}:{line}:{column}: {severity}: {message}\n")
    };
    plan.shadowed.iter().chain(&plan.warnings).map(line).collect()
}

/// `1 route added, 2 changed; 1 upstream removed`
fn summary(plan: &PlanDocument) -> String {
    let settings = ChangesDocument::default();
    let kinds = [
        ("route", &plan.routes, 0),
        ("upstream", &plan.upstreams, 0),
        ("listener", &plan.listeners, 0),
        ("setting", &settings, plan.settings.len()),
    ];
    let kinds = kinds.into_iter().filter_map(|(kind, changes, changed)| {
        let counts = [
            (changes.added.len(), "added"),
            (changes.removed.len(), "removed"),
            (changes.changed.len() + changed, "changed"),
        ];
        let mut counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let (count, what) = counts.next()?;
        let plural = if count == 1 { "" } else { "s" };
        let rest: String = counts.map(|(count, what)| format!(", {count} {what}")).collect();
        Some(format!("{count} {kind}{plural} {what}{rest}"))
    });
    kinds.collect::<Vec<_>>().join("; ")
}
