use std::io::Read as _;

use pty_process::Size;
use pty_process::blocking::{Command, open};

use super::Screen;

const CHILD: &str = "HARBR_TEST_PANICS_ON_A_SCREEN";

/// For the other test, which runs this one in a terminal.
#[test]
fn panics_on_a_screen_if_it_is_told_to() {
    if std::env::var_os(CHILD).is_some() {
        let _screen = Screen::enter().unwrap();
        panic!("as it should");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let (mut terminal, its_end) = open().unwrap();
    terminal.resize(Size::new(24, 80)).unwrap();
    let test = "top::screen::tests::panics_on_a_screen_if_it_is_told_to";
    let command = Command::new(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let mut child = command.env(CHILD, "1").spawn(its_end).unwrap();
    let mut said = Vec::new();
    // Its end is an error on Linux.
    let _ = terminal.read_to_end(&mut said);
    assert!(!child.wait().unwrap().success());
    let said = String::from_utf8_lossy(&said);
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("no {text:?} in {said:?}"));
    assert!(at("\x1b[?1049h") < at("\x1b[?1049l"), "{said:?}");
    assert!(at("\x1b[?1049l") < at("as it should"), "{said:?}");
}
