use harbr_config::{Files, MAX_FILE_BYTES, Position, Source, parse};

const HEAD: &str = "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 1\nmax_connections: 1\n";

fn first_error(text: &str) -> (Position, String) {
    let diagnostics = parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none())
        .expect_err("the text is refused");
    let first = diagnostics.first_error().expect("something is wrong");
    (first.span.start, first.message.clone())
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
fn what_was_read_one_byte_past_the_limit_is_refused_whatever_it_starts_with() {
    let mut bytes = format!("\u{feff}{HEAD}routes: {{/: {{upstream: \"http://a\"}}}}\n#").into_bytes();
    bytes.resize(MAX_FILE_BYTES, b'x');
    assert!(parse(Source { name: "config.yml", bytes: &bytes }, &Files::none()).is_ok());
    bytes.push(b'x');
    let diagnostics =
        parse(Source { name: "config.yml", bytes: &bytes }, &Files::none()).expect_err("the file is refused");
    assert_eq!(diagnostics.first_error().expect("it says why").message, "the file is larger than 16 MiB");
}

#[test]
fn a_small_file_that_aliases_blow_up_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let diagnostics = parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none())
        .expect_err("the text is refused");
    let bomb = diagnostics.iter().find(|diagnostic| diagnostic.message.contains("repeat more than"));
    assert!(bomb.is_some_and(|bomb| bomb.span.start.line > 1), "{diagnostics}");
}

#[test]
fn brackets_without_end_are_refused_without_a_stack_overflow() {
    for piece in ["[", "{a: ", "- ", "? ", "[{", "a:\n "] {
        let text = piece.repeat(500_000);
        parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none())
            .expect_err("the text is refused");
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
    let config = parse(Source { name: "config.yml", bytes: text.as_bytes() }, &Files::none())
        .expect("the file is good");
    assert_eq!(config.snapshot.routes().len(), 10_000);
    assert_eq!(config.routes["/route/9999"], Position { line: 10_004, column: 3 });
}

#[test]
fn more_listeners_than_a_node_can_have_are_refused() {
    let listeners = |count: usize| {
        let items: Vec<_> =
            (0..count).map(|number| format!("{{name: l{number}, addr: \"127.0.0.1:0\"}}")).collect();
        let items = items.join(", ");
        format!(
            "listeners: [{items}]\nglobal_timeout_ms: 1\nmax_connections: 1\nroutes: {{/: {{upstream: \"http://a\"}}}}\n"
        )
    };
    assert!(parse(Source { name: "config.yml", bytes: listeners(64).as_bytes() }, &Files::none()).is_ok());
    assert_eq!(first_error(&listeners(65)).1, "`listeners` must have from 1 to 64 items, not 65");
}

#[test]
fn a_name_has_a_limit() {
    let route =
        |length: usize| format!("{HEAD}routes: {{/{}: {{upstream: \"http://a\"}}}}\n", "x".repeat(length));
    assert!(parse(Source { name: "config.yml", bytes: route(1_023).as_bytes() }, &Files::none()).is_ok());
    assert_eq!(first_error(&route(1_024)).1, "the key is longer than 1024 characters");
    let upstream = |length: usize| {
        let name = "x".repeat(length);
        format!(
            "{HEAD}upstreams: {{{name}: {{endpoints: [\"http://a\"]}}}}\nroutes: {{/: {{upstream: {name}}}}}\n"
        )
    };
    assert!(parse(Source { name: "config.yml", bytes: upstream(1_024).as_bytes() }, &Files::none()).is_ok());
    assert_eq!(first_error(&upstream(1_025)).1, "the key is longer than 1024 characters");
}

#[test]
fn more_endpoints_than_an_upstream_can_have_are_refused() {
    let endpoints = |count: usize| {
        let urls: Vec<_> = (0..count).map(|number| format!("\"http://host-{number}\"")).collect();
        let urls = urls.join(", ");
        format!("{HEAD}upstreams: {{a: {{endpoints: [{urls}]}}}}\nroutes: {{/: {{upstream: a}}}}\n")
    };
    assert!(
        parse(Source { name: "config.yml", bytes: endpoints(10_000).as_bytes() }, &Files::none()).is_ok()
    );
    assert_eq!(first_error(&endpoints(10_001)).1, "`endpoints` must have from 1 to 10000 items, not 10001");
}
