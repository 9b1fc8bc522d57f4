use std::time::Duration;

use crate::paint::Paint;
use crate::plan::document::{AnswerDocument, MoveDocument, MoveKind, QuantityDocument, TrafficDocument};
use crate::table::render;

/// What becomes of a request, in the order in which it matters.
const KINDS: [(MoveKind, &str); 6] = [
    (MoveKind::NotFound, "would become 404"),
    (MoveKind::MethodNotAllowed, "would become 405"),
    (MoveKind::Upstream, "would change upstream"),
    (MoveKind::Route, "would change route only"),
    (MoveKind::Routed, "would have a route, and have none"),
    (MoveKind::Edited, "would stay, on a changed route or upstream"),
];

/// Kinds of requests that a person is shown.
const MAX_MOVES: usize = 20;

pub(super) fn text(traffic: &TrafficDocument, paint: Paint) -> String {
    let mut text = heading(traffic);
    let found = KINDS.into_iter().map(|(kind, words)| (kind, words, traffic.of(kind)));
    let found: Vec<_> = found.filter(|(_, _, quantity)| quantity.requests > 0.0).collect();
    if found.is_empty() {
        text.push_str("  no request would be answered differently\n");
    }
    for (kind, words, quantity) in &found {
        text.push_str(&format!(
            "  {:>6}  {:>9}  {}\n",
            share(*quantity),
            rate(*quantity),
            painted(*kind, words, paint)
        ));
    }
    for header in &traffic.unknown_headers {
        text.push_str(&format!(
            "  {} what requests have in `{header}` is not known: taken as if none had it\n",
            paint.uncertain("note:")
        ));
    }
    if !traffic.moves.is_empty() {
        text.push_str(&format!("\n{}", moves(&traffic.moves)));
        let left_out = traffic.moves_left_out + traffic.moves.len().saturating_sub(MAX_MOVES) as u64;
        if left_out > 0 {
            text.push_str(&format!("and {left_out} more kinds of requests\n"));
        }
    }
    text
}

/// `traffic: 20.6/s over the last 10m on 3 nodes; 1234 of 12345 requests looked at`
fn heading(traffic: &TrafficDocument) -> String {
    let TrafficDocument { all, sampled, unreadable, nodes, silent, .. } = traffic;
    let window = humantime::format_duration(Duration::from_secs(traffic.window_seconds));
    let on = match nodes.len() {
        0 => String::new(),
        1 => " on 1 node".to_owned(),
        many => format!(" on {many} nodes"),
    };
    let silent = if silent.is_empty() { String::new() } else { format!("; silent: {}", silent.join(", ")) };
    let unreadable = if *unreadable == 0 { String::new() } else { format!("; {unreadable} unreadable") };
    format!(
        "traffic: {} over the last {window}{on}; {sampled} of {:.0} requests looked at{silent}{unreadable}\n",
        rate(*all),
        all.requests
    )
}

fn moves(moves: &[MoveDocument]) -> String {
    let rows = moves.iter().take(MAX_MOVES).map(|one| {
        let example = one.examples.first().cloned().unwrap_or_default();
        [share(one.quantity), rate(one.quantity), answer(&one.from), answer(&one.to), example]
    });
    render(["SHARE", "RATE", "FROM", "TO", "SUCH AS"], rows)
}

/// `/api (shop)`, or `404`
fn answer(answer: &AnswerDocument) -> String {
    match (&answer.route, &answer.upstream, answer.status) {
        (Some(route), Some(upstream), _) if route != upstream => format!("{route} ({upstream})"),
        (Some(route), _, _) => route.clone(),
        (None, _, status) => status.map(|status| status.to_string()).unwrap_or_default(),
    }
}

fn share(quantity: QuantityDocument) -> String {
    let percent = quantity.share * 100.0;
    // What is there is never shown as nothing.
    if percent > 0.0 && percent < 0.1 { "<0.1%".to_owned() } else { format!("{percent:.1}%") }
}

fn rate(quantity: QuantityDocument) -> String {
    match quantity.per_second {
        few if few < 10.0 => format!("{few:.2}/s"),
        many => format!("{many:.0}/s"),
    }
}

fn painted(kind: MoveKind, words: &str, paint: Paint) -> String {
    match kind {
        MoveKind::NotFound | MoveKind::MethodNotAllowed => paint.bad(words),
        MoveKind::Routed => paint.good(words),
        MoveKind::Upstream | MoveKind::Route | MoveKind::Edited | MoveKind::Changed => paint.uncertain(words),
    }
}
