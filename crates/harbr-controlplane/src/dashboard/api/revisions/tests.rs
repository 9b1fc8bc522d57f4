use super::*;

#[test]
fn what_differs_is_shown_with_the_lines_around_it_and_their_numbers() {
    let old: String = (1..=20).map(|number| format!("line {number}\n")).collect();
    let new = old.replace("line 10\n", "line ten\r\n");
    let (hunks, is_cut) = hunks(&old, &new);
    assert_eq!((hunks.len(), is_cut), (1, false));
    let lines: Vec<_> =
        hunks[0].iter().map(|line| (line.kind, line.old, line.new, line.text.as_str())).collect();
    assert_eq!(lines[0], ("same", Some(7), Some(7), "line 7"));
    assert_eq!(lines[3], ("removed", Some(10), None, "line 10"));
    assert_eq!(lines[4], ("added", None, Some(10), "line ten"));
    assert_eq!(lines.len(), 8);
}

#[test]
fn a_difference_that_nobody_would_read_is_cut() {
    let (old, new) = ("a\n".repeat(MAX_LINES), "b\n".repeat(MAX_LINES));
    let (hunks, is_cut) = hunks(&old, &new);
    assert_eq!((hunks.iter().map(Vec::len).sum::<usize>(), is_cut), (MAX_LINES, true));
}
