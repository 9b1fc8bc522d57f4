use crate::{Files, Source, parse};

/// Lines and codes of all errors.
fn errors(text: &str) -> Vec<String> {
    let errors =
        parse(Source { name: "s", bytes: text.as_bytes() }, &Files::none()).expect_err("the text is no YAML");
    errors.iter().map(|error| format!("{}:{}", error.span.start.line, error.code)).collect()
}

#[test]
fn each_part_between_two_breaks_is_checked() {
    let text = "max_conections: 1\nlisteners:\n  - {name: a\nupstreams:\n  x: [\"\nmax_header: 1\nroutes:\n\t/: {}\nmax_headers: many\n";
    assert_eq!(errors(text), ["1:HR0101", "5:HR0006"], "a bracket that is not closed hides what follows");
    let text =
        "max_conections: 1\nlisteners:\n  - name: a: b\nmax_header: 1\nroutes:\n\t/: {}\nmax_headers: many\n";
    assert_eq!(errors(text), ["1:HR0101", "3:HR0006", "4:HR0101", "6:HR0006", "7:HR0102"]);
}

#[test]
fn what_only_a_whole_file_shows_is_not_said() {
    assert_eq!(errors("routes:\n  - a: b: c\n"), ["2:HR0006"], "not that `listen_addr` is missing");
}

#[test]
fn an_anchor_in_a_broken_part_is_not_missed_in_another() {
    assert_eq!(errors("upstreams:\n  a: &a\n    b: c: d\nroutes:\n  /: *a\n"), ["3:HR0006"]);
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    assert_eq!(errors("routes:\r\n  - a: b: c\r\nmax_header: 1\r\n"), ["2:HR0006", "3:HR0101"]);
    assert_eq!(errors("routes:\r  - a: b: c\rmax_header: 1\r"), ["2:HR0006", "3:HR0101"]);
}

#[test]
fn a_text_that_breaks_everywhere_is_given_up() {
    let text: String = (0..100).map(|number| format!("k{number}: a: b\n")).collect();
    assert_eq!(errors(&text).iter().filter(|error| error.ends_with("HR0006")).count(), 21);
}
