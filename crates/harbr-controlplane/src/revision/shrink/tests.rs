use super::shrink;
use crate::testing::{compiled, compiled_text};

fn found(before: usize, after: usize, percent: u8) -> Option<String> {
    let names: Vec<String> = (0..before.max(after)).map(|number| format!("/{number}")).collect();
    let routes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "http://a")).collect();
    shrink(&compiled(&routes[..before]).snapshot, &compiled(&routes[..after]).snapshot, percent)
}

#[test]
fn more_than_the_share_and_at_least_three_is_too_much() {
    assert_eq!(found(10, 5, 50), None);
    assert!(found(10, 4, 50).unwrap().contains("6 of 10 routes, 6 of 10 upstreams, 6 of 10 endpoints"));
    assert_eq!(found(10, 1, 90), None);
    assert_eq!(found(2, 1, 10), None, "two of two may go");
    assert!(found(3, 1, 1).is_none() && found(4, 1, 1).is_some());
    assert_eq!(found(4, 40, 1), None);
}

#[test]
fn other_addresses_are_no_removal_and_fewer_are() {
    let of = |endpoints: &str| {
        let head = "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 1\nmax_connections: 1\n";
        let text =
            format!("{head}upstreams:\n  u: {{endpoints: [{endpoints}]}}\nroutes: {{/: {{upstream: u}}}}\n");
        compiled_text(&text).snapshot
    };
    let four = of("http://a, http://b, http://c, http://d");
    assert_eq!(shrink(&four, &of("http://e, http://f, http://g, http://h"), 50), None);
    assert_eq!(shrink(&four, &of("http://e"), 50).unwrap(), "it would remove 3 of 4 endpoints");
}
