use super::*;

fn at(line: u32, column: u32) -> Span {
    Span::at(Position { line, column })
}

fn diagnostics(findings: Vec<Diagnostic>) -> Diagnostics {
    let mut list = Findings::default();
    for finding in findings {
        list.push(finding);
    }
    list.into_result(None::<()>, "config.yml", "a: 1\nb: 2\n").expect_err("something was found")
}

fn first(diagnostics: &Diagnostics) -> &Diagnostic {
    diagnostics.first_error().expect("something is wrong")
}

#[test]
fn is_told_in_the_order_of_the_file_one_line_each() {
    let diagnostics = diagnostics(vec![
        Diagnostic::new(Code::UnknownKey, at(2, 4), "second").with_hint("a hint is not shown here"),
        Diagnostic::new(Code::UnknownKey, at(1, 1), "first"),
    ]);
    assert_eq!(
        diagnostics.to_string(),
        "config.yml:1:1: error[HR0101]: first\nconfig.yml:2:4: error[HR0101]: second"
    );
    assert_eq!(first(&diagnostics).message, "first");
    assert_eq!((diagnostics.len(), diagnostics.file()), (2, "config.yml"));
}

#[test]
fn a_place_behind_the_text_is_shown_at_its_end() {
    let diagnostics = diagnostics(vec![
        Diagnostic::new(Code::UnknownKey, at(9, 9), "lost").with_related(at(1, 99), "from here"),
    ]);
    let (related, _) = first(&diagnostics).related.as_ref().expect("it was given");
    assert_eq!((first(&diagnostics).span, *related), (at(3, 1), at(1, 5)));
}

#[test]
fn what_a_message_quotes_stays_on_its_line_and_is_cut() {
    let message = format!("`\u{1b}[31m\n{}`", "x".repeat(10_000));
    let diagnostics = diagnostics(vec![Diagnostic::new(Code::UnknownKey, at(1, 1), message)]);
    let message = &first(&diagnostics).message;
    assert!(message.starts_with("`\\u{1b}[31m\\nxxx"), "{message}");
    assert!(message.ends_with("xx…") && message.len() < 500, "{message}");
}

#[test]
fn the_same_error_at_the_same_place_is_told_once() {
    let diagnostic = || Diagnostic::new(Code::UnknownKey, at(1, 1), "again");
    assert_eq!(diagnostics(vec![diagnostic(), diagnostic()]).len(), 1);
}

#[test]
fn a_flood_of_errors_is_cut_and_counted() {
    let flood = (0..MAX_FINDINGS + 5)
        .map(|number| Diagnostic::new(Code::UnknownKey, at(1, 1), number.to_string()))
        .collect();
    let diagnostics = diagnostics(flood);
    assert_eq!(diagnostics.len(), MAX_FINDINGS);
    assert!(diagnostics.to_string().ends_with("\nconfig.yml: and 5 more errors"));
    assert!(diagnostics.render(RenderStyle::Plain).ends_with("\nconfig.yml: and 5 more errors\n"));
}

#[test]
fn only_the_colored_style_has_escape_sequences() {
    let diagnostics =
        diagnostics(vec![Diagnostic::new(Code::UnknownKey, at(1, 1), "wrong").with_hint("right")]);
    assert!(!diagnostics.render(RenderStyle::Plain).contains('\u{1b}'));
    assert!(diagnostics.render(RenderStyle::Color).contains('\u{1b}'));
}

#[test]
fn without_findings_there_is_the_value_and_without_both_there_is_still_an_error() {
    let (value, warnings) =
        Findings::default().into_result(Some(1), "config.yml", "").expect("nothing is wrong");
    assert_eq!((value, warnings.is_empty()), (1, true));
    let nothing = Findings::default().into_result(None::<u8>, "config.yml", "").expect_err("no value");
    assert_eq!(nothing.to_string(), "config.yml:1:1: error[HR0006]: the file cannot be read");
}

#[test]
fn a_warning_refuses_nothing_and_is_no_first_error() {
    let warning = || Diagnostic::new(Code::UnusedUpstream, at(1, 1), "unused");
    let mut findings = Findings::default();
    findings.push(warning());
    let (value, warnings) = findings.into_result(Some(1), "config.yml", "a: 1\n").expect("it is taken");
    assert_eq!((value, warnings.to_string()), (1, "config.yml:1:1: warning[HR0420]: unused".to_owned()));
    assert!(warnings.render(RenderStyle::Plain).starts_with("warning[HR0420]: unused\n"));
    let refused = diagnostics(vec![warning(), Diagnostic::new(Code::UnknownKey, at(2, 1), "wrong")]);
    assert_eq!((refused.len(), first(&refused).message.as_str()), (2, "wrong"));
}

#[test]
fn warnings_do_not_take_the_place_of_errors() {
    let flood = |code| move |number: usize| Diagnostic::new(code, at(1, 1), number.to_string());
    let warnings = (0..MAX_FINDINGS + 2).map(flood(Code::UnusedUpstream));
    let errors = (0..MAX_FINDINGS + 1).map(flood(Code::UnknownKey));
    let diagnostics = diagnostics(warnings.chain(errors).collect());
    assert_eq!(diagnostics.len(), 2 * MAX_FINDINGS);
    assert!(diagnostics.to_string().ends_with("\nconfig.yml: and 1 more errors, 2 more warnings"));
}
