use clap::{CommandFactory as _, Parser as _};

use super::{Cli, Command, ControllerUrl, Format, Kind};

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_format_can_stand_before_or_after_the_command() {
    for args in [["harbrctl", "-o", "json", "get", "nodes"], ["harbrctl", "get", "nodes", "-o", "json"]] {
        let cli = Cli::try_parse_from(args).unwrap();
        assert_eq!(cli.output.format().unwrap(), Format::Json);
        assert!(matches!(cli.command, Command::Get { kind: Kind::Node, .. }));
    }
}

#[test]
fn a_kind_can_be_said_in_the_singular() {
    for (word, expected) in [("node", Kind::Node), ("routes", Kind::Route), ("upstream", Kind::Upstream)] {
        let cli = Cli::try_parse_from(["harbrctl", "describe", word, "x"]).unwrap();
        assert!(matches!(cli.command, Command::Describe { kind, .. } if kind == expected), "{word}");
    }
}

#[test]
fn an_address_that_is_not_a_controllers_is_a_usage_error() {
    for text in ["127.0.0.1:7400", "ftp://a", "http://", "a b"] {
        assert!(text.parse::<ControllerUrl>().is_err(), "{text}");
    }
}

#[test]
fn what_only_validate_writes_is_a_usage_error_elsewhere() {
    for output in ["sarif", "github"] {
        let cli = Cli::try_parse_from(["harbrctl", "status", "-o", output]).unwrap();
        assert_eq!(cli.output.format().unwrap_err().exit_code(), 2);
    }
}

#[test]
fn a_code_can_be_said_by_its_number() {
    for text in ["HR0101", "hr0101", "101"] {
        let cli = Cli::try_parse_from(["harbrctl", "explain-error", text]).unwrap();
        assert!(matches!(cli.command, Command::ExplainError { code } if code.as_str() == "HR0101"), "{text}");
    }
    assert!(Cli::try_parse_from(["harbrctl", "explain-error", "HR9999"]).is_err());
}
