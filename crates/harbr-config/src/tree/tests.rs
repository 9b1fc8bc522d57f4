use super::*;

/// The tree as one line: each key and value with its line and column.
fn tree(text: &str) -> String {
    let mut findings = Findings::default();
    let root = parse(text, &mut findings).expect("the text is YAML");
    assert!(!findings.has_errors(), "{findings:?}");
    root.map_or("nothing".to_owned(), |root| show(&root))
}

fn show(node: &Node<'_>) -> String {
    let at = node.span.start;
    match &node.content {
        Content::Scalar { text, is_plain: true } => format!("{text}@{at}"),
        Content::Scalar { text, is_plain: false } => format!("{text:?}@{at}"),
        Content::List(nodes) => format!("[{}]", nodes.iter().map(show).collect::<Vec<_>>().join(" ")),
        Content::Mapping(entries) => {
            let show = |entry: &Entry<'_>| {
                format!("{}@{}={}", entry.key.text().unwrap_or("?"), entry.key.span.start, show(&entry.value))
            };
            format!("{{{}}}", entries.iter().map(show).collect::<Vec<_>>().join(" "))
        }
    }
}

fn first_error(text: &str) -> String {
    let mut findings = Findings::default();
    let root = parse(text, &mut findings);
    assert!(root.is_err(), "{root:?}");
    findings.into_result(None::<()>, "file", text).expect_err("it stopped").to_string()
}

#[test]
fn knows_where_each_key_and_value_is() {
    assert_eq!(
        tree("a: 1\nb:\n  - 'x'\n  - {é: y, z: w}\n"),
        "{a@1:1=1@1:4 b@2:1=[\"x\"@3:5 {é@4:6=y@4:9 z@4:12=w@4:15}]}"
    );
}

#[test]
fn a_value_that_is_not_there_stands_at_its_key() {
    assert_eq!(tree("a:\n\n\nb: 1\n"), "{a@1:1=@1:1 b@4:1=1@4:4}");
}

#[test]
fn nothing_but_comments_is_nothing() {
    assert_eq!(tree("# a\n# b\n"), "nothing");
    assert_eq!(tree(""), "nothing");
}

#[test]
fn an_alias_is_what_it_repeats_in_its_own_place() {
    assert_eq!(tree("a: &x {b: 1}\nc: *x\n"), "{a@1:1={b@1:8=1@1:11} c@2:1={b@1:8=1@1:11}}");
    assert_eq!(tree("a: &x 1\nc: *x\n"), "{a@1:1=1@1:4 c@2:1=1@2:4}");
}

#[test]
fn the_second_of_two_keys_is_marked_and_reported() {
    let mut findings = Findings::default();
    let root = parse("a: 1\n'a': 2\nA: 3\n", &mut findings).expect("it is YAML").expect("it is not empty");
    let Content::Mapping(entries) = root.content else { panic!("it is a mapping") };
    assert_eq!(entries.iter().map(|entry| entry.is_duplicate).collect::<Vec<_>>(), [false, true, false]);
    let error = findings.into_result(None::<()>, "file", "").expect_err("it was reported");
    assert_eq!(error.first_error().expect("it was reported").message, "the key `a` is there twice");
}

#[test]
fn null_is_what_yaml_says_it_is_and_nothing_else() {
    for (text, is_null) in [
        ("a: ~", true),
        ("a: null", true),
        ("a:", true),
        ("a: NULL", true),
        ("a: nUll", false),
        ("a: ''", false),
        ("a: 'null'", false),
        ("a: no", false),
        ("a: []", false),
    ] {
        let root = parse(text, &mut Findings::default()).expect("it is YAML").expect("it is not empty");
        let Content::Mapping(entries) = root.content else { panic!("it is a mapping") };
        assert_eq!(entries[0].value.is_null(), is_null, "{text}");
    }
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH), &mut Findings::default()).is_ok());
    assert!(first_error(&nested(MAX_DEPTH + 1)).contains("nested deeper than 24 levels"));
}

#[test]
fn what_aliases_repeat_has_a_limit() {
    let sharing =
        |times: usize| format!("a: &x [1, 2, 3, 4, 5, 6, 7, 8, 9]\nb: [{}]\n", "*x, ".repeat(times));
    assert!(parse(&sharing(900), &mut Findings::default()).is_ok());
    assert!(first_error(&sharing(1_100)).contains("repeat more than 10000 values"));
}

#[test]
fn an_alias_inside_of_its_own_anchor_ends_the_reading() {
    assert_eq!(
        first_error("a: &x [*x]\n"),
        "file:1:8: error[HR0012]: the alias is inside of what it repeats"
    );
}

#[test]
fn tags_merge_keys_and_keys_that_are_no_text_are_all_reported_and_nothing_is_read() {
    let error = first_error("a: !!int 1\n<<: {b: 2}\n[c]: !x 3\n'<<': 4\n");
    let places: Vec<&str> = error.lines().map(|line| &line[..8]).collect();
    assert_eq!(places, ["file:1:4", "file:2:1", "file:3:1", "file:3:6"], "{error}");
}
