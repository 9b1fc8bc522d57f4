use harbr_config::{Position, Source, parse};

const HEAD: &str = "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 1\nmax_connections: 1\n";

fn first_error(text: &str) -> (Position, String) {
    let diagnostics = parse(Source { name: "config.yml", text }).expect_err("the text is refused");
    (diagnostics.first().span.start, diagnostics.first().message.clone())
}

#[test]
fn a_file_larger_than_16_mib_is_refused_unread() {
    let text = format!("{HEAD}routes: {{/: {{upstream: http://a}}}}\n{}", "# padding\n".repeat(1_700_000));
    assert!(text.len() > 16 * 1024 * 1024);
    assert_eq!(
        first_error(&text),
        (Position { line: 1, column: 1 }, "the file is larger than 16 MiB".to_owned())
    );
}

#[test]
fn a_small_file_that_aliases_blow_up_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let diagnostics = parse(Source { name: "config.yml", text: &text }).expect_err("the text is refused");
    let bomb = diagnostics.iter().find(|diagnostic| diagnostic.message.contains("repeat more than"));
    assert!(bomb.is_some_and(|bomb| bomb.span.start.line > 1), "{diagnostics}");
}

#[test]
fn brackets_without_end_are_refused_without_a_stack_overflow() {
    for piece in ["[", "{a: ", "- ", "? ", "[{", "a:\n "] {
        let text = piece.repeat(500_000);
        parse(Source { name: "config.yml", text: &text }).expect_err("the text is refused");
    }
}

#[test]
fn ten_thousand_routes_are_one_table() {
    let mut text = format!("{HEAD}routes:\n");
    for number in 0..10_000 {
        text.push_str(&format!(
            "  /route/{number}: {{upstream: \"http://host-{number}:8080\", retry_count: 1}}\n"
        ));
    }
    let config = parse(Source { name: "config.yml", text: &text }).expect("the file is good");
    assert_eq!(config.snapshot.routes().len(), 10_000);
    assert_eq!(config.routes["/route/9999"], Position { line: 10_004, column: 3 });
}
