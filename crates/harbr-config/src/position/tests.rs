use super::*;

#[test]
fn a_line_ends_at_lf_cr_lf_and_cr() {
    let lines = Lines::of("one\ntwo\r\nthree\rfour");
    assert_eq!(
        (1..=5).map(|number| lines.line(number)).collect::<Vec<_>>(),
        ["one", "two", "three", "four", ""]
    );
}

#[test]
fn a_position_past_the_text_is_moved_to_its_end() {
    let lines = Lines::of("é: 1\nlast");
    let clamp = |line, column| {
        let Position { line, column } = lines.clamp(Position { line, column });
        (line, column)
    };
    assert_eq!(clamp(9, 1), (2, 5));
    assert_eq!(clamp(1, 99), (1, 5));
    assert_eq!(clamp(0, 0), (1, 1));
    assert_eq!(clamp(1, 3), (1, 3));
}
